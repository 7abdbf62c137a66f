package searchpack.oracle;

import java.io.DataInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;

/** One file, or the files of one folder, and the settings of the filter that reads it. */
final class Case {
    final String kind;
    final String analyzer;
    final int flags;
    final Map<String, byte[]> files = new LinkedHashMap<>();

    private Case(String kind, String analyzer, int flags) {
        this.kind = kind;
        this.analyzer = analyzer;
        this.flags = flags;
    }

    static Case read(DataInputStream in) throws IOException {
        Case c = new Case(text(in), text(in), in.readInt());
        for (int n = in.readInt(); n > 0; n--) {
            String name = text(in);
            c.files.put(name, bytes(in));
        }
        return c;
    }

    /** The bytes of the only file. */
    byte[] file() {
        return files.values().iterator().next();
    }

    boolean has(int flag) {
        return (flags & flag) != 0;
    }

    private static byte[] bytes(DataInputStream in) throws IOException {
        byte[] b = new byte[in.readInt()];
        in.readFully(b);
        return b;
    }

    private static String text(DataInputStream in) throws IOException {
        return new String(bytes(in), StandardCharsets.UTF_8);
    }
}
