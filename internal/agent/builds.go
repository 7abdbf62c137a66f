package agent

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/usage"
)

// builds asks the node for the terms that it makes of texts with a live file. The node reads the file and
// builds the chain anew for each question, which of a large file takes seconds, and the probe of the file
// and the witness need the same one: whoever comes first asks, and the other has the answer.
type builds struct {
	conf  *configDir
	node  OpenSearch
	book  *book
	start func() string // which start of OpenSearch it is, as it was last seen; "" = not known

	mu   sync.Mutex // held while the node is asked: its analyze pool has one thread
	kept map[buildKey]*built
}

// maxBuilds bounds the answers that are kept, each of at most twenty texts: a package has a handful
// of chains. Those beyond are asked for twice.
const maxBuilds = 64

// buildKey says what an answer is about: another file, even of the same bytes, or another start of the
// node is another question.
type buildKey struct {
	packageID  string
	digest     searchpack.Digest
	body       string
	texts      searchpack.Digest
	ino        uint64
	mtime      int64
	start      string
	generation int64
}

type built struct {
	terms [][]string
	// compared: a witness has had it. One that asks again asks the node: what else the chain reads may
	// have changed since.
	compared bool
}

func newBuilds(conf *configDir, node OpenSearch, b *book, start func() string) *builds {
	return &builds{conf: conf, node: node, book: b, start: start, kept: map[buildKey]*built{}}
}

// terms returns what the node makes of each text of q by q.Live, for a witness to compare with, or to see
// that the chain can be built. start is the node's, or an earlier one. ErrConflict: the live file is not,
// or not all the time, the one that was meant; other errors as OpenSearch.Terms.
func (b *builds) terms(ctx context.Context, q searchpack.Witness, start string, compare bool) ([][]string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	before, err := b.live(ctx, q)
	if err != nil {
		return nil, err
	}
	key := buildKey{
		q.PackageID, q.Digest, q.Live, textsHash(q.Texts), before.id.ino, before.id.mtime, start, b.book.order().Generation,
	}
	if k := b.kept[key]; k != nil && !(compare && k.compared) {
		k.compared = k.compared || compare
		return k.terms, nil
	}
	terms, err := b.node.Terms(ctx, q.Live, q.Texts)
	if err != nil {
		return nil, err
	}
	after, err := b.live(ctx, q)
	if err != nil {
		return nil, err
	}
	if after.id.ino != before.id.ino || after.id.mtime != before.id.mtime {
		return nil, searchpack.Errorf(searchpack.ErrConflict, "the file of %s has changed while OpenSearch read it", q.PackageID)
	}
	for k := range b.kept { // of former orders and starts
		if k.generation != key.generation || k.start != key.start {
			delete(b.kept, k)
		}
	}
	if len(b.kept) < maxBuilds {
		b.kept[key] = &built{terms, compare}
	}
	return terms, nil
}

// live is the file that the witness is about, which has the bytes that are meant.
func (b *builds) live(ctx context.Context, q searchpack.Witness) (found, error) {
	t, err := b.conf.open()
	if err != nil {
		return found{}, err
	}
	defer t.close()
	f, err := b.conf.lookAt(ctx, t, "", searchpack.FilePath(q.PackageID, b.book.adopted(q.PackageID)), time.Time{})
	if err == nil && f.digest != q.Digest {
		err = searchpack.Errorf(searchpack.ErrConflict, "the file of %s on this node is not the one to compare with", q.PackageID)
	}
	return f, err
}

// built reports whether the node has built the probe's chain from the live file, together with that of a
// witness of the order. false: it has not, whatever the reason, and the probe must ask by itself.
func (b *builds) built(ctx context.Context, o *searchpack.Order, q searchpack.Probe) bool {
	if q.Path != searchpack.FilePath(q.PackageID, b.book.adopted(q.PackageID)) {
		return false // of a candidate
	}
	for _, d := range o.Duties {
		for _, w := range d.Witnesses {
			if w.PackageID == q.PackageID && w.Digest == q.Digest && len(w.Texts) > 0 && usage.Holds(w.Live, q.Body) {
				_, err := b.terms(ctx, w, b.start(), false)
				return err == nil
			}
		}
	}
	return false
}

// textsHash is the hash of a list of texts or terms.
func textsHash(texts []string) searchpack.Digest {
	b, err := json.Marshal(append([]string{}, texts...)) // none is none, nil or not
	if err != nil {
		panic("strings cannot be written: " + err.Error())
	}
	return searchpack.DigestOf(b)
}
