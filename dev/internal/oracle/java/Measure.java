package searchpack.oracle;

import java.io.DataOutputStream;
import java.nio.charset.StandardCharsets;

/** Times how long the product takes to build the synonym map of one large file. */
final class Measure {
    private Measure() {}

    /** Builds the map of a file below the configuration folder several times; a line of nanoseconds each. */
    static void build(Product product, String file, int times, DataOutputStream out) throws Exception {
        Synonyms synonyms = new Synonyms(product, "");
        for (int i = 0; i < times; i++) {
            long began = System.nanoTime();
            if (synonyms.map(file, "whitespace", true, false).fst == null) {
                throw new IllegalStateException("the map is empty");
            }
            out.write((System.nanoTime() - began + "\n").getBytes(StandardCharsets.UTF_8));
        }
        out.flush();
    }
}
