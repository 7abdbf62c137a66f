package e2e

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/opensearch"
	"github.com/aws/aws-sdk-go-v2/service/opensearch/types"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/dev/internal/proxy"
)

// TestKilledInEveryPhase kills servers, agents and nodes in every phase of rollouts, and breaks the
// network between them: two servers on one PostgreSQL and one bucket, three real nodes. What always
// holds is watched from outside the whole time; every call that was acknowledged has its effect, and
// in the end every node has proven what serves.
//
// One OpenSearch is enough in make test: 3.8.0 takes twice as long to start as 2.19.0, so that what
// a node misses while it is down is more, and refuses a chain that 2.19.0 lets pass.
func TestKilledInEveryPhase(t *testing.T) {
	needsJVM(t)
	seed, long := killSeed(t), os.Getenv("SEARCHPACK_DRILL") != ""
	visits := plan(seed, long)
	f := newFleet(t, clusterVersion())
	defer f.explain(t)
	k := &kills{f: f}
	k.used, k.spare = newPack(t, f.u, "used", 2000), newPack(t, f.u, "spare", 200)
	k.version, k.serves = 1, 1
	k.used.askAssociate(t)
	k.used.active(t, 1)
	makeIndex(t, k.used, "books")
	searchable(t, k.used, "books", 1)
	k.associatesSpare(t)

	o := observe(t, f, k.used, k.spare)
	watchers := []*watcher{watch(t, k.used, false), watch(t, k.spare, true)}
	t.Logf("seed %d: %d visits; SEARCHPACK_KILL_SEED=%d replays them", seed, len(visits), seed)
	for i, v := range visits {
		began := time.Now()
		if !t.Run(fmt.Sprintf("%03d %s/%s", i+1, v.story, v.phase), func(t *testing.T) {
			t.Log(v)
			k.visit(t, v)
			t.Logf("took %.1f s", time.Since(began).Seconds())
		}) {
			break // what follows would only wait
		}
	}
	if !t.Failed() {
		k.associatesSpare(t)
		f.proven(t, k.used, k.serves)
		k.nothingLost(t)
	}
	for _, w := range watchers {
		w.end(t)
	}
	o.end(t)
	if !t.Failed() {
		t.Run("restarts for a plugin", func(t *testing.T) { f.killedRestarts(t, clusterVersion(), long) })
	}
	f.stops(t)
}

// kills is what the visits share.
type kills struct {
	f       *fleet
	used    *pack // by the index books: its versions come and go
	spare   *pack // by nothing: it is dissociated and associated again
	version int   // of used, the newest
	serves  int   // of used
}

// tries bounds how often a phase that was over too soon is tried to be caught.
const tries = 8

// visit carries out a rollout and lets the faults strike at their moment.
func (k *kills) visit(t *testing.T, v visit) {
	defer k.f.cables(func(g *proxy.Gate) { g.Set(proxy.Open); g.Delay(0) })
	for range tries {
		k.prepare(t, v.story)
		caught, became := k.begin(t, v)
		if caught {
			k.strike(t, v)
		}
		k.f.cables(func(g *proxy.Gate) { g.Set(proxy.Open); g.Delay(0) })
		k.ends(t, became)
		if caught {
			return
		}
	}
	t.Fatalf("the phase could not be caught in %d rollouts", tries)
}

// prepare makes ready what the story is about.
func (k *kills) prepare(t *testing.T, s story) {
	t.Helper()
	switch s {
	case remove, keep:
		k.associatesSpare(t)
	case bad:
		k.version++
		k.badVersion(t)
	default:
		k.version++
		k.used.update(t, k.version)
	}
}

// badVersion makes a version of which no node can build the filter of the index: its standard
// tokenizer leaves nothing of the rule. No reader may ever see it, so it is no released one.
func (k *kills) badVersion(t *testing.T) {
	t.Helper()
	p := k.used
	putObject(t, k.f.u, p.name, fmt.Appendf(nil, "laptop, notebook\nversion%d, notebook\n---, notebook\n", k.version))
	es, _ := clients(k.f.u.document())
	_, err := es.UpdatePackage(t.Context(), &opensearch.UpdatePackageInput{
		PackageID: aws.String(p.id), CommitMessage: aws.String(fmt.Sprintf("version %d", k.version)),
		PackageSource: &types.PackageSource{S3BucketName: aws.String(bucket), S3Key: aws.String(p.name)},
	})
	must(t, err)
	p.available(t, k.version)
}

