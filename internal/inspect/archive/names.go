package archive

import (
	"io/fs"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"github.com/searchpack/searchpack/internal/inspect/rule"
)

const (
	// maxPath and maxElement bound a path and its elements, in bytes: Linux has 4,096, with the node's
	// own folders before it, and 255.
	maxPath    = 1024
	maxElement = 255
	// maxDepth bounds how many folders are within each other; those of plugins have one or two.
	maxDepth = 32
)

// checkNames looks at all names: each by itself, then whether some file system takes two for one.
func (a *Archive) checkNames(out *rule.Tally) {
	t := &tree{below: map[child]int{}, nodes: []node{{state: folder}}, folding: cases.Fold()}
	for i := range a.headers {
		h := &a.headers[i]
		if f := faultyName(h); f != nil {
			_ = Charge(f, out) // a fault
			continue
		}
		t.add(h, out)
	}
}

func faultyName(h *header) *Fault {
	switch name := h.path(); {
	case !utf8.ValidString(h.name):
		return badEncoding.fault(h.name, "is not UTF-8")
	case h.flags&flagUTF8 == 0 && strings.IndexFunc(h.name, func(r rune) bool { return r >= utf8.RuneSelf }) >= 0:
		return badEncoding.fault(h.name, "is not ASCII and not marked as UTF-8")
	case strings.IndexFunc(h.name, hidden) >= 0:
		return badPath.fault(h.name, "has control characters")
	case strings.Contains(h.name, `\`):
		return badPath.fault(h.name, "has a backslash, which some tools take for a slash")
	case len(name) > 1 && name[1] == ':' && unicode.IsLetter(rune(name[0])):
		return badPath.fault(h.name, "begins with a drive")
	case !fs.ValidPath(name) || name == ".":
		return badPath.fault(h.name, "is absolute or empty, or has . or .. or nothing between two slashes")
	case len(name) > maxPath || strings.Count(name, "/") >= maxDepth:
		return badPath.fault(h.name, "is too long or too deep")
	default:
		for element := range strings.SplitSeq(name, "/") {
			if len(element) > maxElement {
				return badPath.fault(h.name, "is too long or too deep")
			}
		}
	}
	return nil
}

// hidden are characters that end or turn a line.
func hidden(r rune) bool {
	return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || unicode.Is(unicode.Bidi_Control, r)
}

// tree is all paths of an archive, as a file system that knows neither case nor Unicode form sees
// them.
type tree struct {
	below   map[child]int // to the place in nodes
	nodes   []node
	folding cases.Caser
}

type child struct {
	parent int
	name   string // folded
}

type node struct {
	name  string // as written, the first time
	state state
}

type state int

const (
	implied state = iota // a folder that is no entry
	folder
	file
)

// add adds an entry and says what it clashes with.
func (t *tree) add(h *header, out *rule.Tally) {
	at := 0
	for rest := h.path(); ; {
		name, below, deeper := strings.Cut(rest, "/")
		kind := implied
		if !deeper {
			if kind = file; h.dir() {
				kind = folder
			}
		}
		key := child{at, t.fold(name)}
		next, known := t.below[key]
		if !known {
			next = len(t.nodes)
			t.nodes = append(t.nodes, node{name: name, state: kind})
			t.below[key] = next
		}
		n := &t.nodes[next]
		switch {
		case n.name != name:
			colliding.report(out, h.name, rule.Shown([]byte(n.name)), rule.Shown([]byte(name)))
			return
		case known && kind != implied && n.state == kind:
			twice.report(out, h.name)
			return
		case known && (n.state == file) != (kind == file):
			clashing.report(out, h.name, rule.Shown([]byte(name)))
			return
		case kind == folder:
			n.state = folder
		}
		if !deeper {
			return
		}
		at, rest = next, below
	}
}

// fold makes names equal that differ in case or Unicode form.
func (t *tree) fold(name string) string {
	for i := range len(name) {
		if name[i] >= utf8.RuneSelf {
			return norm.NFC.String(t.folding.String(norm.NFC.String(name)))
		}
	}
	return strings.ToLower(name)
}
