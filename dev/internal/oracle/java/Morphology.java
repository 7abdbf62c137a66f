package searchpack.oracle;

import java.io.StringReader;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.lucene.util.fst.FST;
import org.opensearch.common.settings.Settings;
import org.opensearch.index.analysis.Analysis;
import org.opensearch.index.analysis.TokenizerFactory;

/**
 * Builds user dictionaries of kuromoji and nori: by OpenSearch's tokenizers where their plugins are
 * published for this version, else by Lucene from the lines that OpenSearch's list reader gives.
 */
final class Morphology {
    private static final int FIRST_WORD = 100_000_000; // UserDictionary.CUSTOM_DICTIONARY_WORD_ID_OFFSET

    private final Product product;

    Morphology(Product product) {
        this.product = product;
    }

    /**
     * Each word with the lengths of its segments in UTF-16 units, its readings, joined by a space
     * each, and its part of speech.
     */
    void kuromoji(Case c, Answer a) throws Exception {
        product.place(c);
        Object built = built("kuromoji_tokenizer");
        var dictionary = built instanceof String
            ? org.apache.lucene.analysis.ja.dict.UserDictionary.open(new StringReader((String) built))
            : (org.apache.lucene.analysis.ja.dict.UserDictionary) built;
        if (dictionary == null) {
            return;
        }
        int[][] segmentations = (int[][]) Fields.get(dictionary, "segmentations");
        each(dictionary.getFST(), (word, ordinal) -> {
            int[] s = segmentations[ordinal]; // the first word's id, then the lengths
            List<String> lengths = new ArrayList<>();
            List<String> readings = new ArrayList<>();
            String pos = "";
            for (int i = 1; i < s.length; i++) {
                lengths.add(String.valueOf(s[i]));
                String[] features = features(dictionary, s[0] + i - 1);
                readings.add(features[0]);
                pos = features[1];
            }
            a.means(word, String.join(" ", lengths), String.join(" ", readings), pos);
        });
    }

    /** Each word with the lengths of its parts in UTF-16 units; a word without parts has none. */
    void nori(Case c, Answer a) throws Exception {
        product.place(c);
        Object built = built("nori_tokenizer");
        var dictionary = built instanceof String
            ? org.apache.lucene.analysis.ko.dict.UserDictionary.open(new StringReader((String) built))
            : (org.apache.lucene.analysis.ko.dict.UserDictionary) built;
        if (dictionary == null) {
            return;
        }
        Object from = dictionary;
        try {
            from = Fields.get(dictionary, "morphAtts"); // Lucene 10
        } catch (NoSuchFieldException e) {
            // Lucene 9 keeps them itself
        }
        int[][] segmentations = (int[][]) Fields.get(from, "segmentations");
        each(dictionary.getFST(), (word, ordinal) -> {
            int[] lengths = segmentations[ordinal];
            a.means(word, lengths == null ? "" : IntStream.of(lengths).mapToObj(String::valueOf).collect(Collectors.joining(" ")));
        });
    }

    /** The dictionary of the product's tokenizer, or the lines of which Lucene has to make one. */
    private Object built(String type) throws Exception {
        Settings settings = Settings.builder().put("user_dictionary", Product.FILE).build();
        TokenizerFactory f = product.tokenizer(type, settings);
        if (f != null) {
            return Fields.get(f, "userDictionary");
        }
        List<String> lines = Analysis.parseWordList(product.environment, settings, "user_dictionary", "user_dictionary_rules", s -> s);
        return lines.isEmpty() ? null : String.join("\n", lines);
    }

    private interface Word {
        void seen(String word, int ordinal) throws Exception;
    }

    @SuppressWarnings("unchecked")
    private static void each(Object tokenInfoFST, Word word) throws Exception {
        List<Exception> failed = new ArrayList<>();
        Fields.each((FST<Long>) Fields.get(tokenInfoFST, "fst"), (key, ordinal) -> {
            try {
                word.seen(Fields.utf16(key), ordinal.intValue());
            } catch (Exception e) {
                failed.add(e);
            }
        });
        if (!failed.isEmpty()) {
            throw failed.get(0);
        }
    }

    /** Reading and part of speech: where they are kept, the separator too, moved in Lucene 10. */
    private static String[] features(org.apache.lucene.analysis.ja.dict.UserDictionary d, int id) throws Exception {
        String[] data;
        try {
            data = (String[]) Fields.get(d, "data");
        } catch (NoSuchFieldException e) {
            data = (String[]) Fields.get(Fields.get(d, "morphAtts"), "data");
        }
        String[] features = data[id - FIRST_WORD].split("\u0000", -1);
        return features.length == 2 ? features : new String[] {data[id - FIRST_WORD], ""};
    }
}
