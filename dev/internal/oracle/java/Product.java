package searchpack.oracle;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.opensearch.Version;
import org.opensearch.cluster.metadata.IndexMetadata;
import org.opensearch.common.settings.Settings;
import org.opensearch.env.Environment;
import org.opensearch.index.IndexSettings;
import org.opensearch.index.analysis.CharFilterFactory;
import org.opensearch.index.analysis.TokenFilterFactory;
import org.opensearch.index.analysis.TokenizerFactory;
import org.opensearch.indices.analysis.AnalysisModule.AnalysisProvider;
import org.opensearch.indices.analysis.AnalysisModule;
import org.opensearch.plugins.AnalysisPlugin;

/** The parts of OpenSearch that read files, on a configuration folder of its own. */
final class Product {
    static final String FILE = "analyzers/F1";

    final Path config;
    final Environment environment;
    final Settings node;
    final IndexSettings index;
    final Logged logged;
    private final AnalysisPlugin analysis;
    private final Map<String, AnalysisProvider<TokenFilterFactory>> filters;
    private final Map<String, AnalysisProvider<CharFilterFactory>> charFilters;
    private final Map<String, AnalysisProvider<TokenizerFactory>> tokenizers = new HashMap<>();
    private final Map<String, Reader> readers = new HashMap<>();

    /** Reads one kind of file. */
    interface Reader {
        /** Tells the answer what the file means, or throws what the product throws. */
        void read(Case c, Answer a) throws Exception;
    }

    Product(Path home) throws Exception {
        config = home.resolve("config");
        Files.createDirectories(config.resolve("analyzers"));
        Files.createDirectories(home.resolve("tmp"));
        logged = Logged.install();
        node = Settings.builder().put("path.home", home.toString()).put("indices.analysis.hunspell.dictionary.lazy", true).build();
        environment = new Environment(node, config);
        Settings settings = Settings.builder().put("index.version.created", Version.CURRENT).put("index.number_of_shards", 1)
            .put("index.number_of_replicas", 0).put("index.uuid", "oracle").build();
        index = new IndexSettings(IndexMetadata.builder("oracle").settings(settings).build(), node);
        analysis = plugin("org.opensearch.analysis.common.CommonAnalysisPlugin", "org.opensearch.analysis.common.CommonAnalysisModulePlugin");
        filters = analysis.getTokenFilters(new AnalysisModule(environment, List.of(analysis)));
        charFilters = analysis.getCharFilters();
        for (String name : List.of("kuromoji.AnalysisKuromojiPlugin", "nori.AnalysisNoriPlugin")) {
            AnalysisPlugin p = plugin("org.opensearch.plugin.analysis." + name);
            if (p != null) {
                tokenizers.putAll(p.getTokenizers());
            }
        }
        Lists lists = new Lists(this);
        readers.put("solr-synonyms", new Synonyms(this, ""));
        readers.put("wordnet", new Synonyms(this, "wordnet"));
        readers.put("words", lists::words);
        readers.put("stemmer-override", lists::stemmer);
        readers.put("mapping", lists::mapping);
        readers.put("type-table", lists::typeTable);
        readers.put("kuromoji", new Morphology(this)::kuromoji);
        readers.put("nori", new Morphology(this)::nori);
        readers.put("hyphenation", new Hyphenation(this));
        readers.put("hunspell", new Hunspell(this));
    }

    Reader reader(String kind) {
        Reader r = readers.get(kind);
        if (r == null) {
            throw new IllegalStateException("the oracle knows no kind " + kind);
        }
        return r;
    }

    /**
     * Puts the case's file where the settings name it. The one before is deleted first: some file
     * systems write to disk at once what is written over a file.
     */
    void place(Case c) throws IOException {
        Path file = config.resolve(FILE);
        Files.deleteIfExists(file);
        Files.write(file, c.file());
    }

    TokenFilterFactory filter(String type, Settings settings) throws Exception {
        return provided(filters, type, settings);
    }

    CharFilterFactory charFilter(String type, Settings settings) throws Exception {
        return provided(charFilters, type, settings);
    }

    /** The tokenizer, or null where its plugin is not published for this version. */
    TokenizerFactory tokenizer(String type, Settings settings) throws Exception {
        return tokenizers.containsKey(type) ? provided(tokenizers, type, settings) : null;
    }

    private <T> T provided(Map<String, AnalysisProvider<T>> from, String type, Settings settings) throws Exception {
        return from.get(type).get(index, environment, "oracle", settings);
    }

    /** The first of the plugins that is there, else null. */
    private static AnalysisPlugin plugin(String... classes) throws ReflectiveOperationException {
        List<String> tried = new ArrayList<>(List.of(classes));
        for (String name : tried) {
            Class<?> found;
            try {
                found = Class.forName(name);
            } catch (ClassNotFoundException e) {
                continue;
            }
            return (AnalysisPlugin) found.getDeclaredConstructor().newInstance();
        }
        return null;
    }
}