// begin makes the call and waits for the moment. caught: it was not over too soon. became is what the
// rollout is about now: one that ended before it could be aborted is an ordinary one.
func (k *kills) begin(t *testing.T, v visit) (caught bool, became story) {
	t.Helper()
	call := k.used.askAssociate
	if v.story == remove || v.story == keep {
		call = k.spare.askDissociate
	}
	if v.phase == searchpack.PhaseLook {
		k.f.cables(func(g *proxy.Gate) { g.Set(proxy.Stall) })
	} else {
		k.f.cables(func(g *proxy.Gate) { g.Delay(slowness) })
	}
	call(t)
	switch v.story {
	case abort:
		if !k.aborted(t, searchpack.PhaseReturn, searchpack.PhasePlace, searchpack.PhaseReload, searchpack.PhaseProve) {
			return false, update
		}
	case keep:
		if !k.aborted(t, searchpack.PhaseUnhide, searchpack.PhaseHide, searchpack.PhaseLookAgain) {
			return false, remove
		}
	}
	if v.phase == asked {
		return true, v.story
	}
	return k.catch(t, v.stopped, v.phase), v.story
}

// slowness of the agents' network makes phases last long enough to be caught.
const slowness = 15 * time.Millisecond

// aborted waits for one of the phases, stops time, aborts the rollout and lets time go on once it is
// on its way back.
func (k *kills) aborted(t *testing.T, back searchpack.Phase, phases ...searchpack.Phase) bool {
	t.Helper()
	if !k.catch(t, true, phases...) {
		return false
	}
	r, err := k.f.running(t.Context())
	must(t, err)
	if code, out := cli(t, k.f.u, "rollout", "abort", "demo", r.ID); code != 0 {
		t.Fatalf("abort: %d %s", code, out)
	}
	if !k.catch(t, true, back) {
		t.Fatal("what was aborted is not on its way back")
	}
	k.f.cables(func(g *proxy.Gate) { g.Set(proxy.Open) })
	return true
}

// catch waits until the running rollout is in one of the phases. stop: then time stands still, and it
// is looked whether it did so early enough.
func (k *kills) catch(t *testing.T, stop bool, phases ...searchpack.Phase) bool {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	began, caught := false, false
	err := untilEvery(ctx, 2*time.Millisecond, func() (bool, error) {
		r, err := k.f.running(ctx)
		if err != nil || r == nil {
			return began, err // over: it was missed
		}
		began = true
		caught = slices.Contains(phases, r.Phase)
		return caught, nil
	})
	must(t, err)
	if !caught || !stop {
		return caught
	}
	k.f.cables(func(g *proxy.Gate) { g.Set(proxy.Stall) })
	return k.stands(t, phases)
}

// stands waits until what was under way has come to rest, and reports whether it did so in one of
// the phases.
func (k *kills) stands(t *testing.T, phases []searchpack.Phase) bool {
	t.Helper()
	const rest = 5 // looks in a row
	var last searchpack.Rollout
	same := 0
	eventually(t, func() string {
		r, err := k.f.running(t.Context())
		must(t, err)
		if r == nil {
			r = &searchpack.Rollout{}
		}
		if same++; r.ID != last.ID || r.Round != last.Round {
			same = 0
		}
		last = *r
		if same < rest {
			return fmt.Sprintf("it does not come to rest: %+v", last)
		}
		return ""
	})
	return slices.Contains(phases, last.Phase)
}

