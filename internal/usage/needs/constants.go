package needs

import (
	"bytes"
	"slices"
	"strings"

	"github.com/searchpack/searchpack/internal/inspect/classfile"
)

// maxKept bounds the constants that are kept of one bundle of jars, in bytes: a plugin of 100 MB of
// classes has some 10 MB of them. What comes after is not seen.
const maxKept = 64 << 20

// Constants are the string constants of one bundle of jars: a plugin's, a module's, or those of lib/.
// They are compared without regard to case: an enum's constants are upper case, and what they name often
// lower case.
type Constants struct {
	lib    bool
	strict bool                   // only of classes that mention OpenSearch or Lucene
	wanted func(text string) bool // nil = all
	texts  map[string]kinds
	able   kinds
	kept   int
}

// OfPlugin returns the constants of a plugin, yet to be added. wanted: see Wanted; nil = all. Those of
// classes that mention neither OpenSearch nor Lucene do not count: plugins have libraries with words of
// all sorts in them.
func OfPlugin(wanted func(text string) bool) *Constants {
	c := OfModule(wanted)
	c.strict = true
	return c
}

// OfModule returns those of a module. All count, since what is OpenSearch's must not be taken for a
// plugin's.
func OfModule(wanted func(text string) bool) *Constants {
	return &Constants{wanted: wanted, texts: map[string]kinds{}, able: alwaysEnabled()}
}

// OfLib returns those of OpenSearch's lib/.
func OfLib(wanted func(text string) bool) *Constants {
	return &Constants{lib: true, wanted: wanted, texts: map[string]kinds{}, able: every}
}

// Add adds those of a class file, "org/example/A.class" by its path in the jar. What cannot be read adds
// nothing: Java could not load it either.
func (c *Constants) Add(path string, file []byte) {
	in := every
	if c.lib {
		in = coreKinds(path)
	}
	if in == 0 {
		return
	}
	var texts [][]byte // of the file, which is there until the end of the call
	known := !c.strict
	_ = classfile.Constants(file, func(text []byte) { texts = append(texts, text) }, func(class []byte) {
		c.able |= enabledBy(class)
		known = known || bytes.HasPrefix(class, []byte("org/opensearch/")) || bytes.HasPrefix(class, []byte("org/apache/lucene/"))
	})
	if !known {
		return
	}
	for _, text := range texts {
		c.add(text, in)
	}
}

// add keeps a constant. One that string concatenation fills in at run time ("my.plugin.\u0001") counts
// for what stands before the first gap (StringConcatFactory).
func (c *Constants) add(text []byte, in kinds) {
	if gap := bytes.IndexByte(text, 1); gap >= 0 {
		text = text[:gap]
		if !bytes.HasSuffix(text, []byte(".")) {
			return
		}
	}
	if len(text) == 0 || len(text) > maxText {
		return
	}
	key := strings.ToLower(string(text))
	if c.wanted != nil && !c.wanted(key) {
		return
	}
	have, known := c.texts[key]
	if !known {
		if c.kept += len(key); c.kept > maxKept {
			return
		}
	}
	c.texts[key] = have | in
}

// match is the constant by which the bundle may supply the name; "" if it does not. The key of a setting
// may be known by how it begins.
func (c *Constants) match(n Name) string {
	of := setOf(n.Kind)
	if c.able&of == 0 {
		return ""
	}
	key := strings.ToLower(n.Text)
	if c.texts[key]&of != 0 {
		return key
	}
	if !n.Kind.setting() {
		return ""
	}
	for at := strings.LastIndexByte(key, '.'); at > 0; at = strings.LastIndexByte(key[:at], '.') {
		if group := key[:at+1]; c.texts[group]&of != 0 {
			return group
		}
	}
	return ""
}

// supplies reports whether the bundle may supply the candidate too. A setting that a plugin knows only by
// its group is that of who knows it by a narrower one. OpenSearch's own bundles need not: plugins name
// its settings in full ("index.blocks.read_only"), where it puts them together ("index.blocks.").
func (c *Constants) supplies(x Candidate, core bool) bool {
	match := c.match(x.Name)
	if core && strings.HasSuffix(match, ".") && !slices.Contains(generic, match) {
		return true
	}
	return len(match) >= len(x.match)
}

// generic groups have settings of everybody in them.
var generic = []string{"index.", "plugins.", "opensearch."}
