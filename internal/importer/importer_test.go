package importer

import (
	"context"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/searchpack/searchpack"
)

const good = "laptop, notebook\ncar => automobile\n"

func TestAvailable(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	w.s3.kind = " solr-synonyms "
	p, v := w.importOne("v-1", good)
	now := w.clock.Now()
	wantV := &searchpack.Version{
		ID: "v-1", PackageID: packageID, Number: 1, Status: searchpack.PackageAvailable,
		Source: searchpack.Source{Bucket: "bucket", Key: "synonyms.txt", VersionID: "s3v1", ETag: `"etag"`},
		Digest: searchpack.DigestOf([]byte(good)), Size: int64(len(good)),
		Kind: searchpack.KindSynonyms, KindDeclared: true, KindConfidence: 100, CreatedAt: now, ImportedAt: now,
	}
	if diff := cmp.Diff(wantV, v); diff != "" {
		t.Errorf("version (-want +got):\n%s", diff)
	}
	wantP := &searchpack.Package{
		ID: packageID, Account: account, Region: region, Name: "synonyms", Type: searchpack.TypeDictionary,
		Status: searchpack.PackageAvailable, CreatedAt: now, UpdatedAt: now, AvailableID: "v-1", AvailableNumber: 1, ImportID: "v-1",
	}
	if diff := cmp.Diff(wantP, p); diff != "" {
		t.Errorf("package (-want +got):\n%s", diff)
	}
	b, err := w.blobs.Open(t.Context(), v.Digest)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if got, err := io.ReadAll(b); err != nil || string(got) != good {
		t.Errorf("blob: %q, %v", got, err)
	}
	if w.once() {
		t.Error("the work item is still there")
	}
	var events []*searchpack.Event
	w.view(func(ctx context.Context, tx searchpack.Tx) (err error) {
		events, err = tx.Events(ctx, account, region, 0, 10)
		return err
	})
	if len(events) != 1 || events[0].Action != "version available" || events[0].Subject != packageID {
		t.Errorf("events: %+v", events)
	}
}

// TestUpdates: numbers are given at success, a failure leaves what was available.
func TestUpdates(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	w.importOne("v-a", good)
	for _, step := range []struct {
		id, content string
		status      searchpack.PackageStatus
		number      int
		available   string
		identical   bool
	}{
		{"v-b", good, searchpack.PackageAvailable, 2, "v-b", true},
		{"v-c", "a => b => c", searchpack.PackageValidationFailed, 0, "v-b", false},
		{"v-d", good + "x, y\n", searchpack.PackageAvailable, 3, "v-d", false},
		{"v-e", good, searchpack.PackageAvailable, 4, "v-e", false},
	} {
		p, v := w.importOne(step.id, step.content)
		if v.Status != step.status || v.Number != step.number || v.Identical != step.identical || p.AvailableID != step.available || p.Status != step.status {
			t.Errorf("%s: version %s %d identical %v; package %s, available %s v%d", step.id, v.Status, v.Number, v.Identical, p.Status, p.AvailableID, p.AvailableNumber)
		}
		if failed := step.status != searchpack.PackageAvailable; (p.Error != nil) != failed || (v.Error != nil) != failed {
			t.Errorf("%s: ErrorDetails of the package %v, of the version %v", step.id, p.Error, v.Error)
		}
	}
}

func TestValidationFailed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		content, kind string
		want, wantNot []string
		findings      int
	}{
		"two arrows": {"laptop, notebook\na => b => c\n", "",
			[]string{`Line 2, column 8: more than one "=>"`, "(a => b => c)", "one rule per line"}, []string{"more error"}, 1},
		"many": {strings.Repeat("a, ,b\n", 9), "solr-synonyms",
			[]string{"Line 1, column 3:", "Line 2, column 3:", "Line 3, column 3:", "And 6 more errors."}, []string{"Line 4"}, 9},
		"one more":     {strings.Repeat("a, ,b\n", 4), "", []string{"And 1 more error."}, nil, 4},
		"after a hint": {"alone, \nb\n---, c => d => e", "solr-synonyms", []string{"Line 1, column 7:", "Line 3, column 13:"}, []string{"Line 2"}, 3},
		"no such kind": {good, "thesaurus", []string{`"thesaurus"`, "solr-synonyms", "nori"}, []string{"Line"}, 1},
		"encoding":     {"caf\xe9, bar", "words", []string{"Line 1, column 4", "UTF-8", "caf\ufffd, bar"}, nil, 1},
		"type table":   {"", "type-table", []string{"empty"}, []string{"Line"}, 1},
		"long line":    {strings.Repeat("long ", 100) + "=> b => c", "", []string{"…)"}, []string{strings.Repeat("long ", 20)}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, Options{})
			w.s3.kind = c.kind
			p, v := w.importOne("v", c.content)
			if p.Status != searchpack.PackageValidationFailed || v.Status != p.Status || p.Error == nil || p.AvailableID != "" || p.AvailableNumber != 0 {
				t.Fatalf("package %+v", p)
			}
			if p.Error.Type != "ValidationFailed" || *v.Error != *p.Error {
				t.Errorf("ErrorDetails %+v, of the version %+v", p.Error, v.Error)
			}
			for _, s := range c.want {
				if !strings.Contains(p.Error.Message, s) {
					t.Errorf("message %q does not say %q", p.Error.Message, s)
				}
			}
			for _, s := range c.wantNot {
				if strings.Contains(p.Error.Message, s) {
					t.Errorf("message %q says %q", p.Error.Message, s)
				}
			}
			if v.FindingCount != c.findings || len(w.findings("v")) != c.findings {
				t.Errorf("FindingCount %d, %d stored; want %d", v.FindingCount, len(w.findings("v")), c.findings)
			}
			if v.Number != 0 || v.ImportedAt.IsZero() || v.Digest == "" {
				t.Errorf("version %+v", v)
			}
		})
	}
}

