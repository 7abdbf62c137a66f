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
			_, ids := c.files.mark(key, v, func(string) bool { return true })
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
func (f *files) mark(key, v string, want func(id string) bool) (string, []string) {
	if key != "rule_files" {
		id := f.packageOf(key, v)
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
		if id := f.packageOf(key, file); id != "" && want(id) {
			parts[i] = script + ":" + searchpack.PathMark
			ids = append(ids, id)
		}
	}
	return strings.Join(parts, ","), ids
}

// files says which package a path belongs to.
type files struct {
	byPath map[string]string // adopted files: path -> package id
	byID   map[string]string // the same the other way round
}

func newFiles(adopted map[string]string) *files {
	f := &files{byPath: map[string]string{}, byID: adopted}
	for id, p := range adopted {
		f.byPath[p] = id
	}
	return f
}

// packageOf returns the package whose file a setting names, "" for none. OpenSearch resolves the
// value against its configuration folder and normalises it (Environment.configDir().resolve), so
// every spelling that ends there counts. Where the folder lies is not known here: an absolute path,
// or one that climbs out and comes back, counts when it ends in the path of the file, analyzers/<id>
// or the one that it was adopted at.
func (f *files) packageOf(key, v string) string {
	v = strings.TrimSpace(v)
	if key == "ref_path" && packageID.MatchString(v) { // hunspell up to 3.6: the bare id
		return v
	}
	name := path.Clean(v)
	dir, id := path.Split(name)
	if packageID.MatchString(id) && f.byID[id] == "" {
		inside := dir == searchpack.AnalyzersDir+"/"
		if inside || comesBack(dir) && strings.HasSuffix(dir, "/"+searchpack.AnalyzersDir+"/") {
			return id
		}
	}
	return f.adopted(name)
}

// adopted returns the package whose file was adopted at a path. Of several in whose path an absolute one
// ends, "synonyms.txt" and "analysis/synonyms.txt", the longest counts.
func (f *files) adopted(name string) string {
	if !comesBack(name) {
		return f.byPath[name]
	}
	for rest := name; ; {
		_, after, found := strings.Cut(rest, "/")
		if !found {
			return ""
		}
		if id := f.byPath[after]; id != "" {
			return id
		}
		rest = after
	}
}

// comesBack: an absolute path, or one that leaves the configuration folder.
func comesBack(name string) bool {
	return strings.HasPrefix(name, "/") || strings.HasPrefix(name, "../")
}

// fileKind says what text the component expects under the key.
func fileKind(c *component, key string) searchpack.Kind {
	return settings.FileKind(c.get("type"), key, c.get("format"))
}
