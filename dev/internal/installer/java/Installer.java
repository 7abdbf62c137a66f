package org.opensearch.tools.cli.plugin;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Enumeration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipInputStream;

import org.opensearch.cli.Terminal;
import org.opensearch.common.settings.Settings;
import org.opensearch.env.Environment;

/**
 * Installs zips with OpenSearch's own installer, one after the other in one JVM, and takes away again
 * what each left. Arguments: the home. Each line of standard input is the path of a zip; the answer is
 * a line of four fields with tabs between them: "accepted" or "refused"; the exceptions; and what
 * java.util.zip.ZipFile and ZipInputStream see in it.
 *
 * It lies in the installer's package because the installer is visible there only.
 */
public final class Installer {
    private Installer() {}

    public static void main(String[] args) throws Exception {
        Path home = Paths.get(args[0]);
        PrintStream out = new PrintStream(System.out, true, "UTF-8");
        System.setOut(new PrintStream(OutputStream.nullOutputStream(), true, "UTF-8"));
        Environment env = new Environment(Settings.builder().put("path.home", home.toString()).build(), home.resolve("config"));
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            Path zip = Paths.get(line);
            out.println(install(home, env, zip) + "\t" + viewOfFile(zip) + "\t" + viewOfStream(zip));
        }
    }

    private static String install(Path home, Environment env, Path zip) throws IOException {
        Path[] places = { home.resolve("plugins"), home.resolve("bin"), home.resolve("config"), Paths.get(System.getProperty("java.io.tmpdir")) };
        List<Set<Path>> before = new ArrayList<>();
        for (Path place : places) {
            before.add(children(place));
        }
        try {
            return answer(zip, env);
        } catch (Throwable e) {
            return "refused\t" + text(e);
        } finally {
            for (int i = 0; i < places.length; i++) {
                for (Path child : children(places[i])) {
                    if (before.get(i).contains(child) == false) {
                        remove(child);
                    }
                }
            }
        }
    }

    /** Seconds after which an installation has no end: each takes some milliseconds. */
    private static final int PATIENCE = 20;

    private static String answer(Path zip, Environment env) throws Throwable {
        FutureTask<String> task = new FutureTask<>(() -> {
            new InstallPluginCommand().execute(Terminal.DEFAULT, List.of(zip.toUri().toString()), true, env);
            return "accepted\t";
        });
        Thread thread = new Thread(task);
        thread.setDaemon(true);
        thread.start();
        try {
            return task.get(PATIENCE, TimeUnit.SECONDS);
        } catch (ExecutionException e) {
            throw e.getCause();
        } catch (TimeoutException e) {
            return "refused\tit has no end";
        }
    }

    private static Set<Path> children(Path dir) throws IOException {
        Set<Path> found = new HashSet<>();
        if (Files.isDirectory(dir)) {
            try (Stream<Path> all = Files.list(dir)) {
                all.forEach(found::add);
            }
        }
        return found;
    }

    private static void remove(Path path) throws IOException {
        try (Stream<Path> all = Files.walk(path)) {
            for (Path each : (Iterable<Path>) all.sorted(Comparator.reverseOrder())::iterator) {
                Files.delete(each);
            }
        }
    }

    private static String text(Throwable e) {
        StringBuilder all = new StringBuilder();
        for (Throwable each = e; each != null; each = each.getCause()) {
            all.append(all.length() == 0 ? "" : " / ").append(each);
        }
        return all.toString().replaceAll("\\s+", " ");
    }

    private static String viewOfFile(Path path) {
        try (ZipFile zip = new ZipFile(path.toFile())) {
            TreeSet<String> lines = new TreeSet<>();
            for (Enumeration<? extends ZipEntry> all = zip.entries(); all.hasMoreElements();) {
                ZipEntry e = all.nextElement();
                try (InputStream in = zip.getInputStream(e)) {
                    add(lines, e, in);
                }
            }
            return String.join("|", lines);
        } catch (Exception e) {
            return "error: " + text(e);
        }
    }

    private static String viewOfStream(Path path) {
        try (ZipInputStream zip = new ZipInputStream(Files.newInputStream(path))) {
            TreeSet<String> lines = new TreeSet<>();
            for (ZipEntry e = zip.getNextEntry(); e != null; e = zip.getNextEntry()) {
                add(lines, e, zip);
            }
            return String.join("|", lines);
        } catch (Exception e) {
            return "error: " + text(e);
        }
    }

    private static void add(Set<String> lines, ZipEntry e, InputStream in) throws Exception {
        byte[] content = in.readAllBytes();
        if (e.isDirectory()) {
            return;
        }
        StringBuilder line = new StringBuilder(e.getName().replaceAll("[\\s|]", "?")).append(' ').append(content.length).append(' ');
        for (byte b : MessageDigest.getInstance("SHA-256").digest(content)) {
            line.append(String.format(java.util.Locale.ROOT, "%02x", b));
        }
        lines.add(line.toString());
    }
}