func TestWarningsDoNotFail(t *testing.T) {
	t.Parallel()
	for name, content := range map[string]string{"empty": "", "eliminated": "---, foo\n", "binary": "\x00\xff\x00"} {
		w := newWorld(t, Options{})
		p, v := w.importOne("v", content)
		if p.Status != searchpack.PackageAvailable || p.Error != nil || v.Number != 1 || v.FindingCount != 1 || len(w.findings("v")) != 1 {
			t.Errorf("%s: %s %v, %d findings", name, p.Status, p.Error, v.FindingCount)
		}
	}
}

func TestCopyFailed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		s3   fakeS3
		want []string
	}{
		"no key":      {fakeS3{err: searchpack.Errorf(searchpack.ErrNotFound, "the bucket bucket has no object synonyms.txt")}, []string{"s3://bucket/synonyms.txt", "has no object"}},
		"denied":      {fakeS3{err: searchpack.Errorf(searchpack.ErrDenied, "S3 denies reading")}, []string{"denies"}},
		"not allowed": {fakeS3{err: searchpack.Errorf(searchpack.ErrInvalid, "not among the sources")}, []string{"not among"}},
		"announced too large": {fakeS3{content: "x", size: ptr(int64(1 << 40))},
			[]string{"1 TiB (1099511627776 bytes)", "limit of 64 bytes", "--max-dictionary"}},
		"too large": {fakeS3{content: strings.Repeat("x", 65), size: ptr(int64(-1))}, []string{"limit of 64 bytes", "--max-dictionary"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, Options{MaxDictionary: 64})
			*w.s3 = c.s3
			w.ask("v")
			w.once()
			p, v := w.pkg(), w.version("v")
			if p.Status != searchpack.PackageCopyFailed || v.Status != p.Status || p.Error == nil || p.Error.Type != "CopyFailed" {
				t.Fatalf("package %s %+v, version %s", p.Status, p.Error, v.Status)
			}
			for _, s := range c.want {
				if !strings.Contains(p.Error.Message, s) {
					t.Errorf("message %q does not say %q", p.Error.Message, s)
				}
			}
			if w.s3.opened != 1 || w.stored() != 0 || v.Digest != "" {
				t.Errorf("%d tries, %d blobs, digest %q; want one try and nothing stored", w.s3.opened, w.stored(), v.Digest)
			}
		})
	}
}

// TestLimitIsExact: an object of exactly the limit is taken.
func TestLimitIsExact(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{MaxDictionary: int64(len(good))})
	if p, _ := w.importOne("v", good); p.Status != searchpack.PackageAvailable {
		t.Errorf("%s %+v", p.Status, p.Error)
	}
}

// TestRetry: an S3 that cannot be reached is tried five times, then the import has failed.
func TestRetry(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*fakeS3){
		"away":      func(f *fakeS3) { f.err = searchpack.Errorf(searchpack.ErrUnavailable, "S3 cannot be reached") },
		"truncated": func(f *fakeS3) { f.content, f.size = good, ptr(int64(1000)) },
		"internal":  func(f *fakeS3) { f.err = io.ErrNoProgress },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, Options{})
			spoil(w.s3)
			w.ask("v")
			for try := 1; w.once(); try++ {
				if status := w.pkg().Status; try < 5 && status != searchpack.PackageCopying {
					t.Fatalf("after try %d: %s", try, status)
				}
				if w.once() {
					t.Fatalf("after try %d the next is due at once", try)
				}
				w.clock.add(retryWait[min(try, len(retryWait))-1])
			}
			p := w.pkg()
			if w.s3.opened != 5 || p.Status != searchpack.PackageCopyFailed || !strings.Contains(p.Error.Message, "tried 5 times") {
				t.Errorf("%d tries, %s %+v", w.s3.opened, p.Status, p.Error)
			}
			if strings.Contains(p.Error.Message, "multiple Read calls") {
				t.Errorf("the text of an internal error is shown: %q", p.Error.Message)
			}
			if w.stored() != 0 {
				t.Error("a part of the object was stored as if whole")
			}
		})
	}
}

// TestRetryEndsByTime: two tries, however late, and no more after two minutes.
func TestRetryEndsByTime(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	w.s3.err = searchpack.Errorf(searchpack.ErrUnavailable, "away")
	w.ask("v")
	w.clock.add(time.Hour) // the server was down
	w.once()
	if s := w.pkg().Status; s != searchpack.PackageCopying {
		t.Fatalf("after the first try: %s", s)
	}
	w.clock.add(2 * time.Second)
	w.once()
	if s := w.pkg().Status; s != searchpack.PackageCopyFailed {
		t.Errorf("after the second try: %s", s)
	}
}

func TestRetrySucceeds(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	w.s3.err = searchpack.Errorf(searchpack.ErrUnavailable, "away")
	w.ask("v")
	w.once()
	w.s3.err, w.s3.content = nil, good
	w.clock.add(2 * time.Second)
	w.once()
	if p := w.pkg(); p.Status != searchpack.PackageAvailable || p.AvailableNumber != 1 {
		t.Errorf("%s v%d", p.Status, p.AvailableNumber)
	}
}

func TestOtherTypesAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	w.as.Type = "TAR-MODEL"
	w.ask("v")
	w.once()
	if p := w.pkg(); p.Status != searchpack.PackageValidationFailed || w.s3.opened != 0 {
		t.Errorf("%s, opened %d", p.Status, w.s3.opened)
	}
}

func ptr[T any](v T) *T { return &v }
