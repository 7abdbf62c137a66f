package searchpack.oracle;

import java.io.IOException;
import java.lang.reflect.Field;
import java.util.function.BiConsumer;
import org.apache.lucene.util.IntsRef;
import org.apache.lucene.util.fst.FST;
import org.apache.lucene.util.fst.IntsRefFSTEnum;

/** Looks into objects that do not show what they hold. */
final class Fields {
    private Fields() {}

    /** The value of the field, also of one that a superclass declares. */
    static Object get(Object from, String name) throws ReflectiveOperationException {
        for (Class<?> c = from.getClass(); c != null; c = c.getSuperclass()) {
            for (Field f : c.getDeclaredFields()) {
                if (f.getName().equals(name)) {
                    f.setAccessible(true);
                    return f.get(from);
                }
            }
        }
        throw new NoSuchFieldException(from.getClass().getName() + " has no " + name);
    }

    /** The value of the only field of that type. */
    static <T> T ofType(Object from, Class<T> type) throws ReflectiveOperationException {
        for (Field f : from.getClass().getDeclaredFields()) {
            if (f.getType() == type) {
                f.setAccessible(true);
                return type.cast(f.get(from));
            }
        }
        throw new NoSuchFieldException(from.getClass().getName() + " has no " + type.getName());
    }

    /** Everything that the transducer holds. */
    static <T> void each(FST<T> fst, BiConsumer<IntsRef, T> seen) throws IOException {
        if (fst == null) {
            return;
        }
        IntsRefFSTEnum<T> all = new IntsRefFSTEnum<>(fst);
        for (IntsRefFSTEnum.InputOutput<T> io = all.next(); io != null; io = all.next()) {
            seen.accept(io.input, io.output);
        }
    }

    static String codePoints(IntsRef key) {
        return new String(key.ints, key.offset, key.length);
    }

    static String utf16(IntsRef key) {
        StringBuilder s = new StringBuilder(key.length);
        for (int i = 0; i < key.length; i++) {
            s.append((char) key.ints[key.offset + i]);
        }
        return s.toString();
    }
}
