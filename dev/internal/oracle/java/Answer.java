package searchpack.oracle;

import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.text.ParseException;
import java.util.ArrayList;
import java.util.List;

/**
 * What became of a case: the exceptions, the outermost first (none = accepted), each with its class,
 * message and place (a ParseException's, else -1), and the meaning, a list of keys with a flag and
 * their values.
 */
final class Answer {
    private static final int MOST_CAUSES = 20;

    private final List<Throwable> causes = new ArrayList<>();
    private final List<Meaning> meanings = new ArrayList<>();

    private static final class Meaning {
        final byte[] key;
        final boolean flag;
        final List<byte[]> values;

        Meaning(byte[] key, boolean flag, List<byte[]> values) {
            this.key = key;
            this.flag = flag;
            this.values = values;
        }
    }

    void means(byte[] key, boolean flag, List<byte[]> values) {
        meanings.add(new Meaning(key, flag, values));
    }

    void means(String key, String... values) {
        List<byte[]> list = new ArrayList<>();
        for (String v : values) {
            list.add(utf8(v));
        }
        means(utf8(key), false, list);
    }

    /** Keeps the exception and its causes; where the product only logs the cause, the logged one. */
    void refused(Throwable thrown, Throwable logged) {
        meanings.clear();
        boolean hidden = logged != null;
        for (Throwable t = thrown; t != null && causes.size() < MOST_CAUSES; t = t.getCause()) {
            causes.add(t);
            hidden &= t != logged;
        }
        for (Throwable t = logged; hidden && t != null && causes.size() < MOST_CAUSES; t = t.getCause()) {
            causes.add(t);
        }
    }

    void write(DataOutputStream out) throws IOException {
        out.writeInt(causes.size());
        for (Throwable t : causes) {
            write(out, utf8(t.getClass().getName()));
            write(out, utf8(String.valueOf(t.getMessage())));
            out.writeInt(t instanceof ParseException ? ((ParseException) t).getErrorOffset() : -1);
        }
        out.writeInt(meanings.size());
        for (Meaning m : meanings) {
            write(out, m.key);
            out.writeInt(m.flag ? 1 : 0);
            out.writeInt(m.values.size());
            for (byte[] v : m.values) {
                write(out, v);
            }
        }
    }

    private static void write(DataOutputStream out, byte[] b) throws IOException {
        out.writeInt(b.length);
        out.write(b);
    }

    /** UTF-8, with U+FFFD for half a surrogate pair. */
    static byte[] utf8(String s) {
        StringBuilder whole = new StringBuilder(s.length());
        s.codePoints().forEach(c -> whole.appendCodePoint(c >= 0xD800 && c <= 0xDFFF ? 0xFFFD : c));
        return whole.toString().getBytes(StandardCharsets.UTF_8);
    }
}
