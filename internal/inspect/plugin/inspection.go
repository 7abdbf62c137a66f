package plugin

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"github.com/searchpack/searchpack/internal/inspect/archive"
	"github.com/searchpack/searchpack/internal/inspect/rule"
	"github.com/searchpack/searchpack/internal/inspect/target"
)

const (
	// maxEntries bounds the files and folders of all jars together: 150 bytes are kept of each. The
	// largest plugins have some 60,000.
	maxEntries = 120_000
	// maxJarBytes bounds what all jars of a plugin together may unpack to, in bytes. Classes pack to a
	// half.
	maxJarBytes = 4 << 30
	// maxCandidates is how many classes are named that may have been meant.
	maxCandidates = 3
)

// inspection is a plugin that is being inspected.
type inspection struct {
	*descriptor
	archive *archive.Archive
	target  Target
	loaded  []archive.Entry          // jars that nodes load
	others  []archive.Entry          // jars in folders, which nodes load only if a jar's Class-Path names them
	jars    []jar                    // those of loaded, then those that they name
	unnamed map[string]archive.Entry // those of others, by path, that no Class-Path has named so far
	classes map[uint64]int           // the name of each class, hashed -> its jar
	left    int64                    // of maxJarBytes
	entries int                      // of all jars
	broken  bool                     // there is a jar that could not be read
	hell    map[jarPair]*overlap
	// candidates look like the class of a plugin.
	candidates []string
}

// jar is what was read of a jar.
type jar struct {
	entry archive.Entry
	list  *archive.Jar
	// named by the Class-Path of another: its classes are loaded, but JarHell does not see them.
	named bool
	// release is the newest Java that a class needs, needs is the class; "" = there is none.
	release int
	needs   string
	classes int
	damaged string // a class that is none
}

func newInspection(a *archive.Archive, d *descriptor) *inspection {
	return &inspection{
		descriptor: d, archive: a, target: d.o.Target, classes: map[uint64]int{}, left: maxJarBytes, hell: map[jarPair]*overlap{},
	}
}

// keyOf is what a class's name, with dots, is remembered by.
func keyOf(name string) uint64 {
	sum := sha256.Sum256([]byte(name))
	return binary.BigEndian.Uint64(sum[:])
}

// readJars reads what the jars have, each once. The error is the reader's.
func (in *inspection) readJars() error {
	slices.SortFunc(in.loaded, func(a, b archive.Entry) int { return strings.Compare(a.Path, b.Path) })
	for _, e := range in.loaded {
		in.jars = append(in.jars, jar{entry: e})
	}
	in.unnamed = map[string]archive.Entry{}
	for _, e := range in.others {
		in.unnamed[e.Path] = e
	}
	for i := 0; i < len(in.jars); i++ { // a jar may name others
		if err := in.readJar(i); err != nil {
			if err = archive.ChargeIn(in.jars[i].entry.Path, err, in.out); err != nil {
				return err
			}
			in.broken = true
		}
		j := &in.jars[i]
		in.facts.Jars = append(in.facts.Jars, Jar{Path: j.entry.Path, Size: j.entry.Size, Classes: j.classes, Java: j.release})
		in.facts.ClassJava = max(in.facts.ClassJava, j.release)
	}
	for _, e := range in.others {
		if _, unnamed := in.unnamed[e.Path]; unnamed {
			jarElsewhere.Report(in.out, rule.Place{Path: e.Path})
		}
	}
	return nil
}

// classPath adds the jars that the Class-Path of a jar names and that are in the plugin.
func (in *inspection) classPath(from archive.Entry, value string) {
	folder := ""
	if at := strings.LastIndexByte(from.Path, '/'); at >= 0 {
		folder = from.Path[:at+1]
	}
	for name := range strings.FieldsSeq(value) {
		if e, found := in.unnamed[folder+name]; found {
			delete(in.unnamed, e.Path)
			in.jars = append(in.jars, jar{entry: e, named: true})
		}
	}
}

// nodes names the nodes in findings.
func (in *inspection) nodes() string {
	v := in.target.Version
	if in.target.Exact {
		return v.String()
	}
	return fmt.Sprintf("%d.%d", v.Major, v.Minor)
}

// libCertain reports whether the known lib/ is that of every node that takes the plugin.
func (in *inspection) libCertain() bool {
	t, r := in.target, in.facts.OpenSearch
	return t.Lib != nil && r.Holds(t.LibVersion) && (t.Exact && t.Version == t.LibVersion || r.one())
}

// one reports whether a single version is in the range.
func (r Range) one() bool { return r.low == r.high }

// inLib finds a class, its name with dots, in OpenSearch's lib/.
func (t Target) inLib(name string) (string, bool) {
	if t.Lib == nil || target.IsModuleInfo(name) {
		return "", false
	}
	return t.Lib.Jar(name)
}
