package vuln

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"deps.dev/util/semver"
)

// Bounds of a database. Maven's part of OSV has some ten thousand records; the longest, which list
// every version, have some hundred kilobytes.
const (
	maxRecords = 1_000_000
	maxRecord  = 16 << 20  // bytes of one record
	maxKept    = 512 << 20 // bytes that all versions and names may take in memory, roughly
)

// Database is what was read of a file. It does not change: any number of goroutines may use it.
type Database struct {
	// Records is how many records it has of libraries in Maven's format.
	Records    int
	byName     map[string][]*affected // "group:artifact"
	byArtifact map[string][]*affected
	kept       int
}

type record struct {
	id, summary string
	names       []string
}

// affected is one library of a record.
type affected struct {
	record   *record
	versions []string
	ranges   [][]event
}

type eventKind int

// The kinds of events, in the order in which those of one version are taken.
const (
	introduced eventKind = iota
	lastAffected
	fixed
)

type event struct {
	kind    eventKind
	text    string
	version *semver.Version
}

// osv is what is read of a record.
type osv struct {
	ID        string   `json:"id"`
	Summary   string   `json:"summary"`
	Withdrawn string   `json:"withdrawn"`
	Aliases   []string `json:"aliases"`
	Affected  []struct {
		Package struct {
			Ecosystem string `json:"ecosystem"`
			Name      string `json:"name"`
		} `json:"package"`
		Versions []string `json:"versions"`
		Ranges   []struct {
			Type   string              `json:"type"`
			Events []map[string]string `json:"events"`
		} `json:"ranges"`
	} `json:"affected"`
}

// Load reads a database: a JSON array of records, or records one after the other. A record that is
// withdrawn, or says nothing of Maven, is passed over. The error says which record is no OSV, or that
// the file is too large; it may be r's own.
func Load(r io.Reader) (*Database, error) {
	d := &Database{byName: map[string][]*affected{}, byArtifact: map[string][]*affected{}}
	in := bufio.NewReader(r)
	begin, err := firstByte(in)
	if errors.Is(err, io.EOF) {
		return nil, errors.New("it is empty: an OSV database is a JSON array of records, or one record a line")
	}
	if err != nil {
		return nil, err
	}
	bounded := &recordReader{r: in}
	dec := json.NewDecoder(bounded)
	if begin == '[' {
		if _, err := dec.Token(); err != nil {
			return nil, err
		}
	}
	for n := 1; ; n++ {
		if begin == '[' && !dec.More() {
			_, err := dec.Token() // the bracket that closes
			return d, brokenAt(n, err)
		}
		bounded.read = 0
		var o osv
		err := dec.Decode(&o)
		switch {
		case errors.Is(err, io.EOF) && begin != '[':
			return d, nil
		case err != nil:
			return nil, brokenAt(n, err)
		case n > maxRecords:
			return nil, fmt.Errorf("it has more than %d records", maxRecords)
		case o.ID == "":
			return nil, fmt.Errorf("record %d has no id: it is not in OSV's format", n)
		}
		if d.add(&o); d.kept > maxKept {
			return nil, fmt.Errorf("its records take more than %d bytes", maxKept)
		}
	}
}

func brokenAt(n int, err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("record %d cannot be read: %w", n, err)
}

// firstByte looks at the first byte that is no blank.
func firstByte(in *bufio.Reader) (byte, error) {
	for {
		b, err := in.ReadByte()
		if err != nil || b != ' ' && b != '\t' && b != '\r' && b != '\n' {
			_ = in.UnreadByte() // of what was just read
			return b, err
		}
	}
}

// add takes a record.
func (d *Database) add(o *osv) {
	if o.Withdrawn != "" {
		return
	}
	r := &record{id: o.ID, summary: o.Summary}
	for _, id := range append([]string{o.ID}, o.Aliases...) {
		if strings.HasPrefix(id, "CVE-") && !slices.Contains(r.names, id) {
			r.names = append(r.names, id)
		}
	}
	if len(r.names) == 0 {
		r.names = []string{o.ID}
	}
	maven := false
	for _, p := range o.Affected {
		ecosystem, _, _ := strings.Cut(p.Package.Ecosystem, ":") // "Maven:URL" names another repository
		_, artifact, ok := strings.Cut(p.Package.Name, ":")
		if ecosystem != "Maven" || !ok {
			continue
		}
		maven = true
		a := &affected{record: r, versions: p.Versions}
		for _, v := range p.Versions {
			d.kept += len(v) + 16
		}
		for _, each := range p.Ranges {
			if each.Type != "ECOSYSTEM" && each.Type != "SEMVER" {
				continue // commits say nothing about a jar
			}
			if events := eventsOf(each.Events); len(events) > 0 {
				a.ranges = append(a.ranges, events)
				d.kept += 400 * len(events)
			}
		}
		d.kept += len(p.Package.Name) + len(r.summary) + 400
		d.byName[p.Package.Name] = append(d.byName[p.Package.Name], a)
		d.byArtifact[artifact] = append(d.byArtifact[artifact], a)
	}
	if maven {
		d.Records++
	}
}

// eventsOf sorts the events of a range by version. One whose version cannot be read is left out.
func eventsOf(list []map[string]string) []event {
	var out []event
	for _, e := range list {
		for name, kind := range map[string]eventKind{"introduced": introduced, "fixed": fixed, "last_affected": lastAffected} {
			if text := e[name]; text != "" {
				if v, ok := parse(text); ok {
					out = append(out, event{kind, text, v})
				}
			}
		}
	}
	slices.SortStableFunc(out, func(a, b event) int {
		if c := cmp.Compare(b.always(), a.always()); c != 0 {
			return c
		}
		return cmp.Or(a.version.Compare(b.version), cmp.Compare(a.kind, b.kind))
	})
	return out
}

// always is 1 for an event that stands before every version.
func (e event) always() int {
	if e.kind == introduced && e.text == first {
		return 1
	}
	return 0
}

// recordReader bounds what is read of one record.
type recordReader struct {
	r    io.Reader
	read int
}

var errLong = fmt.Errorf("it has more than %d bytes", maxRecord)

// Read implements io.Reader.
func (r *recordReader) Read(p []byte) (int, error) {
	if r.read > maxRecord {
		return 0, errLong
	}
	n, err := r.r.Read(p[:min(len(p), maxRecord+1-r.read)])
	r.read += n
	return n, err
}
