package importer

import (
	"bytes"
	"context"
	"errors"
	"io"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/inspect"
	"github.com/searchpack/searchpack/internal/work"
)

var errKilled = errors.New("the process is dead")

// fuse lets a number of calls to the store, the blobs and S3 through; then the process is dead and
// nothing gets through any more.
type fuse struct{ left int }

func (f *fuse) burn() error {
	if f.left <= 0 {
		return errKilled
	}
	f.left--
	return nil
}

type mortalStore struct {
	searchpack.Store
	*fuse
}

func (m mortalStore) View(ctx context.Context, f func(searchpack.Tx) error) error {
	if err := m.burn(); err != nil {
		return err
	}
	return m.Store.View(ctx, f)
}

func (m mortalStore) Update(ctx context.Context, f func(searchpack.Tx) error) error {
	if err := m.burn(); err != nil {
		return err
	}
	if err := m.Store.Update(ctx, f); err != nil {
		return err
	}
	return m.burn() // dies after the commit
}

func (m mortalStore) Finish(ctx context.Context, now time.Time, w *searchpack.Work, res searchpack.WorkResult, f func(searchpack.Tx) error) error {
	if err := m.burn(); err != nil {
		return err
	}
	return m.Store.Finish(ctx, now, w, res, func(tx searchpack.Tx) error {
		if f != nil {
			if err := f(tx); err != nil {
				return err
			}
		}
		return m.burn() // dies before the commit
	})
}

type mortalBlobs struct {
	searchpack.BlobStore
	*fuse
}

func (m mortalBlobs) Write(ctx context.Context, r io.Reader, limit int64) (searchpack.Digest, int64, error) {
	if err := m.burn(); err != nil {
		return "", 0, err
	}
	d, n, err := m.BlobStore.Write(ctx, &mortalReader{r, m.fuse}, limit)
	if err == nil {
		err = m.burn()
	}
	return d, n, err
}

type mortalReader struct {
	r io.Reader
	*fuse
}

func (m *mortalReader) Read(p []byte) (int, error) {
	if err := m.burn(); err != nil {
		return 0, err
	}
	return m.r.Read(p[:min(len(p), 10)])
}

// TestKilledAnywhere kills the process at each of its calls in turn; another process does the
// import again when the lease has ended.
func TestKilledAnywhere(t *testing.T) {
	t.Parallel()
	killed := 0
	for n := 0; ; n++ {
		w := newWorld(t, Options{})
		w.s3.content = good
		w.ask("v")
		f := &fuse{left: n}
		mortal := mortalStore{w.store, f}
		dying := New(mortal, mortalBlobs{w.blobs, f}, w.s3, Options{Now: w.clock.Now})
		item := w.claim()
		res, effects, err := dying.Handle(t.Context(), item)
		if err == nil {
			err = mortal.Finish(t.Context(), w.clock.Now(), item, res, effects)
		}
		whole := err == nil
		if !whole {
			killed++
			if p := w.pkg(); p.AvailableID != "" || p.Status == searchpack.PackageAvailable {
				t.Fatalf("killed at call %d: %s already", n, p.Status)
			}
			w.clock.add(ttl + time.Second)
			if !w.once() {
				t.Fatalf("killed at call %d: nobody does the import again", n)
			}
		}
		p, v := w.pkg(), w.version("v")
		if p.Status != searchpack.PackageAvailable || v.Number != 1 || p.AvailableID != "v" || w.stored() != 1 || w.once() {
			t.Fatalf("killed at call %d: %s, v%d, %d blobs", n, p.Status, v.Number, w.stored())
		}
		if whole {
			break
		}
	}
	if killed < 10 {
		t.Errorf("only %d places to be killed at", killed)
	}
}

// TestLeaseLost: a worker whose lease has ended neither turns a status back nor writes a result.
func TestLeaseLost(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	w.s3.content = good
	w.ask("v")
	late := w.claim()
	res, effects, err := w.imp.Handle(t.Context(), late)
	if err != nil {
		t.Fatal(err)
	}
	lateJob, err := w.imp.load(t.Context(), "v")
	if err != nil {
		t.Fatal(err)
	}
	w.clock.add(ttl + time.Second)
	w.s3.content = good + "x, y\n" // the object has changed since
	w.once()
	before, beforeV := *w.pkg(), *w.version("v")
	if err := w.store.Finish(t.Context(), w.clock.Now(), late, res, effects); searchpack.ErrorCode(err) != searchpack.ErrConflict {
		t.Errorf("Finish of the late worker: %v", err)
	}
	if err := w.imp.validating(t.Context(), lateJob, copied{digest: "late"}); !errors.Is(err, errGone) {
		t.Errorf("VALIDATING by the late worker: %v", err)
	}
	w.update(func(ctx context.Context, tx searchpack.Tx) error { return effects(tx) }) // even without the fence
	if after, afterV := *w.pkg(), *w.version("v"); !reflect.DeepEqual(after, before) || !reflect.DeepEqual(afterV, beforeV) {
		t.Errorf("the late worker changed\n%+v\nto\n%+v", beforeV, afterV)
	}
}

