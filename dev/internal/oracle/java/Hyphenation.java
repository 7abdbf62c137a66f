package searchpack.oracle;

import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import org.apache.lucene.analysis.compound.hyphenation.Hyphen;
import org.apache.lucene.analysis.compound.hyphenation.PatternConsumer;
import org.apache.lucene.analysis.compound.hyphenation.PatternParser;
import org.opensearch.common.settings.Settings;
import org.xml.sax.InputSource;

/** Builds a hyphenation decompounder, then hears what its parser makes of the file. */
final class Hyphenation implements Product.Reader {
    private final Product product;

    Hyphenation(Product product) {
        this.product = product;
    }

    @Override
    public void read(Case c, Answer a) throws Exception {
        product.place(c);
        product.filter("hyphenation_decompounder",
            Settings.builder().put("hyphenation_patterns_path", Product.FILE).putList("word_list", "word").build());
        InputSource source = new InputSource(Files.newInputStream(product.config.resolve(Product.FILE)));
        try {
            new PatternParser(new Heard(a)).parse(source);
        } finally {
            source.getByteStream().close();
        }
    }

    /** Keys of patterns begin with "pattern ", those of exceptions with "exception ". */
    private static final class Heard implements PatternConsumer {
        private final Answer answer;

        Heard(Answer answer) {
            this.answer = answer;
        }

        @Override
        public void addClass(String group) {
            answer.means("class " + group);
        }

        @Override
        public void addException(String word, ArrayList<Object> parts) {
            List<String> shown = new ArrayList<>();
            for (Object p : parts) {
                shown.add(p instanceof Hyphen ? "-" : String.valueOf(p));
            }
            answer.means("exception " + word, shown.toArray(new String[0]));
        }

        @Override
        public void addPattern(String pattern, String values) {
            answer.means("pattern " + pattern, values);
        }
    }
}
