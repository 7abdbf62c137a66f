package diff

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/inspect"
	"github.com/searchpack/searchpack/internal/inspect/dict"
	"github.com/searchpack/searchpack/internal/inspect/lines"
)

// pairs reads "key=value" lines; a line without = is a key that stands for itself, # begins a comment.
func pairs(r io.Reader, entry func(dict.Entry)) error {
	in := lines.NewReader(r)
	for {
		p, ok, err := in.Next()
		if err != nil || !ok {
			return err
		}
		if key, value, _ := bytes.Cut(p.Text, []byte("=")); len(key) > 0 && key[0] != '#' {
			entry(dict.Entry{Key: key, Value: value, Line: p.Number})
		}
	}
}

func version(text string, kind searchpack.Kind) Version {
	return Version{Bytes: strings.NewReader(text), Kind: kind}
}

// between compares two texts of pairs.
func between(t *testing.T, from, to string) Result {
	t.Helper()
	res, err := compare(version(from, searchpack.KindMapping), version(to, searchpack.KindMapping), func(searchpack.Kind) reading { return pairs })
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func TestByMeaning(t *testing.T) {
	t.Parallel()
	got := between(t, "# old\na=1\nb=2\nb=3\nc=4\nword\nd=5", "d=5\nd=5\nb=3\nb=9\nb=2\nword\nnew=6\nother\na=1\n")
	want := Result{
		Way: ByMeaning, Added: 2, Removed: 1, Changed: 1, Same: 3,
		Changes: []Change{
			{Sort: Changed, Key: "b", Old: []string{"2", "3"}, OldCount: 2, New: []string{"3", "9", "2"}, NewCount: 3, OldLine: 3, NewLine: 3},
			{Sort: Removed, Key: "c", Old: []string{"4"}, OldCount: 1, OldLine: 5},
			{Sort: Added, Key: "new", New: []string{"6"}, NewCount: 1, NewLine: 7},
			{Sort: Added, Key: "other", NewLine: 8},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"b", "new", "c", "other"}, got.Witnesses(20)); diff != "" {
		t.Errorf("witnesses (-want +got):\n%s", diff)
	}
	if got := got.Witnesses(2); len(got) != 2 {
		t.Errorf("%v", got)
	}
}

func TestSameMeaning(t *testing.T) {
	t.Parallel()
	got := between(t, "a=1\nb=2", "# moved, and twice\nb=2\na=1\nb=2\n")
	if got.Note != "the bytes differ, what they mean does not" || got.Same != 2 || got.Changes != nil {
		t.Errorf("%+v", got)
	}
}

// The counts are exact and the texts bounded, however many changes there are.
func TestManyChanges(t *testing.T) {
	t.Parallel()
	var from, to strings.Builder
	for i := range 2000 {
		fmt.Fprintf(&from, "gone%d\nboth%d=%d\n", i, i, i)
		fmt.Fprintf(&to, "new%d\nboth%d=%d\n", i, i, i+1)
	}
	for i := range 30 {
		fmt.Fprintf(&to, "full=%d\n", i)
	}
	fmt.Fprintf(&to, "%s=x\n", strings.Repeat("k", 3*maxText))
	got := between(t, from.String(), to.String())
	shown := map[Sort]int{}
	for _, c := range got.Changes {
		shown[c.Sort]++
		if len(c.Key) > maxText || len(c.New) > MaxValues {
			t.Errorf("%.20s: %d values", c.Key, len(c.New))
		}
	}
	if got.Added != 2002 || got.Removed != 2000 || got.Changed != 2000 || got.Same != 0 || shown[Added] != MaxShown || shown[Removed] != MaxShown || shown[Changed] != MaxShown {
		t.Errorf("%d %d %d %d, %v", got.Added, got.Removed, got.Changed, got.Same, shown)
	}
	if got.Changes[0].Key != "new0" && got.Changes[0].Key != "gone0" {
		t.Errorf("%+v is shown first", got.Changes[0])
	}
}

// In parts, with a small table, the result is that of one large table, and that of two maps.
func TestParts(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		file := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) string {
			return fmt.Sprintf("k%d=%d", rapid.IntRange(0, 30).Draw(t, "key"), rapid.IntRange(0, 3).Draw(t, "value"))
		}), 0, 60)
		from, to := strings.Join(file.Draw(t, "from"), "\n"), strings.Join(file.Draw(t, "to"), "\n")
		run := func(limit int) (Result, uint64) {
			x := newTables(strings.NewReader(from), strings.NewReader(to), pairs)
			x.limit = limit
			res, err := x.run()
			if err != nil {
				t.Fatal(err)
			}
			return res, x.parts
		}
		whole, _ := run(1000)
		small, parts := run(20)
		if diff := cmp.Diff(whole, small); diff != "" && parts <= maxParts {
			t.Errorf("%d parts (-one +many):\n%s", parts, diff)
		}
		if diff := cmp.Diff(counted(from, to), [4]int{whole.Added, whole.Removed, whole.Changed, whole.Same}); diff != "" {
			t.Errorf("(-maps +tables):\n%s", diff)
		}
	})
}

