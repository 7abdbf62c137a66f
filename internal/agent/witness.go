package agent

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/searchpack/searchpack"
)

// witness carries out DutyWitness: it sees what the analyzers that this node has loaded make of
// texts. Each answer is about the live file that was meant, which is looked at before and after.
func (w *worker) witness(ctx context.Context, asked []searchpack.Witness) (searchpack.DutyResult, error) {
	facts, err := w.node.Facts(ctx)
	if err != nil {
		return searchpack.DutyResult{}, err
	}
	shards, err := w.node.LocalShards(ctx, facts.NodeID)
	if err != nil {
		return searchpack.DutyResult{}, err
	}
	var r searchpack.DutyResult
	for _, q := range asked {
		if err := w.isLive(ctx, q); err != nil {
			return searchpack.DutyResult{}, err
		}
		report, err := w.compare(ctx, q, shards)
		if err != nil {
			return searchpack.DutyResult{}, err
		}
		if err := w.isLive(ctx, q); err != nil {
			return searchpack.DutyResult{}, err
		}
		r.Witnessed = append(r.Witnessed, report)
	}
	return r, nil
}

// isLive: the file that the witness compares with lies under its final name, all of it.
func (w *worker) isLive(ctx context.Context, q searchpack.Witness) error {
	err := w.lies(ctx, searchpack.FilePath(q.PackageID, w.book.adopted(q.PackageID)), q.Digest)
	if searchpack.ErrorCode(err) == searchpack.ErrConflict {
		return searchpack.Errorf(searchpack.ErrConflict, "the file of %s on this node is not the one to compare with", q.PackageID)
	}
	return err
}

// lies: the file at the path has the bytes. ErrConflict: others, or there is none.
func (w *worker) lies(ctx context.Context, path string, digest searchpack.Digest) error {
	t, err := w.conf.open()
	if err != nil {
		return err
	}
	defer t.close()
	f, err := w.conf.lookAt(ctx, t, "", path, time.Time{})
	if err != nil {
		return err
	}
	if f.digest != digest {
		return searchpack.Errorf(searchpack.ErrConflict, "%s on this node has other bytes", path)
	}
	return nil
}

// telling is a text that live and former file turn into different terms.
type telling struct {
	text         string
	live, former []string
}

// compare asks every point of the witness.
func (w *worker) compare(ctx context.Context, q searchpack.Witness, shards map[string]int) (searchpack.WitnessReport, error) {
	r := searchpack.WitnessReport{Counts: map[searchpack.WitnessState]int{}}
	var texts []telling
	if slices.ContainsFunc(q.Points, func(p searchpack.WitnessPlace) bool { _, here := shards[p.Index]; return here }) {
		var err error
		if texts, err = w.tellingTexts(ctx, q); err != nil {
			return r, err
		}
	}
	for _, p := range q.Points {
		f := w.point(ctx, p, texts, shards)
		if ctx.Err() != nil {
			return r, ctx.Err()
		}
		r.Counts[f.State]++
		if !f.State.Loaded() && len(r.Open) < searchpack.MaxOpenWitnesses {
			r.Open = append(r.Open, f)
		}
	}
	return r, nil
}

// together is all texts as one question: a call for each text of each index takes minutes in a domain of
// hundreds of indices. false: together they do not tell the files apart, or there is only one.
func together(texts []telling) (telling, bool) {
	var all telling
	for _, t := range texts {
		all.live = append(all.live, t.live...)
		all.former = append(all.former, t.former...)
	}
	slices.Sort(all.live)
	slices.Sort(all.former)
	return all, len(texts) > 1 && !slices.Equal(all.live, all.former)
}

// tellingTexts finds the texts that tell the files apart, by the node's own analysis of both. Without a
// former file every text does: an analyzer that was loaded before had none.
func (w *worker) tellingTexts(ctx context.Context, q searchpack.Witness) ([]telling, error) {
	if len(q.Texts) == 0 {
		return nil, nil
	}
	live, err := w.node.Terms(ctx, q.Live, q.Texts)
	if err != nil {
		return nil, err
	}
	var former [][]string
	if q.Former != "" {
		if former, err = w.node.Terms(ctx, q.Former, q.Texts); err != nil {
			return nil, err
		}
	}
	var out []telling
	for i, text := range q.Texts {
		one := telling{text: text, live: live[i]}
		if q.Former != "" {
			if one.former = former[i]; slices.Equal(one.live, one.former) {
				continue
			}
		}
		out = append(out, one)
	}
	return out, nil
}

// point asks one analyzer of one index.
func (w *worker) point(ctx context.Context, p searchpack.WitnessPlace, texts []telling, shards map[string]int) searchpack.WitnessFinding {
	f := searchpack.WitnessFinding{WitnessPlace: p}
	shard, here := shards[p.Index]
	switch {
	case !here:
		f.State = searchpack.WitnessNothing
		return f
	case len(texts) == 0:
		f.State = searchpack.WitnessSame
		return f
	}
	if p.Field == "" {
		field, err := w.node.AskField(ctx, p.Index)
		if err != nil {
			return unanswered(f, err)
		}
		if field == "" {
			f.State, f.Reason = searchpack.WitnessBlind, "the index has no text or keyword field"
			return f
		}
		p.Field = field
	}
	f.State = searchpack.WitnessMatched
	if all, ok := together(texts); ok {
		var each []string
		for _, t := range texts {
			each = append(each, t.text)
		}
		if loaded, err := w.node.LoadedTerms(ctx, p.Index, shard, p.Field, p.Analyzer, each...); err == nil && slices.Equal(loaded, all.live) {
			return f
		}
	}
	for _, t := range texts { // one by one, to say which
		loaded, err := w.node.LoadedTerms(ctx, p.Index, shard, p.Field, p.Analyzer, t.text)
		switch {
		case err != nil:
			f.Text = t.text
			return unanswered(f, err)
		case slices.Equal(loaded, t.live):
			continue
		case t.former != nil && slices.Equal(loaded, t.former):
			f.State = searchpack.WitnessFormer
		default:
			f.State = searchpack.WitnessOther
		}
		f.Text = t.text
		return f
	}
	return f
}

func unanswered(f searchpack.WitnessFinding, err error) searchpack.WitnessFinding {
	f.State = searchpack.WitnessUnanswered
	f.Reason = cmp.Or(searchpack.ErrorMessage(err), err.Error())
	return f
}