// strike lets the faults strike, time go on, and mends them.
func (k *kills) strike(t *testing.T, v visit) {
	t.Helper()
	<-time.After(v.after) // the moments to be hit
	for _, f := range v.faults {
		f.strike(k.f, f.who)
	}
	for i, n := range k.f.nodes {
		if !slices.ContainsFunc(v.faults, func(f fault) bool { return f.who == i && f.cable }) {
			n.cable.Set(proxy.Open)
			n.cable.Delay(0)
		}
	}
	<-time.After(v.lasts)
	for _, f := range slices.Backward(v.faults) { // the network first: a server does not start without its stores
		if err := f.mend(k.f, f.who); err != nil {
			t.Fatalf("%s: mending: %v", f, err)
		}
	}
}

// ends waits for the end that the story must have, whatever struck.
func (k *kills) ends(t *testing.T, s story) {
	t.Helper()
	switch s {
	case update:
		k.used.active(t, k.version)
		k.serves = k.version
	case abort, bad:
		k.becomes(t, k.used, fmt.Sprintf("ASSOCIATION_FAILED v%d", k.serves))
		must(t, k.onDisk(k.used, k.serves))
	case remove:
		k.becomes(t, k.spare, "none")
		must(t, k.onDisk(k.spare, 0))
	case keep:
		k.becomes(t, k.spare, "DISSOCIATION_FAILED v1")
		must(t, k.onDisk(k.spare, 1))
	}
	k.searches(t)
}

// becomes waits for an association's state, without the words of an error.
func (k *kills) becomes(t *testing.T, p *pack, want string) {
	t.Helper()
	defer k.f.explain(t)
	eventually(t, func() string {
		s := p.state(t)
		if isState(s, want) {
			return ""
		}
		return fmt.Sprintf("%s does not become %s: %s", p.name, want, s)
	})
}

func (k *kills) onDisk(p *pack, version int) error {
	if why := p.onDisk(version); why != "" {
		return fmt.Errorf("%s", why)
	}
	return nil
}

// searches: once every copy is assigned, each node's own copy answers by the version that serves,
// at once, and by no newer one.
func (k *kills) searches(t *testing.T) {
	t.Helper()
	nodes := k.f.u.document().Domains[0].Nodes
	must(t, ask(t.Context(), nodes[0], http.MethodGet, "/_cluster/health/books?wait_for_nodes=3&wait_for_status=green&timeout=60s", nil, nil))
	for _, n := range nodes {
		if why := hit(t.Context(), n, "books", fmt.Sprintf("version%d", k.serves)); why != "" {
			t.Errorf("v%d serves: %s", k.serves, why)
		}
		if k.version != k.serves && hit(t.Context(), n, "books", fmt.Sprintf("version%d", k.version)) == "" {
			t.Errorf("v%d serves, and %s answers by v%d", k.serves, n.Name, k.version)
		}
	}
}

// associatesSpare sees to it that the spare package is ACTIVE.
func (k *kills) associatesSpare(t *testing.T) {
	t.Helper()
	if k.spare.state(t) != "ACTIVE v1" {
		k.spare.askAssociate(t)
	}
	k.spare.active(t, 1)
}

// nothingLost: every version that was acknowledged is there, once, in its order.
func (k *kills) nothingLost(t *testing.T) {
	t.Helper()
	all := versions(t, k.f.u, k.used.name)
	if len(all) != k.version {
		t.Errorf("%d versions are known, %d were acknowledged", len(all), k.version)
	}
	for i, v := range all {
		if i > 0 && v.CommitMessage != fmt.Sprintf("version %d", i+1) {
			t.Errorf("v%d has the message %q", i+1, v.CommitMessage)
		}
	}
}

// stops ends everything as an operator does. Nothing may be left.
func (f *fleet) stops(t *testing.T) {
	t.Helper()
	for _, n := range f.nodes {
		n.agent.Stop(context.Background(), 30*time.Second)
		n.Stop(context.Background())
		if err := n.agent.Err(); err != nil {
			t.Errorf("the agent of %s: %v", n.name, err)
		}
	}
	for _, s := range f.servers {
		s.process.Stop(context.Background(), 30*time.Second)
		if err := s.process.Err(); err != nil {
			t.Errorf("%s: %v", s.name, err)
		}
	}
	f.s3.Stop(context.Background(), 30*time.Second)
	nothingBelow(t, f.u.data)
}
