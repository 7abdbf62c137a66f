package searchpack.oracle;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.lucene.analysis.CharArraySet;
import org.apache.lucene.analysis.charfilter.NormalizeCharMap;
import org.apache.lucene.util.BytesRef;
import org.apache.lucene.util.CharsRef;
import org.apache.lucene.util.fst.FST;
import org.opensearch.common.settings.Settings;
import org.opensearch.index.analysis.Analysis;
import org.opensearch.index.analysis.CharFilterFactory;
import org.opensearch.index.analysis.MappingRule;
import org.opensearch.index.analysis.TokenFilterFactory;

/** Builds the filters whose files are lists of lines. */
final class Lists {
    private final Product product;

    Lists(Product product) {
        this.product = product;
    }

    void words(Case c, Answer a) throws Exception {
        product.place(c);
        CharArraySet words = Analysis.getWordSet(product.environment, Settings.builder().put("keywords_path", Product.FILE).build(), "keywords");
        for (Object w : words) {
            a.means(new String((char[]) w));
        }
    }

    @SuppressWarnings("unchecked")
    void stemmer(Case c, Answer a) throws Exception {
        product.place(c);
        TokenFilterFactory f = product.filter("stemmer_override", Settings.builder().put("rules_path", Product.FILE).build());
        FST<BytesRef> fst = (FST<BytesRef>) Fields.get(Fields.get(f, "overrideMap"), "fst");
        Fields.each(fst, (key, stem) -> a.means(Fields.codePoints(key), stem.utf8ToString()));
    }

    @SuppressWarnings("unchecked")
    void mapping(Case c, Answer a) throws Exception {
        product.place(c);
        CharFilterFactory f = product.charFilter("mapping", Settings.builder().put("mappings_path", Product.FILE).build());
        FST<CharsRef> fst = (FST<CharsRef>) Fields.get(Fields.ofType(f, NormalizeCharMap.class), "map");
        Fields.each(fst, (key, to) -> a.means(Fields.utf16(key), to.toString()));
    }

    /** Each character with the name of its type, the last rule for it. */
    void typeTable(Case c, Answer a) throws Exception {
        product.place(c);
        Settings settings = Settings.builder().put("type_table_path", Product.FILE).build();
        TokenFilterFactory f = product.filter("word_delimiter_graph", settings);
        Method parse = f.getClass().getClassLoader().loadClass("org.opensearch.analysis.common.WordDelimiterTokenFilterFactory")
            .getDeclaredMethod("parse", String.class);
        parse.setAccessible(true);
        List<MappingRule<Character, Byte>> rules = Analysis.parseWordList(product.environment, settings, "type_table", s -> rule(parse, s));
        Map<Character, Byte> last = new TreeMap<>();
        for (MappingRule<Character, Byte> r : rules) {
            last.put(r.getLeft(), r.getRight());
        }
        last.forEach((from, type) -> a.means(String.valueOf(from), String.valueOf(type)));
    }

    @SuppressWarnings("unchecked")
    private static MappingRule<Character, Byte> rule(Method parse, String line) {
        try {
            return (MappingRule<Character, Byte>) parse.invoke(null, line);
        } catch (InvocationTargetException e) {
            throw (RuntimeException) e.getCause();
        } catch (IllegalAccessException e) {
            throw new IllegalStateException(e);
        }
    }
}
