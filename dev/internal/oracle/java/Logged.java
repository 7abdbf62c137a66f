package searchpack.oracle;

import org.apache.logging.log4j.Level;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.core.LogEvent;
import org.apache.logging.log4j.core.LoggerContext;
import org.apache.logging.log4j.core.appender.AbstractAppender;
import org.apache.logging.log4j.core.config.LoggerConfig;
import org.apache.logging.log4j.core.config.Property;

/** Keeps the exception that the product last logged as an error: often only the log has the line. */
final class Logged extends AbstractAppender {
    private Throwable last;

    private Logged() {
        super("oracle", null, null, true, Property.EMPTY_ARRAY);
    }

    /** Takes the place of every appender. */
    static Logged install() {
        Logged l = new Logged();
        l.start();
        LoggerContext context = (LoggerContext) LogManager.getContext(false);
        LoggerConfig root = context.getConfiguration().getRootLogger();
        for (String name : root.getAppenders().keySet().toArray(new String[0])) {
            root.removeAppender(name);
        }
        root.addAppender(l, Level.ERROR, null);
        root.setLevel(Level.ERROR);
        context.updateLoggers();
        return l;
    }

    @Override
    public void append(LogEvent event) {
        if (event.getThrown() != null) {
            last = event.getThrown();
        }
    }

    void clear() {
        last = null;
    }

    Throwable last() {
        return last;
    }
}
