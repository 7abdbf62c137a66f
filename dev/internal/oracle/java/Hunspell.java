package searchpack.oracle;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.stream.Stream;
import org.opensearch.indices.analysis.HunspellService;

/** Loads a folder of config/hunspell as a node does when an index first asks for it. */
final class Hunspell implements Product.Reader {
    private static final String LOCALE = "xx_XX";

    private final Product product;

    Hunspell(Product product) {
        this.product = product;
    }

    @Override
    public void read(Case c, Answer a) throws Exception {
        Path dir = product.config.resolve("hunspell").resolve(LOCALE);
        Files.createDirectories(dir);
        try {
            for (Map.Entry<String, byte[]> f : c.files.entrySet()) {
                Files.write(dir.resolve(f.getKey()), f.getValue());
            }
            new HunspellService(product.node, product.environment, Map.of()).getDictionary(LOCALE);
        } finally {
            empty(dir);
        }
    }

    private static void empty(Path dir) throws IOException {
        try (Stream<Path> files = Files.list(dir)) {
            for (Path f : (Iterable<Path>) files::iterator) {
                Files.delete(f);
            }
        }
    }
}
