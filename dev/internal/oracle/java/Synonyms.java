package searchpack.oracle;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.apache.lucene.analysis.core.KeywordTokenizer;
import org.apache.lucene.analysis.core.WhitespaceTokenizer;
import org.apache.lucene.analysis.standard.StandardTokenizer;
import org.apache.lucene.analysis.synonym.SynonymMap;
import org.apache.lucene.store.ByteArrayDataInput;
import org.apache.lucene.util.BytesRef;
import org.opensearch.common.settings.Settings;
import org.opensearch.index.analysis.TokenFilterFactory;
import org.opensearch.index.analysis.TokenizerFactory;

/** Builds a synonym filter behind a tokenizer, as an analyzer of an index would. */
final class Synonyms implements Product.Reader {
    private final Product product;
    private final String format;

    Synonyms(Product product, String format) {
        this.product = product;
        this.format = format;
    }

    @Override
    public void read(Case c, Answer a) throws Exception {
        product.place(c);
        tell(map(c), a);
    }

    SynonymMap map(Case c) throws Exception {
        return map(Product.FILE, c.analyzer, !c.has(Oracle.NO_EXPAND), c.has(Oracle.LENIENT));
    }

    SynonymMap map(String file, String analyzer, boolean expand, boolean lenient) throws Exception {
        Settings settings = Settings.builder().put("synonyms_path", file).put("format", format).put("expand", expand)
            .put("lenient", lenient).build();
        TokenFilterFactory built = product.filter("synonym_graph", settings)
            .getChainAwareTokenFilterFactory(tokenizer(analyzer), List.of(), List.of(), name -> null);
        return Fields.ofType(built, SynonymMap.class);
    }

    private static TokenizerFactory tokenizer(String name) {
        switch (name) {
            case "whitespace":
                return TokenizerFactory.newFactory(name, WhitespaceTokenizer::new);
            case "standard":
                return TokenizerFactory.newFactory(name, StandardTokenizer::new);
            case "keyword":
                return TokenizerFactory.newFactory(name, KeywordTokenizer::new);
            default:
                throw new IllegalStateException("the oracle knows no analyzer " + name);
        }
    }

    /** The map's keys with their outputs; the flag says that the key itself stays (SynonymMap). */
    private static void tell(SynonymMap map, Answer a) throws Exception {
        BytesRef word = new BytesRef();
        Fields.each(map.fst, (key, packed) -> {
            ByteArrayDataInput in = new ByteArrayDataInput(packed.bytes, packed.offset, packed.length);
            int code = in.readVInt();
            List<byte[]> outputs = new ArrayList<>();
            for (int n = code >>> 1; n > 0; n--) {
                map.words.get(in.readVInt(), word);
                outputs.add(Arrays.copyOfRange(word.bytes, word.offset, word.offset + word.length));
            }
            a.means(Answer.utf8(Fields.codePoints(key)), (code & 1) == 0, outputs);
        });
    }
}