// counted compares with plain maps.
func counted(from, to string) (n [4]int) {
	sets := func(text string) map[string]map[string]bool {
		out := map[string]map[string]bool{}
		_ = pairs(strings.NewReader(text), func(e dict.Entry) {
			if out[string(e.Key)] == nil {
				out[string(e.Key)] = map[string]bool{}
			}
			out[string(e.Key)][string(e.Value)] = true
		})
		return out
	}
	a, b := sets(from), sets(to)
	for k, values := range b {
		switch old, there := a[k]; {
		case !there:
			n[0]++
		case cmp.Equal(old, values):
			n[3]++
		default:
			n[2]++
		}
	}
	for k := range a {
		if b[k] == nil {
			n[1]++
		}
	}
	return n
}

func TestTooLarge(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	for i := range 2000 {
		fmt.Fprintf(&text, "k%d\n", i)
	}
	x := newTables(strings.NewReader(text.String()), strings.NewReader("a"), pairs)
	x.limit = 3
	if _, err := x.run(); !errors.Is(err, ErrTooLarge) {
		t.Error(err)
	}
}

func TestWays(t *testing.T) {
	t.Parallel()
	binary := "\x00\xff\xfe" + strings.Repeat("\x00", 100)
	for name, c := range map[string]struct {
		from, to   string
		kinds      [2]searchpack.Kind
		way        Way
		note       string
		added, old int
	}{
		"opaque":          {"a", "b", [2]searchpack.Kind{searchpack.KindOpaque, searchpack.KindOpaque}, ByBytes, "opaque files are not looked into", 0, 0},
		"binary":          {binary, binary + "x", [2]searchpack.Kind{}, ByBytes, "binary files are not looked into", 0, 0},
		"kinds":           {"a\nb", "b\nc\n", [2]searchpack.Kind{searchpack.KindWords, searchpack.KindStemmer}, ByLine, "the kinds differ (words, stemmer-override)", 1, 1},
		"one kind":        {"a", "a", [2]searchpack.Kind{searchpack.KindWords, ""}, ByLine, "the kinds differ (words, not known)", 0, 0},
		"unknown":         {"a\n\nb  \n", "b\r\na\r\nä", [2]searchpack.Kind{}, ByLine, "the kind is not known", 1, 0},
		"hyphenation":     {"<a/>", "<b/>", [2]searchpack.Kind{searchpack.KindHyphen, searchpack.KindHyphen}, ByLine, "files of the kind hyphenation are compared line by line", 1, 1},
		"an empty file":   {"", "x\n", [2]searchpack.Kind{}, ByLine, "the kind is not known", 1, 0},
		"Latin-1, a line": {"caf\xe9", "caf\xe8", [2]searchpack.Kind{}, ByLine, "the kind is not known", 1, 1},
	} {
		got, err := Dictionaries(version(c.from, c.kinds[0]), version(c.to, c.kinds[1]), inspect.Options{})
		if err != nil || got.Way != c.way || !strings.Contains(got.Note, c.note) || got.Added != c.added || got.Removed != c.old || got.Changed != 0 {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
		if w := got.Witnesses(20); w != nil {
			t.Errorf("%s: lines are no witnesses: %q", name, w)
		}
	}
	if r := Identical(); r.Way != ByBytes || r.Note == "" {
		t.Errorf("%+v", r)
	}
}

func TestNoWitness(t *testing.T) {
	t.Parallel()
	res := Result{Way: ByMeaning}
	for _, key := range []string{"", " ", "a\x1bb", strings.Repeat("é", maxWitness+1), strings.Repeat("x", maxText)} {
		res.Changes = append(res.Changes, Change{Sort: Added, Key: key})
	}
	if got := res.Witnesses(20); got != nil {
		t.Errorf("%q", got)
	}
}

func TestReaderFails(t *testing.T) {
	t.Parallel()
	gone := errors.New("the disk is gone")
	for name, v := range map[string][2]Version{
		"seek": {{Bytes: broken{seek: gone}}, version("a", "")},
		"read": {version("a", ""), {Bytes: broken{read: gone}}},
		"mean": {version("a", searchpack.KindSynonyms), {Bytes: broken{read: gone}, Kind: searchpack.KindSynonyms}},
	} {
		if _, err := Dictionaries(v[0], v[1], inspect.Options{}); !errors.Is(err, gone) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

type broken struct{ seek, read error }

func (b broken) Seek(int64, int) (int64, error) { return 0, b.seek }
func (b broken) Read([]byte) (int, error)       { return 0, b.read }

func TestFiles(t *testing.T) {
	t.Parallel()
	entry := func(path, text string, mode uint32) searchpack.ManifestEntry {
		return searchpack.ManifestEntry{Path: path, Size: int64(len(text)), Digest: searchpack.DigestOf([]byte(text)), Mode: mode}
	}
	got := Files(
		[]searchpack.ManifestEntry{entry("a", "1", 0o644), entry("b", "1", 0o644), entry("c", "1", 0o644), entry("bin/x", "1", 0o644)},
		[]searchpack.ManifestEntry{entry("a", "1", 0o644), entry("c", "22", 0o644), entry("d", "3", 0o644), entry("bin/x", "1", 0o755)},
	)
	var lines []string
	for _, c := range got.Changes {
		lines = append(lines, fmt.Sprintf("%s %s %d>%d", c.Sort, c.Key, len(c.Old), len(c.New)))
	}
	want := []string{"changed c 1>1", "added d 0>1", "changed bin/x 1>1", "removed b 1>0"}
	if diff := cmp.Diff(want, lines); diff != "" || got.Way != ByFile || got.Same != 1 || got.Added != 1 || got.Removed != 1 || got.Changed != 2 {
		t.Errorf("%+v\n%s", got, diff)
	}
	if !strings.HasSuffix(got.Changes[2].New[0], ", executable") || !strings.HasPrefix(got.Changes[0].New[0], "2 bytes, SHA-256 ") {
		t.Errorf("%+v", got.Changes)
	}
}

func TestDescriptors(t *testing.T) {
	t.Parallel()
	got := Descriptors(&searchpack.PluginProperties{Name: "a", Version: "1", Description: "d"}, &searchpack.PluginProperties{Name: "a", Version: "2", ClassName: "C"})
	want := []Change{
		{Sort: Removed, Key: "description", Old: []string{"d"}, OldCount: 1},
		{Sort: Changed, Key: "version", Old: []string{"1"}, OldCount: 1, New: []string{"2"}, NewCount: 1},
		{Sort: Added, Key: "classname", New: []string{"C"}, NewCount: 1},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := Descriptors(nil, nil); got != nil {
		t.Errorf("%+v", got)
	}
}

// Many more keys than the table holds stay within the bound that is stated.
func TestMemory(t *testing.T) {
	big := func(first int) io.ReadSeeker {
		var b bytes.Buffer
		for i := range 200_000 {
			fmt.Fprintf(&b, "key%d=value%d\n", first+i, i)
		}
		return bytes.NewReader(b.Bytes())
	}
	from, to := big(0), big(1)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	x := newTables(from, to, pairs)
	x.limit = 60_000
	res, err := x.run()
	runtime.GC()
	runtime.ReadMemStats(&after)
	if err != nil || res.Added != 1 || res.Removed != 1 || res.Changed != 199_999 || x.parts < 4 {
		t.Errorf("%d %d %d in %d parts, %v", res.Added, res.Removed, res.Changed, x.parts, err)
	}
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 16<<20 { //nolint:gosec // far below
		t.Errorf("%d MiB are held", grown>>20)
	}
	runtime.KeepAlive(x)
}

func FuzzDictionaries(f *testing.F) {
	f.Add("a, b => c\n", "a => c\n", 0)
	f.Fuzz(func(t *testing.T, from, to string, kind int) {
		kinds := append(slices.Clone(searchpack.Kinds), searchpack.KindUnknown)
		k := kinds[uint(kind)%uint(len(kinds))] //nolint:gosec // any kind will do
		res, err := Dictionaries(version(from, k), version(to, k), inspect.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if back, _ := Dictionaries(version(to, k), version(from, k), inspect.Options{}); back.Added != res.Removed || back.Changed != res.Changed || back.Same != res.Same {
			t.Errorf("%+v, and back %+v", res, back)
		}
		res.Witnesses(20)
	})
}

// A group keeps its words, and two rules with arrows do not.
func TestGroupsAndArrows(t *testing.T) {
	t.Parallel()
	got, err := Dictionaries(version("a, b\n", searchpack.KindSynonyms), version("a => b\nb => a\n", searchpack.KindSynonyms), inspect.Options{})
	want := []Change{
		{Sort: Changed, Key: "a", Old: []string{"a", "b"}, OldCount: 2, New: []string{"b"}, NewCount: 1, OldLine: 1, NewLine: 1},
		{Sort: Changed, Key: "b", Old: []string{"a", "b"}, OldCount: 2, New: []string{"a"}, NewCount: 1, OldLine: 1, NewLine: 2},
	}
	if diff := cmp.Diff(want, got.Changes); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if same, _ := Dictionaries(version("a, b\n", searchpack.KindSynonyms), version("b => a, b\na => b, a\n", searchpack.KindSynonyms), inspect.Options{}); same.Changes != nil || same.Same != 2 {
		t.Errorf("%+v", same)
	}
}
