package searchpack.oracle;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.file.Path;

/**
 * Answers what OpenSearch's own classes make of a file: cases come in on standard input, answers go
 * out on standard output in the same order. All numbers are 32-bit, big-endian; texts and bytes are
 * preceded by their length.
 *
 * <p>Case: kind, analyzer, flags (1 = expand: false, 2 = lenient: true), number of files, and of
 * each its name and bytes. Answer: see {@link Answer}.
 */
public final class Oracle {
    static final int NO_EXPAND = 1;
    static final int LENIENT = 2;

    private Oracle() {}

    public static void main(String[] args) throws Exception {
        DataOutputStream out = new DataOutputStream(new BufferedOutputStream(new FileOutputStream(FileDescriptor.out), 1 << 16));
        System.setOut(System.err); // what a library prints must not get between the answers
        Product product = new Product(Path.of(args[0]));
        if (args.length > 2 && args[1].equals("build")) {
            Measure.build(product, args[2], Integer.parseInt(args[3]), out);
            return;
        }
        DataInputStream in = new DataInputStream(new BufferedInputStream(System.in, 1 << 16));
        while (true) {
            Case c;
            try {
                c = Case.read(in);
            } catch (EOFException e) {
                return;
            }
            answer(product, c).write(out);
            if (in.available() == 0) {
                out.flush();
            }
        }
    }

    private static Answer answer(Product product, Case c) throws IOException {
        Answer a = new Answer();
        product.logged.clear();
        try {
            product.reader(c.kind).read(c, a);
        } catch (Exception | LinkageError | StackOverflowError | AssertionError e) {
            a.refused(e, product.logged.last());
        }
        return a;
    }
}
