package agent

import (
	"cmp"
	"context"
	"slices"
	"strings"
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
		report, err := w.compare(ctx, q, shards, facts.EphemeralID)
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
	_, err := w.builds.live(ctx, q)
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

// comparison is one witness being answered: what the node makes of its texts, asked when it is needed.
type comparison struct {
	searchpack.Witness
	key    func(searchpack.WitnessPlace) earlierKey
	shards map[string]int
	start  string     // of the node
	live   [][]string // terms of each text by the live file
	all    []string   // of all texts, sorted
	asked  bool       // tells are known
	tells  []telling
}

// compare asks every point of the witness.
func (w *worker) compare(ctx context.Context, q searchpack.Witness, shards map[string]int, start string) (searchpack.WitnessReport, error) {
	r := searchpack.WitnessReport{Counts: map[searchpack.WitnessState]int{}}
	c := &comparison{Witness: q, key: keyFor(q), shards: shards, start: start}
	if len(q.Texts) > 0 && slices.ContainsFunc(q.Points, func(p searchpack.WitnessPlace) bool { _, here := shards[p.Index]; return here }) {
		var err error
		if c.live, err = w.builds.terms(ctx, q, start, true); err != nil {
			return r, err
		}
		c.all = slices.Sorted(slices.Values(slices.Concat(c.live...)))
	}
	for _, p := range q.Points {
		f, err := w.point(ctx, c, p)
		if err := cmp.Or(ctx.Err(), err); err != nil {
			return r, err
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
func (w *worker) tellingTexts(ctx context.Context, c *comparison) ([]telling, error) {
	if c.asked {
		return c.tells, nil
	}
	var former [][]string
	if c.Former != "" {
		err := w.fetchFormer(ctx, c.Witness)
		if err != nil {
			return nil, err
		}
		if former, err = w.node.Terms(ctx, c.Former, c.Texts); err != nil {
			return nil, err
		}
	}
	for i, text := range c.Texts {
		one := telling{text: text, live: c.live[i]}
		if c.Former != "" {
			if one.former = former[i]; slices.Equal(one.live, one.former) {
				continue
			}
		}
		c.tells = append(c.tells, one)
	}
	c.asked = true
	return c.tells, nil
}

// fetchFormer brings the former bytes to where q.Former reads them, if the order left that for later.
func (w *worker) fetchFormer(ctx context.Context, q searchpack.Witness) error {
	for _, c := range w.book.order().Candidates {
		if c.Later && c.PackageID == q.PackageID && strings.Contains(q.Former, searchpack.CandidatePath(c.Digest)) {
			if err := w.fetch(ctx, c); err != nil {
				return searchpack.Errorf(searchpack.ErrUnavailable, "the former version of %s to compare with: %s", q.PackageID, explain(err))
			}
		}
	}
	return nil
}

// point asks one analyzer of one index. An error: the former file cannot be asked.
func (w *worker) point(ctx context.Context, c *comparison, p searchpack.WitnessPlace) (searchpack.WitnessFinding, error) {
	f := searchpack.WitnessFinding{WitnessPlace: p}
	shard, here := c.shards[p.Index]
	switch {
	case !here:
		f.State = searchpack.WitnessNothing
		return f, nil
	case len(c.Texts) == 0:
		f.State = searchpack.WitnessSame
		return f, nil
	}
	p, noField := w.askable(ctx, p)
	if noField == nil && p.Field != "" && w.changed(ctx, c, p, shard) {
		f.State = searchpack.WitnessMatched
		return f, nil
	}
	texts, err := w.tellingTexts(ctx, c)
	switch {
	case err != nil:
		return f, err
	case len(texts) == 0:
		f.State = searchpack.WitnessSame
		return f, nil
	case noField != nil:
		return unanswered(f, noField), nil
	case p.Field == "":
		f.State, f.Reason = searchpack.WitnessBlind, "the index has no text or keyword field"
		return f, nil
	}
	return w.byTexts(ctx, f, p, shard, texts), nil
}

// byTexts asks one analyzer for what it makes of texts that tell the files apart, through the field of p.
func (w *worker) byTexts(ctx context.Context, f searchpack.WitnessFinding, p searchpack.WitnessPlace, shard int, texts []telling) searchpack.WitnessFinding {
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
