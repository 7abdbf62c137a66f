package distro

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// Installation is a whole OpenSearch program from which homes are made. It is only read.
type Installation struct {
	Dir     string // absolute
	Version string
	own     bool // the user's, with plugins and configuration; not one from Maven Central
}

// treeRevision grows when what fetchInto makes changes, so that old trees are not taken for new.
const treeRevision = "r1"

// Fetch returns the program of that version from the cache, which is filled by mvn if need be.
func Fetch(ctx context.Context, cache Cache, version string, o Options) (Installation, error) {
	if !IsVersion(version) {
		return Installation{}, fmt.Errorf("%q is no OpenSearch version: it has three numbers, as %s", version, Newest)
	}
	dir, err := cache.Make(ctx, "opensearch-"+version+"-"+treeRevision, func(ctx context.Context, dir string) error {
		mvn, err := findMaven(o.Env, o.Log)
		if err != nil {
			return err
		}
		return fetchInto(ctx, mvn, version, dir)
	})
	if err != nil {
		return Installation{}, err
	}
	return Installation{Dir: dir, Version: version}, nil
}

func fetchInto(ctx context.Context, mvn maven, version, dir string) error {
	downloads, err := os.MkdirTemp(dir, "downloads-*")
	if err != nil {
		return err
	}
	zipped, err := mvn.fetch(ctx, artifact{"org.opensearch.distribution.integ-test-zip", "opensearch", version, "zip"}, downloads)
	if err != nil {
		return err
	}
	if err := unpack(zipped, "opensearch-"+version, dir); err != nil {
		return err
	}
	if !isDir(filepath.Join(dir, "modules", analysisModule)) {
		if err := addAnalysis(ctx, mvn, version, dir, downloads); err != nil {
			return err
		}
	}
	if err := os.RemoveAll(downloads); err != nil {
		return err
	}
	_, err = installedVersion(dir)
	return err
}

// analysisModule holds the filters that read files. Archives before 3.6 lack it; its jar is
// published, but without the descriptor that makes it a module.
const analysisModule = "analysis-common"

func addAnalysis(ctx context.Context, mvn maven, version, dir, downloads string) error {
	jar, err := mvn.fetch(ctx, artifact{"org.opensearch.plugin", analysisModule, version, "jar"}, downloads)
	if err != nil {
		return err
	}
	class, err := analysisClass(jar)
	if err != nil {
		return err
	}
	module := filepath.Join(dir, "modules", analysisModule)
	if err := os.MkdirAll(module, 0o755); err != nil {
		return err
	}
	placed := filepath.Join(module, filepath.Base(jar))
	if err := errors.Join(os.Rename(jar, placed), os.Chmod(placed, 0o644)); err != nil {
		return err
	}
	descriptor := fmt.Sprintf("name=%s\ndescription=built-in analyzers\nversion=%s\nopensearch.version=%s\njava.version=%d\nclassname=%s\nhas.native.controller=false\n",
		analysisModule, version, version, javaFor(version).min, class)
	return os.WriteFile(filepath.Join(module, "plugin-descriptor.properties"), []byte(descriptor), 0o644)
}

var analysisClassFile = regexp.MustCompile(`^org/opensearch/analysis/common/CommonAnalysis(?:Module)?Plugin\.class$`)

// analysisClass looks the module's class up in its jar: it was renamed for 3.0.
func analysisClass(jar string) (string, error) {
	z, err := zip.OpenReader(jar)
	if err != nil {
		return "", fmt.Errorf("%s is not a whole jar: %w", filepath.Base(jar), err)
	}
	defer func() { _ = z.Close() }()
	for _, f := range z.File {
		if analysisClassFile.MatchString(f.Name) {
			return strings.ReplaceAll(strings.TrimSuffix(f.Name, ".class"), "/", "."), nil
		}
	}
	return "", fmt.Errorf("%s holds no class of the form CommonAnalysis...Plugin", filepath.Base(jar))
}

// FromHome takes an unpacked OpenSearch archive on disk as the program. Its plugins are used too.
func FromHome(path string) (Installation, error) {
	dir, err := filepath.Abs(path)
	if err == nil {
		dir, err = filepath.EvalSymlinks(dir)
	}
	if err != nil {
		return Installation{}, err
	}
	version, err := installedVersion(dir)
	if err != nil {
		return Installation{}, err
	}
	return Installation{Dir: dir, Version: version, own: true}, nil
}

// installedVersion reads the version off lib/opensearch-VERSION.jar and checks that what a node
// needs to start is there.
func installedVersion(dir string) (string, error) {
	jars, err := filepath.Glob(filepath.Join(globEscape(dir), "lib", "opensearch-[0-9]*.jar"))
	if err != nil {
		return "", err
	}
	version := ""
	for _, jar := range jars {
		v := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(jar), "opensearch-"), ".jar")
		if IsVersion(v) {
			version = v
		}
	}
	if version == "" {
		return "", fmt.Errorf("%s holds no OpenSearch (no lib/opensearch-VERSION.jar): name the top folder of an unpacked archive", dir)
	}
	for _, need := range []string{"bin/opensearch", "config/jvm.options", "modules"} {
		if _, err := os.Stat(filepath.Join(dir, need)); err != nil {
			return "", fmt.Errorf("%s lacks %s: name the top folder of an unpacked archive", dir, need)
		}
	}
	return version, nil
}

var globSpecial = regexp.MustCompile(`[\\*?\[]`)

func globEscape(path string) string { return globSpecial.ReplaceAllString(path, `\$0`) }

// Plugins that matter here, by the name in their descriptor.
const (
	indexManagement = "opensearch-index-management"
	security        = "opensearch-security"
)

const descriptorLimit = 64 << 10 // bytes; descriptors have about 500

// installedPlugins returns the names that the descriptors below a plugins folder give.
func installedPlugins(dir string) (map[string]bool, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	names := map[string]bool{}
	for _, e := range entries {
		name, err := pluginName(filepath.Join(dir, e.Name(), "plugin-descriptor.properties"))
		if err == nil && name != "" {
			names[name] = true
		}
	}
	return names, nil
}

func pluginName(descriptor string) (string, error) {
	f, err := os.Open(descriptor)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }()
	text, err := io.ReadAll(io.LimitReader(f, descriptorLimit))
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(text)) {
		key, value, ok := strings.Cut(line, "=")
		if ok && strings.TrimSpace(key) == "name" {
			return strings.TrimSpace(value), nil
		}
	}
	return "", nil
}
