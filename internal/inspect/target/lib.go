package target

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"embed"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"
	"sync"
)

// PluginPackage is where OpenSearch's plugin interfaces lie.
const PluginPackage = "org/opensearch/plugins/"

// Header is what a table says of a version beside the names of classes.
type Header struct {
	Version string   `json:"version"`
	Jars    []string `json:"jars"`    // of lib/
	Modules []Module `json:"modules"` // by name
	// Plugins are the plugin classes and interfaces of lib/, with what they extend and implement.
	Plugins map[string][]string `json:"plugins"`
	Classes int                 `json:"classes"`
}

// Module is one that is built into OpenSearch. No plugin may have its name.
type Module struct {
	Name string `json:"name"`
	// Extensible: other plugins may extend it; nil = not known.
	Extensible *bool `json:"extensible,omitempty"`
}

// Class is a class of lib/.
type Class struct {
	Path string // in the jar: org/example/A.class
	Jar  int    // in Header.Jars
}

// Lib is what lies in lib/ of one version. Its methods may be used by several goroutines.
type Lib struct {
	Header
	records []byte
}

const (
	hashLen   = 6 // 48 bits: one false match in a million plugins of 10,000 classes
	recordLen = hashLen + 1
)

// ClassName is the name that JarHell knows a class by: META-INF.versions.9.org.example.A too.
func ClassName(path string) string {
	return strings.ReplaceAll(strings.TrimSuffix(path, ".class"), "/", ".")
}

func hash(name string) []byte {
	sum := sha256.Sum256([]byte(name))
	return sum[:hashLen]
}

// Jar returns the jar of lib/ that has the class of that name, as ClassName writes it.
func (l *Lib) Jar(name string) (string, bool) {
	h := hash(name)
	at := func(i int) []byte { return l.records[i*recordLen : (i+1)*recordLen] }
	i, found := sort.Find(len(l.records)/recordLen, func(i int) int { return bytes.Compare(h, at(i)[:hashLen]) })
	if !found {
		return "", false
	}
	return l.Jars[at(i)[hashLen]], true
}

// Encode writes a table: a line of JSON, then for each class, sorted, the first bytes of its name's
// SHA-256 and its jar's number. Descriptions of modules are left out, as JarHell does.
func Encode(h Header, classes []Class) ([]byte, error) {
	if len(h.Jars) > 256 {
		return nil, fmt.Errorf("there are %d jars, and a table has room for 256", len(h.Jars))
	}
	var records [][]byte
	for _, c := range classes {
		name := ClassName(c.Path)
		if c.Jar < 0 || c.Jar >= len(h.Jars) {
			return nil, fmt.Errorf("%s is in the jar %d of %d", c.Path, c.Jar, len(h.Jars))
		}
		if !IsModuleInfo(name) {
			records = append(records, append(hash(name), byte(c.Jar)))
		}
	}
	slices.SortFunc(records, bytes.Compare)
	h.Classes = len(records)
	head, err := json.Marshal(h)
	if err != nil {
		return nil, err
	}
	return append(append(head, '\n'), bytes.Join(records, nil)...), nil
}

// Decode reads a table. It keeps b.
func Decode(b []byte) (*Lib, error) {
	head, records, found := bytes.Cut(b, []byte{'\n'})
	l := &Lib{records: records}
	if err := json.Unmarshal(head, &l.Header); err != nil || !found {
		return nil, fmt.Errorf("a table of classes that cannot be read: %w", err)
	}
	if len(records) != l.Classes*recordLen {
		return nil, fmt.Errorf("a table of %d classes with %d bytes", l.Classes, len(records))
	}
	for i := hashLen; i < len(records); i += recordLen {
		if int(records[i]) >= len(l.Jars) {
			return nil, fmt.Errorf("a table with a class of jar %d of %d", records[i], len(l.Jars))
		}
	}
	return l, nil
}

// IsModuleInfo reports whether a name, as ClassName writes it, is a module's description, which
// JarHell passes over.
func IsModuleInfo(name string) bool {
	return name == "module-info" || strings.HasSuffix(name, ".module-info")
}

//go:embed lib/*.table
var tables embed.FS

// libs are the tables, decoded once. They are part of the program: one that cannot be read is a fault
// of the build, which its tests find.
var libs = sync.OnceValue(func() map[Version]*Lib {
	all := map[Version]*Lib{}
	files, err := tables.ReadDir("lib")
	for _, f := range files {
		var b []byte
		if b, err = tables.ReadFile("lib/" + f.Name()); err != nil {
			break
		}
		var l *Lib
		if l, err = Decode(b); err != nil {
			break
		}
		var v Version
		if v, err = Parse(l.Version); err != nil {
			break
		}
		all[v] = l
	}
	if err != nil {
		panic(err)
	}
	return all
})

// Lib returns what is known of the version's lib/, or else of the nearest patch of its minor; nil if
// there is neither.
func (v Version) Lib() *Lib {
	var best *Lib
	for _, known := range slices.SortedFunc(maps.Keys(libs()), Version.compare) {
		if known.Major == v.Major && known.Minor == v.Minor && (best == nil || known.Patch <= v.Patch) {
			best = libs()[known]
		}
	}
	return best
}

// Is reports whether the table is that of the version, not of another patch.
func (l *Lib) Is(v Version) bool { return l.Version == v.String() }

func (v Version) compare(o Version) int {
	return cmp.Or(cmp.Compare(v.Major, o.Major), cmp.Compare(v.Minor, o.Minor), cmp.Compare(v.Patch, o.Patch))
}
