package diff

import (
	"errors"
	"hash/maphash"
	"io"
	"math/bits"
	"strings"

	"github.com/searchpack/searchpack/internal/inspect/dict"
)

const (
	// maxKeys is how many numbers a table holds: some 200 MiB for both. Files with more are read
	// several times, each time for a part of the keys.
	maxKeys = 4 << 20
	// maxParts bounds how often: files with more keys than that are compared by nobody.
	maxParts = 64
)

// ErrTooLarge says that two files have more keys than can be compared.
var ErrTooLarge = errors.New("the files have too many keys to be compared")

// tables compares two files in two passes over each: the first adds up, for each key, what it stands
// for, so that equal sums are equal meanings whatever their order; the second takes down the texts
// of keys whose sums differ.
type tables struct {
	from, to io.ReadSeeker
	read     reading
	seed     maphash.Seed
	limit    int // numbers in memory
	parts    uint64
	entries  int64 // seen of both files, in the first part

	part uint64
	// sums has for each key, by its hash, which files have it (the two lowest bits) and the difference
	// of the sums of its values' hashes.
	sums map[uint64]uint64
	// seen are the pairs of key and value of one file: the same rule twice means the same as once.
	seen map[uint64]struct{}
}

const (
	inFrom = 1
	inTo   = 2
	inBoth = inFrom | inTo
)

func newTables(from, to io.ReadSeeker, read reading) *tables {
	return &tables{from: from, to: to, read: read, seed: maphash.MakeSeed(), limit: maxKeys, parts: 1}
}

// run compares the files, in as many parts as it takes.
func (t *tables) run() (Result, error) {
	for {
		res, err := t.allParts()
		if !errors.Is(err, errFull) {
			return res, err
		}
		if t.parts *= 2; t.parts > maxParts {
			return Result{}, ErrTooLarge
		}
	}
}

func (t *tables) allParts() (Result, error) {
	var all Result
	for t.part = 0; t.part < t.parts; t.part++ {
		t.sums = map[uint64]uint64{}
		if err := t.add(t.from, inFrom); err != nil {
			return Result{}, err
		}
		if err := t.add(t.to, inTo); err != nil {
			return Result{}, err
		}
		t.seen = nil
		c := collector{t: t, at: map[uint64]int{}}
		for _, state := range t.sums {
			c.count(state)
		}
		if c.res.Added+c.res.Removed+c.res.Changed > 0 {
			if err := c.texts(); err != nil {
				return Result{}, err
			}
		}
		all.join(c.res)
	}
	order(all.Changes)
	all.cut()
	return all, nil
}

// join adds the result of another part.
func (r *Result) join(o Result) {
	r.Added += o.Added
	r.Removed += o.Removed
	r.Changed += o.Changed
	r.Same += o.Same
	r.Changes = append(r.Changes, o.Changes...)
}

// cut leaves MaxShown changes of each sort.
func (r *Result) cut() {
	left := map[Sort]int{Added: MaxShown, Removed: MaxShown, Changed: MaxShown}
	kept := r.Changes[:0]
	for _, c := range r.Changes {
		if left[c.Sort]--; left[c.Sort] >= 0 {
			kept = append(kept, c)
		}
	}
	r.Changes = kept
}

var errFull = errors.New("the table is full")

// add reads a file into the sums.
func (t *tables) add(r io.ReadSeeker, side uint64) error {
	t.seen = map[uint64]struct{}{}
	full := false
	err := t.each(r, &full, func(key uint64, e dict.Entry) {
		pair := t.pair(key, e)
		if _, again := t.seen[pair]; again || full {
			return
		}
		t.seen[pair] = struct{}{}
		sum := pair &^ inBoth // what the flags leave of it
		if side == inTo {
			sum = -sum
		}
		state := t.sums[key]
		t.sums[key] = (state&^inBoth + sum) | state&inBoth | side
		full = len(t.seen) > t.limit || len(t.sums) > t.limit
	})
	if full {
		return errFull
	}
	return err
}

// each reads a file and calls f for the keys of the part. It ends early when *enough becomes true.
func (t *tables) each(r io.ReadSeeker, enough *bool, f func(key uint64, e dict.Entry)) error {
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return err
	}
	err := t.read(&endable{r: r, end: enough}, func(e dict.Entry) {
		if t.part == 0 {
			t.entries++
		}
		if key := maphash.Bytes(t.seed, e.Key); key%t.parts == t.part {
			f(key, e)
		}
	})
	if *enough && errors.Is(err, errEnough) {
		return nil
	}
	return err
}

// pair is the hash of a key and one of its values.
func (t *tables) pair(key uint64, e dict.Entry) uint64 {
	const odd = 0x9e3779b97f4a7c15
	high, low := bits.Mul64(key^odd, maphash.Bytes(t.seed, e.Value)|1)
	return high ^ low
}

var errEnough = errors.New("enough was read")

// endable is a reader that fails once it is told to end.
type endable struct {
	r   io.Reader
	end *bool
}

// Read implements io.Reader.
func (e *endable) Read(p []byte) (int, error) {
	if *e.end {
		return 0, errEnough
	}
	return e.r.Read(p)
}

// collector takes down the texts of the keys that differ.
type collector struct {
	t     *tables
	res   Result
	at    map[uint64]int // by key, where in res.Changes
	shown map[Sort]int
}

// sortOf says what happened to a key; "" if nothing did.
func sortOf(state uint64) Sort {
	switch state & inBoth {
	case inFrom:
		return Removed
	case inTo:
		return Added
	}
	if state&^inBoth != 0 {
		return Changed
	}
	return ""
}

func (c *collector) count(state uint64) {
	switch sortOf(state) {
	case Added:
		c.res.Added++
	case Removed:
		c.res.Removed++
	case Changed:
		c.res.Changed++
	default:
		c.res.Same++
	}
}

// texts reads both files again.
func (c *collector) texts() error {
	c.shown = map[Sort]int{}
	never := false
	err := c.t.each(c.t.from, &never, func(key uint64, e dict.Entry) {
		if x := c.change(key, e); x != nil {
			if x.OldLine == 0 {
				x.OldLine = e.Line
			}
			note(&x.Old, &x.OldCount, e.Value)
		}
	})
	if err != nil {
		return err
	}
	return c.t.each(c.t.to, &never, func(key uint64, e dict.Entry) {
		if x := c.change(key, e); x != nil {
			if x.NewLine == 0 {
				x.NewLine = e.Line
			}
			note(&x.New, &x.NewCount, e.Value)
		}
	})
}

// change is where the texts of a key go; nil if it is not shown.
func (c *collector) change(key uint64, e dict.Entry) *Change {
	if i, known := c.at[key]; known {
		return &c.res.Changes[i]
	}
	s := sortOf(c.t.sums[key])
	if s == "" || c.shown[s] == MaxShown {
		return nil
	}
	c.shown[s]++
	c.at[key] = len(c.res.Changes)
	c.res.Changes = append(c.res.Changes, Change{Sort: s, Key: text(e.Key)})
	return &c.res.Changes[len(c.res.Changes)-1]
}

// note adds a value, each once as far as values are kept.
func note(values *[]string, count *int, value []byte) {
	if len(value) == 0 {
		return
	}
	s := text(value)
	for _, known := range *values {
		if known == s {
			return
		}
	}
	*count++
	if len(*values) < MaxValues {
		*values = append(*values, s)
	}
}

// text copies what is shown of a key or value.
func text(b []byte) string { return strings.ToValidUTF8(string(b[:min(len(b), maxText)]), "\uFFFD") }