// TestClientsSeeValidating: the status is there before the inspection, for version and package.
func TestClientsSeeValidating(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	w.s3.content = good
	w.s3.reading = func() {
		if s := w.pkg().Status; s != searchpack.PackageCopying {
			t.Errorf("while reading: %s", s)
		}
	}
	w.ask("v")
	if _, _, err := w.imp.Handle(t.Context(), w.claim()); err != nil {
		t.Fatal(err)
	}
	p, v := w.pkg(), w.version("v")
	if p.Status != searchpack.PackageValidating || v.Status != p.Status || v.Digest == "" || v.Number != 0 {
		t.Errorf("before the result is written: package %s, version %+v", p.Status, v)
	}
}

// TestDeletedMeanwhile: deleting the package at any time ends the import and leaves no row.
func TestDeletedMeanwhile(t *testing.T) {
	t.Parallel()
	for _, when := range []string{"before", "while reading", "at the end"} {
		w := newWorld(t, Options{})
		remove := func() {
			w.update(func(ctx context.Context, tx searchpack.Tx) error { return tx.DeletePackage(ctx, packageID) })
			w.clock.add(lookEvery)
		}
		w.s3.content = strings.Repeat(good, 100_000)
		if when == "while reading" {
			w.s3.reading = remove
		}
		w.ask("v")
		if when == "before" {
			remove()
		}
		item := w.claim()
		res, effects, err := w.imp.Handle(t.Context(), item)
		if err != nil {
			t.Fatalf("%s: %v", when, err)
		}
		if when == "at the end" {
			remove()
		} else if effects != nil || w.stored() != 0 {
			t.Errorf("%s: the import went on: %d blobs", when, w.stored())
		}
		if err := w.store.Finish(t.Context(), w.clock.Now(), item, res, effects); err != nil {
			t.Errorf("%s: Finish: %v", when, err)
		}
		w.view(func(ctx context.Context, tx searchpack.Tx) error {
			if _, err := tx.Version(ctx, "v"); searchpack.ErrorCode(err) != searchpack.ErrNotFound {
				t.Errorf("%s: the version is back: %v", when, err)
			}
			return nil
		})
		if w.once() {
			t.Errorf("%s: work is left", when)
		}
	}
}

// TestToldToEnd: an import that is told to end has not failed, whatever its parts say.
func TestToldToEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	ctx, cancel := context.WithCancelCause(t.Context())
	w.s3.content = strings.Repeat(good, 100_000)
	w.s3.reading = func() { cancel(work.ErrStopping) }
	w.ask("v")
	item := w.claim()
	item.Attempt = 99
	_, effects, err := w.imp.Handle(ctx, item)
	if !errors.Is(err, work.ErrStopping) || effects != nil {
		t.Errorf("Handle = effects %v, %v", effects != nil, err)
	}
	if s := w.pkg().Status; s != searchpack.PackageCopying {
		t.Errorf("package %s", s)
	}
}

// TestInspectionPanics: the copy is not disturbed, the import is tried again and then fails as a
// validation; the panic's text is for the log.
func TestInspectionPanics(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	w.imp.inspect = func(io.Reader, inspect.Options) (inspect.Result, error) { panic("index out of range") }
	w.s3.content = strings.Repeat(good, 100_000)
	w.ask("v")
	for w.once() {
		w.clock.add(45 * time.Second)
	}
	p := w.pkg()
	if p.Status != searchpack.PackageValidationFailed || w.s3.opened < 2 || w.stored() != 1 {
		t.Errorf("%s %+v after %d tries, %d blobs", p.Status, p.Error, w.s3.opened, w.stored())
	}
	if m := p.Error.Message; !strings.Contains(m, "UpdatePackage") || strings.Contains(m, "range") {
		t.Errorf("message %q", m)
	}
}

// TestInTheLoop runs imports as the server does: several at a time.
func TestInTheLoop(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	w.imp = New(w.store, w.blobs, constantS3{}, Options{})
	done := make(chan struct{})
	var finished atomic.Int32
	loop := &work.Loop{
		Store: w.store, Owner: "test", Now: w.clock.Now,
		Handlers: map[searchpack.WorkKind]work.Handler{searchpack.WorkImport: w.imp.Handle},
		AfterFinish: func(*searchpack.Work) {
			if finished.Add(1) == 8 {
				close(done)
			}
		},
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- loop.Run(ctx) }()
	for _, id := range []string{"1", "2", "3", "4", "5", "6", "7", "8"} {
		w.ask(id)
	}
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		t.Error("the imports did not end")
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	numbers := map[int]bool{}
	for _, id := range []string{"1", "2", "3", "4", "5", "6", "7", "8"} {
		numbers[w.version(id).Number] = true
	}
	if len(numbers) != 8 || numbers[0] || w.pkg().AvailableNumber != 8 {
		t.Errorf("numbers %v, available v%d: not each its own", numbers, w.pkg().AvailableNumber)
	}
}

type constantS3 struct{}

func (constantS3) Open(context.Context, string, searchpack.Source) (*searchpack.Object, error) {
	return &searchpack.Object{ReadCloser: io.NopCloser(bytes.NewReader([]byte(good))), Size: -1}, nil
}
