package searchpack.tags;

import java.io.IOException;
import java.util.Map;
import org.apache.lucene.analysis.TokenFilter;
import org.apache.lucene.analysis.TokenStream;
import org.apache.lucene.analysis.tokenattributes.CharTermAttribute;
import org.opensearch.index.analysis.TokenFilterFactory;
import org.opensearch.indices.analysis.AnalysisModule.AnalysisProvider;
import org.opensearch.plugins.AnalysisPlugin;
import org.opensearch.plugins.Plugin;

/**
 * A plugin with the token filter "tag": fox -> fox@first. Each version of it has another class below,
 * which its descriptor names, so that one compilation makes them all.
 */
public abstract class Tags extends Plugin implements AnalysisPlugin {
    private final String version;

    Tags(String version) {
        this.version = version;
    }

    @Override
    public Map<String, AnalysisProvider<TokenFilterFactory>> getTokenFilters() {
        return Map.of("tag", (index, environment, name, settings) -> new TokenFilterFactory() {
            @Override
            public String name() {
                return name;
            }

            @Override
            public TokenStream create(TokenStream tokens) {
                return new Tag(tokens, version);
            }
        });
    }

    public static final class First extends Tags {
        public First() {
            super("first");
        }
    }

    public static final class Second extends Tags {
        public Second() {
            super("second");
        }
    }

    /** A version with which no node starts. */
    public static final class Throws extends Tags {
        public Throws() {
            super("throws");
            throw new IllegalStateException("boom");
        }
    }

    /** Uses a class that may be missing: Java looks for it when the constructor runs. */
    public static final class Uses extends Tags {
        public Uses() {
            super(new Name().toString());
        }
    }

    private static final class Name {
        @Override
        public String toString() {
            return "uses";
        }
    }

    private static final class Tag extends TokenFilter {
        private final CharTermAttribute term = addAttribute(CharTermAttribute.class);
        private final String version;

        Tag(TokenStream tokens, String version) {
            super(tokens);
            this.version = version;
        }

        @Override
        public boolean incrementToken() throws IOException {
            if (!input.incrementToken()) {
                return false;
            }
            term.append('@').append(version);
            return true;
        }
    }
}
