package agent

import (
	"context"
	"maps"
	"slices"

	"github.com/searchpack/searchpack"
)

// earlier is what this node's loaded analyzers made of the texts of coming witnesses while the former
// bytes were live (Order.Before). It is in memory only: what is not there is asked of the former file.
type earlier map[earlierKey]earlierTerms

// earlierKey is an analyzer and the texts that it was asked for, and the bytes that will be placed.
type earlierKey struct {
	packageID string
	digest    searchpack.Digest
	place     searchpack.WitnessPlace // with the field that was asked through
	texts     searchpack.Digest
}

// earlierTerms are the terms of all texts together, by their hash, and the start of the node that gave
// them. No hash: asked in vain, and not again.
type earlierTerms struct {
	start string
	terms searchpack.Digest
}

// only forgets what belongs to bytes that are no candidate any more.
func (e earlier) only(o *searchpack.Order) {
	maps.DeleteFunc(e, func(k earlierKey, _ earlierTerms) bool {
		return !slices.ContainsFunc(o.Candidates, func(c searchpack.Candidate) bool {
			return c.PackageID == k.packageID && c.Digest == k.digest
		})
	})
}

// keyFor returns the key of each point of a witness. The texts are hashed once.
func keyFor(q searchpack.Witness) func(p searchpack.WitnessPlace) earlierKey {
	texts := textsHash(q.Texts)
	return func(p searchpack.WitnessPlace) earlierKey { return earlierKey{q.PackageID, q.Digest, p, texts} }
}

// lookBefore asks what the order wants to be remembered, each point once. It gives up at the first that
// is not answered, and when there is another order: nobody waits for it, but duties wait behind it.
func (w *worker) lookBefore(ctx context.Context, o *searchpack.Order) {
	if !slices.ContainsFunc(o.Before, func(d searchpack.Duty) bool { return slices.ContainsFunc(d.Witnesses, w.before.lacks) }) {
		return
	}
	facts, err := w.node.Facts(ctx)
	if err != nil {
		return
	}
	shards, err := w.node.LocalShards(ctx, facts.NodeID)
	if err != nil {
		return
	}
	for _, d := range o.Before {
		for _, q := range d.Witnesses {
			if w.isLive(ctx, q) == nil {
				continue // placed: it is too late
			}
			key := keyFor(q)
			for _, p := range q.Points {
				if ctx.Err() != nil || w.book.order().Generation != o.Generation || !w.lookAtPoint(ctx, q.Texts, p, key, shards, facts.EphemeralID) {
					return
				}
			}
		}
	}
}

// lacks reports whether a point of the witness was not asked yet.
func (e earlier) lacks(q searchpack.Witness) bool {
	key := keyFor(q)
	return slices.ContainsFunc(q.Points, func(p searchpack.WitnessPlace) bool { _, asked := e[key(p)]; return !asked })
}

// lookAtPoint remembers what one analyzer makes of the texts now. false: it gave no answer.
func (w *worker) lookAtPoint(ctx context.Context, texts []string, p searchpack.WitnessPlace, key func(searchpack.WitnessPlace) earlierKey, shards map[string]int, start string) bool {
	asked := key(p)
	if _, done := w.before[asked]; done {
		return true
	}
	w.before[asked] = earlierTerms{}
	shard, here := shards[p.Index]
	if !here {
		return true
	}
	p, err := w.askable(ctx, p)
	if err != nil || p.Field == "" {
		return err == nil
	}
	terms, err := w.node.LoadedTerms(ctx, p.Index, shard, p.Field, p.Analyzer, texts...)
	if err != nil {
		return false
	}
	w.before[asked] = earlierTerms{start, textsHash(terms)}
	w.before[key(p)] = w.before[asked] // with the field, by which it is looked for
	return true
}

// askable is the point with a field to ask it through, "" if there is none.
func (w *worker) askable(ctx context.Context, p searchpack.WitnessPlace) (searchpack.WitnessPlace, error) {
	if p.Field != "" {
		return p, nil
	}
	var err error
	p.Field, err = w.node.AskField(ctx, p.Index)
	return p, err
}

// changed reports whether the analyzer shows the live file: it gives the terms of it for all texts, and
// gave others before. The field of p is known.
func (w *worker) changed(ctx context.Context, c *comparison, p searchpack.WitnessPlace, shard int) bool {
	e := w.before[c.key(p)]
	if c.Former == "" || e.terms == "" || e.start == "" || e.start != c.start || e.terms == textsHash(c.all) {
		return false
	}
	loaded, err := w.node.LoadedTerms(ctx, p.Index, shard, p.Field, p.Analyzer, c.Texts...)
	return err == nil && slices.Equal(loaded, c.all)
}
