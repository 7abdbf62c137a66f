package usage

import (
	"path"
	"regexp"
	"strings"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/inspect/settings"
)

// reference is a setting of a component that names a package's file.
type reference struct {
	packageID string
	key       string
}

var packageID = regexp.MustCompile(`^(?:[FG][0-9]+|pkg-[a-f0-9]+)$`)

// references lists what c names, by key, then package. Every setting is looked at, not only the
// known keys: plugins have keys of their own, and a file must not be removed while one names it.
func (c *component) references() []reference {
	var out []reference
	for _, key := range settings.Sorted(c.settings) {
		found := map[string]bool{}
		for _, v := range c.settings[key].List {
			_, ids := mark(key, v, func(string) bool { return true })
			for _, id := range ids {
				found[id] = true
			}
		}
		for _, id := range settings.Sorted(found) {
			out = append(out, reference{id, key})
		}
	}
	return out
}

// reads reports whether c names the package's file.
func (c *component) reads(id string) bool {
	for _, r := range c.refs {
		if r.packageID == id {
			return true
		}
	}
	return false
}

// mark replaces the paths of package files in a setting by PathMark where want says so, and
// returns the packages that it replaced. Only rule_files holds more than a path: it is a list of
// script:path (IcuTokenizerFactory).
func mark(key, v string, want func(id string) bool) (string, []string) {
	if key != "rule_files" {
		id := packageOf(key, v)
		if id == "" || !want(id) {
			return v, nil
		}
		return searchpack.PathMark, []string{id}
	}
	parts, ids := strings.Split(v, ","), []string(nil)
	for i, p := range parts {
		script, file, ok := strings.Cut(p, ":")
		if !ok {
			continue
		}
		if id := packageOf(key, file); id != "" && want(id) {
			parts[i] = script + ":" + searchpack.PathMark
			ids = append(ids, id)
		}
	}
	return strings.Join(parts, ","), ids
}

// packageOf returns the package whose file a setting names, "" for none. OpenSearch resolves the
// value against its configuration folder and normalises it (Environment.configDir().resolve), so
// every spelling that ends there counts. Where the folder lies is not known here: an absolute path,
// or one that climbs out and comes back, counts when it ends in analyzers/<id>.
func packageOf(key, v string) string {
	v = strings.TrimSpace(v)
	if key == "ref_path" && packageID.MatchString(v) { // hunspell up to 3.6: the bare id
		return v
	}
	dir, id := path.Split(path.Clean(v))
	if !packageID.MatchString(id) {
		return ""
	}
	inside := dir == searchpack.AnalyzersDir+"/"
	outside := (strings.HasPrefix(dir, "/") || strings.HasPrefix(dir, "../")) &&
		strings.HasSuffix(dir, "/"+searchpack.AnalyzersDir+"/")
	if inside || outside {
		return id
	}
	return ""
}

// fileKind says what text the component expects under the key.
func fileKind(c *component, key string) searchpack.Kind {
	return settings.FileKind(c.get("type"), key, c.get("format"))
}
