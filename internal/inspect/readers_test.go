package inspect

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/inspect/analyzer"
)

const twoReaders = `{"products": {"settings": {"analysis": {
	"filter": {
		"syn": {"type": "synonym", "synonyms_path": "analyzers/x.txt"},
		"stop": {"type": "stop", "stopwords_path": "analyzers/x.txt"}},
	"analyzer": {
		"a": {"tokenizer": "standard", "filter": ["shingle", "syn"]},
		"b": {"tokenizer": "standard", "filter": ["stop", "syn"]}}}}}}`

func openText(text string, opened *int) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) {
		*opened++
		return closer{strings.NewReader(text), opened}, nil
	}
}

// closer counts what was opened and not closed.
type closer struct {
	io.Reader
	open *int
}

func (c closer) Close() error { *c.open--; return nil }

// What all readers find stands there once; what one finds names it.
func TestForReaders(t *testing.T) {
	t.Parallel()
	readers, err := analyzer.Readers([]byte(twoReaders), "x.txt", "")
	if err != nil || len(readers) != 3 {
		t.Fatalf("%v, %v", readers, err)
	}
	open := 0
	res, err := ForReaders(openText("a, b\xff\n", &open), Options{}, readers)
	if err != nil || open != 0 {
		t.Fatalf("%v, %d left open", err, open)
	}
	var refused, encoding int
	for _, f := range res.Findings {
		switch f.Rule {
		case "analyzer.filter-refused":
			refused++
			if !strings.HasPrefix(f.Message, "filter.syn in analyzer a of products (analyzers/x.txt): ") {
				t.Errorf("the reader is not named: %s", f.Message)
			}
		case "synonyms.encoding", "file.encoding": // of two readers the one, of the third the other
			encoding++
			if !strings.Contains(f.Message, " of products (analyzers/x.txt): ") {
				t.Errorf("the reader is not named: %s", f.Message)
			}
		}
	}
	if refused != 1 || encoding != 3 || res.FindingCount != len(res.Findings) || res.ErrorCount != res.FindingCount || !res.Learnt {
		t.Errorf("%d refused, %d bad encodings, %+v", refused, encoding, res)
	}

}

// synonymReaders are two synonym filters' chains.
func synonymReaders(t *testing.T) []analyzer.Reader {
	t.Helper()
	readers, err := analyzer.Readers([]byte(twoReaders), "x.txt", searchpack.KindSynonyms)
	if err != nil || len(readers) != 2 {
		t.Fatalf("%v, %v", readers, err)
	}
	return readers
}

func TestForReadersOnce(t *testing.T) {
	t.Parallel()
	open := 0
	res, err := ForReaders(openText("a => b => c\n", &open), Options{}, synonymReaders(t))
	if err != nil {
		t.Fatal(err)
	}
	arrows := 0
	for _, f := range res.Findings {
		if f.Rule == "synonyms.two-arrows" {
			arrows++
			if strings.Contains(f.Message, "products") {
				t.Errorf("what both find names one: %s", f.Message)
			}
		}
	}
	if arrows != 1 {
		t.Errorf("what both find is there %d times", arrows)
	}
}

// Counts go on where findings are not kept.
func TestForReadersCount(t *testing.T) {
	t.Parallel()
	synonyms, open := synonymReaders(t), 0
	many := strings.Repeat("a => b => c\n", 2*MaxFindings)
	if res, err := ForReaders(openText(many, &open), Options{}, synonyms[1:]); err != nil || res.ErrorCount != 2*MaxFindings {
		t.Errorf("%d errors, %v", res.ErrorCount, err)
	}
	if res, err := ForReaders(openText(many, &open), Options{}, synonyms); err != nil || len(res.Findings) != MaxFindings || res.ErrorCount < 2*MaxFindings || res.ErrorCount != res.FindingCount {
		t.Errorf("%d findings, %d of %d errors, %v", len(res.Findings), res.ErrorCount, res.FindingCount, err)
	}
}

// A declaration goes before what the settings say; what cannot be opened or read is the reader's error.
func TestForReadersErrors(t *testing.T) {
	t.Parallel()
	readers, err := analyzer.Readers([]byte(twoReaders), "x.txt", searchpack.KindWords)
	if err != nil {
		t.Fatal(err)
	}
	open := 0
	res, err := ForReaders(openText("a => b => c", &open), Options{Declared: searchpack.KindSynonyms}, readers)
	if err != nil || res.Kind != searchpack.KindSynonyms || res.ErrorCount != 1 {
		t.Errorf("%+v, %v", res, err)
	}
	torn := errors.New("torn")
	if _, err := ForReaders(func() (io.ReadCloser, error) { return nil, torn }, Options{}, readers); !errors.Is(err, torn) {
		t.Error(err)
	}
	bad := func() (io.ReadCloser, error) {
		return io.NopCloser(io.MultiReader(strings.NewReader("a"), failing{torn})), nil
	}
	if _, err := ForReaders(bad, Options{}, readers); !errors.Is(err, torn) {
		t.Error(err)
	}
}
