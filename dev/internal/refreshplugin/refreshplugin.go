// Package refreshplugin builds a small OpenSearch plugin of our own and puts it into homes: it
// serves _plugins/_refresh_search_analyzers/{index}, and the former _opendistro route, with the
// answers of index-management, which the distribution on Maven Central lacks.
//
// The Java source lies in the folder java and fits OpenSearch 3.7 and later as it stands; a few
// lines are changed for older versions. javac compiles it against the lib folder of the home, so
// what is built is for exactly that version. It is for development clusters only: a cluster that
// has index-management is left alone.
package refreshplugin

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/searchpack/searchpack/dev/internal/distro"
)

// Name of the plugin, of its folder below plugins/ and in the node's own list.
const Name = "searchpack-refresh-search-analyzers"

const (
	version = "1.0.0"
	class   = "searchpack.refresh.RefreshPlugin"
)

//go:embed java/*.java
var java embed.FS

// change is what one line of the source was before a version of OpenSearch.
type change struct {
	major, minor int // from this version on the line holds as it stands
	file         string
	now, before  string
}

var changes = []change{
	{3, 0, "RefreshRoute.java", "import org.opensearch.transport.client.node.NodeClient;", "import org.opensearch.client.node.NodeClient;"},
	{3, 0, "Reload.java", "HEEDS_BLOCKS = false;", "HEEDS_BLOCKS = true;"},
	{3, 7, "Reload.java", "KNOWS_CACHED_RESOURCES = true;", "KNOWS_CACHED_RESOURCES = false;"},
	{3, 7, "Reload.java", "reloadSearchAnalyzers(registry, cachedResources);", "reloadSearchAnalyzers(registry);"},
}

// source returns the Java files for the home's version, by name.
func source(home distro.Home) (map[string]string, error) {
	names, err := fs.Glob(java, "java/*.java")
	if err != nil {
		return nil, err
	}
	files := map[string]string{}
	for _, name := range names {
		text, err := java.ReadFile(name)
		if err != nil {
			return nil, err
		}
		files[path.Base(name)] = string(text)
	}
	for _, c := range changes {
		if strings.Count(files[c.file], c.now) != 1 {
			return nil, fmt.Errorf("%s: the line %q, which is another one before OpenSearch %d.%d, is not there once", c.file, c.now, c.major, c.minor)
		}
		if !home.AtLeast(c.major, c.minor) {
			files[c.file] = strings.Replace(files[c.file], c.now, c.before, 1)
		}
	}
	return files, nil
}

// descriptor is what OpenSearch reads before it loads the plugin. Unknown keys are an error to it.
func descriptor(home distro.Home) string {
	return fmt.Sprintf("name=%s\ndescription=Refreshes search analyzers in Searchpack's development clusters\nversion=%s\nopensearch.version=%s\njava.version=%d\nclassname=%s\n",
		Name, version, home.Version, home.Release(), class)
}

// fingerprint of everything that decides what is built but the compiler.
func fingerprint(files map[string]string, descriptor string) string {
	h := sha256.New()
	for _, name := range sorted(files) {
		_, _ = fmt.Fprintf(h, "%s %d\n%s", name, len(files[name]), files[name])
	}
	_, _ = h.Write([]byte(descriptor))
	return hex.EncodeToString(h.Sum(nil))[:16]
}

func sorted(files map[string]string) []string {
	names := make([]string, 0, len(files))
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
