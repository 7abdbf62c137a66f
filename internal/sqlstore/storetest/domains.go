package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/searchpack/searchpack"
)

func testDomains(t *testing.T, s searchpack.Store) {
	ctx := t.Context()
	full := &searchpack.Domain{
		DomainKey: key("b"), ID: account + "/b", EngineVersion: "OpenSearch_3.8", Options: `{"DomainName":"b"}`, Nodes: 3,
		FilesOnly: true, Watch: searchpack.DomainWatch{DifferSince: at(time.Minute), FrozenSince: at(time.Hour)}, Policy: searchpack.DomainPolicy{Level: searchpack.LevelPlaced, UnmanagedNodes: "ignore", AbsentNodes: "wait"},
		Stamps: map[string]searchpack.OptionStamp{"EBSOptions": {CreatedAt: t0, UpdatedAt: at(time.Second), Version: 2}},
		Tags:   []searchpack.Tag{{Key: "a", Value: "ü"}, {Key: "b"}}, CreatedAt: t0, DeletedAt: at(time.Minute),
	}
	upper := &searchpack.Domain{DomainKey: key("B"), CreatedAt: t0}
	other := &searchpack.Domain{DomainKey: searchpack.DomainKey{Account: "111111111111", Region: region, Name: "a"}, CreatedAt: t0}
	list := func(account, region string) []*searchpack.Domain {
		return read(t, s, func(ctx context.Context, tx searchpack.Tx) ([]*searchpack.Domain, error) {
			return tx.Domains(ctx, account, region)
		})
	}
	update(t, s, func(tx searchpack.Tx) error {
		for _, d := range []*searchpack.Domain{full, upper, other} {
			if err := tx.PutDomain(ctx, d); err != nil {
				return err
			}
		}
		return nil
	})
	same(t, "of the account", []*searchpack.Domain{upper, full}, list(account, region))
	same(t, "of another region", nil, list(account, "eu-west-1"))
	same(t, "all", []*searchpack.Domain{upper, other, full}, list("", ""))
	full.Policy, full.DeletedAt, full.FilesOnly = searchpack.DomainPolicy{}, time.Time{}, false
	full.Stamps, full.Tags = nil, nil
	update(t, s, func(tx searchpack.Tx) error { return tx.PutDomain(ctx, full) })
	same(t, "replaced", full, read(t, s, func(ctx context.Context, tx searchpack.Tx) (*searchpack.Domain, error) {
		return tx.Domain(ctx, key("b"))
	}))
}

// fill puts one of everything that hangs on a domain.
func fill(ctx context.Context, tx searchpack.Tx, name string) error {
	k := key(name)
	for _, put := range []func() error{
		func() error { return tx.PutDomain(ctx, &searchpack.Domain{DomainKey: k}) },
		func() error { return tx.PutAssociation(ctx, &searchpack.Association{Domain: k, PackageID: "F1"}) },
		func() error { return tx.PutUsage(ctx, k, &searchpack.Usage{Version: 1}) },
		func() error {
			return tx.PutRollout(ctx, &searchpack.Rollout{ID: "r-" + name, Domain: k, State: searchpack.RolloutQueued})
		},
		func() error { return tx.PutAgent(ctx, &searchpack.Agent{ID: "a-" + name, Domain: k}) },
		func() error { return tx.PutReport(ctx, "a-"+name, &searchpack.Report{Schema: 1}, t0) },
		func() error { return tx.PutOrder(ctx, "a-"+name, &searchpack.Order{Schema: 1, Generation: 1}) },
		func() error {
			return tx.PutProof(ctx, &searchpack.Proof{Domain: k, AgentID: "a-" + name, PackageID: "F1"})
		},
		func() error {
			return tx.PutIncident(ctx, &searchpack.NodeIncident{Domain: k, AgentID: "a-" + name, Incident: searchpack.Incident{ID: "i"}})
		},
		func() error { return tx.PutJoinToken(ctx, &searchpack.JoinToken{ID: "t-" + name, Domain: k}) },
		func() error { return tx.PutChange(ctx, &searchpack.DomainChange{ID: "c-" + name, Domain: k}) },
		func() error { return tx.PutPreview(ctx, &searchpack.Preview{ID: "p-" + name, Domain: k}) },
	} {
		if err := put(); err != nil {
			return err
		}
	}
	return nil
}

// countAll says how many rows hang on a domain, by what they are.
func countAll(ctx context.Context, tx searchpack.Tx, name string) (map[string]int, error) {
	k, n := key(name), map[string]int{}
	count := func(what string, rows int, err error) error {
		n[what] = rows
		if searchpack.ErrorCode(err) == searchpack.ErrNotFound {
			return nil
		}
		return err
	}
	associations, err := tx.Associations(ctx, k)
	if err := count("associations", len(associations), err); err != nil {
		return n, err
	}
	usage, err := tx.Usage(ctx, k)
	if err := count("usage", boolToInt(usage != nil), err); err != nil {
		return n, err
	}
	rollouts, err := tx.Rollouts(ctx, k, 0)
	if err := count("rollouts", len(rollouts), err); err != nil {
		return n, err
	}
	agents, err := tx.Agents(ctx, k)
	if err := count("agents", len(agents), err); err != nil {
		return n, err
	}
	proofs, err := tx.Proofs(ctx, k)
	if err := count("proofs", len(proofs), err); err != nil {
		return n, err
	}
	incidents, err := tx.Incidents(ctx, k, 0)
	if err := count("incidents", len(incidents), err); err != nil {
		return n, err
	}
	tokens, err := tx.JoinTokens(ctx, k)
	if err := count("join tokens", len(tokens), err); err != nil {
		return n, err
	}
	changes, err := tx.Changes(ctx, k, 0)
	if err := count("changes", len(changes), err); err != nil {
		return n, err
	}
	previews, err := tx.Previews(ctx, k)
	return n, count("previews", len(previews), err)
}

func boolToInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

func testDeleteDomain(t *testing.T, s searchpack.Store) {
	ctx := t.Context()
	full := map[string]int{
		"associations": 1, "usage": 1, "rollouts": 1, "agents": 1, "proofs": 1, "incidents": 1, "join tokens": 1,
		"changes": 1, "previews": 1,
	}
	none := map[string]int{}
	for what := range full {
		none[what] = 0
	}
	update(t, s, func(tx searchpack.Tx) error {
		if err := fill(ctx, tx, "one"); err != nil {
			return err
		}
		return fill(ctx, tx, "two")
	})
	counts := func(name string) map[string]int {
		return read(t, s, func(ctx context.Context, tx searchpack.Tx) (map[string]int, error) { return countAll(ctx, tx, name) })
	}
	same(t, "before", full, counts("one"))
	update(t, s, func(tx searchpack.Tx) error { return tx.DeleteDomain(ctx, key("one")) })
	same(t, "the deleted", none, counts("one"))
	same(t, "the other", full, counts("two"))
	generations := read(t, s, func(ctx context.Context, tx searchpack.Tx) (map[string]int64, error) { return tx.OrderGenerations(ctx) })
	same(t, "orders", map[string]int64{"a-two": 1}, generations)
	// A domain of the same name begins empty.
	putDomains(t, s, "one")
	same(t, "made again", none, counts("one"))
}

func testAssociations(t *testing.T, s searchpack.Store) {
	ctx := t.Context()
	putDomains(t, s, "b", "A")
	full := &searchpack.Association{
		Domain: key("b"), PackageID: "F2", Status: searchpack.AssociationFailed, ServingID: "v1", WantedID: "v2", Path: "analysis/synonyms.txt",
		Error: &searchpack.ErrorDetails{Type: "t", Message: "m"}, Note: "waits for n3",
		Findings:      []searchpack.Finding{{Rule: "reopen-needed", Severity: searchpack.SeverityNote, Message: "reopen needed: i"}},
		Prerequisites: []string{"F9", "F1"}, KeyStore: &searchpack.KeyStoreAccess{Enabled: true, RoleARN: "arn:aws:iam::000000000000:role/r"},
		Texts: []string{"laptop", "naïve"}, Track: searchpack.TrackPinned, CreatedAt: t0, UpdatedAt: at(time.Second),
	}
	first := &searchpack.Association{Domain: key("b"), PackageID: "F1", Status: searchpack.Active}
	other := &searchpack.Association{Domain: key("A"), PackageID: "F2", Status: searchpack.Active}
	update(t, s, func(tx searchpack.Tx) error {
		for _, a := range []*searchpack.Association{full, first, other} {
			if err := tx.PutAssociation(ctx, a); err != nil {
				return err
			}
		}
		return nil
	})
	of := func(k searchpack.DomainKey) []*searchpack.Association {
		return read(t, s, func(ctx context.Context, tx searchpack.Tx) ([]*searchpack.Association, error) {
			return tx.Associations(ctx, k)
		})
	}
	ofPackage := func(id string) []*searchpack.Association {
		return read(t, s, func(ctx context.Context, tx searchpack.Tx) ([]*searchpack.Association, error) {
			return tx.AssociationsOf(ctx, id)
		})
	}
	same(t, "of the domain", []*searchpack.Association{first, full}, of(key("b")))
	same(t, "of the package", []*searchpack.Association{other, full}, ofPackage("F2"))
	full.Error, full.Findings, full.Note, full.Status = nil, nil, "", searchpack.Active
	full.Prerequisites, full.KeyStore = nil, nil
	update(t, s, func(tx searchpack.Tx) error { return tx.PutAssociation(ctx, full) })
	same(t, "replaced", full, read(t, s, func(ctx context.Context, tx searchpack.Tx) (*searchpack.Association, error) {
		return tx.Association(ctx, key("b"), "F2")
	}))
	update(t, s, func(tx searchpack.Tx) error { return tx.DeleteAssociation(ctx, key("b"), "F2") })
	same(t, "after the deletion", []*searchpack.Association{first}, of(key("b")))
	same(t, "of the package after the deletion", []*searchpack.Association{other}, ofPackage("F2"))
}

func testUsage(t *testing.T, s searchpack.Store) {
	ctx := t.Context()
	putDomains(t, s, "d")
	for _, want := range []*searchpack.Usage{
		{
			ClusterUUID: "c", Term: 3, Version: 44, DutyID: "look-1", At: t0,
			Uses: []searchpack.Use{{
				PackageID: "F1", UserKind: searchpack.UserIndex, Name: "i", Component: "filter.f", Key: "synonyms_path",
				Type: "synonym_graph", FileKind: searchpack.KindSynonyms, Updateable: true, Analyzers: []string{"a"},
				Fields: []string{"title (search)"}, HotReload: true,
				Chains: []searchpack.Chain{{Analyzer: "a", Body: `{"x":"` + searchpack.PathMark + `"}`}},
			}},
		},
		{ClusterUUID: "c", Version: 45, Truncated: true, At: at(time.Second)},
	} {
		update(t, s, func(tx searchpack.Tx) error { return tx.PutUsage(ctx, key("d"), want) })
		same(t, "Usage", want, read(t, s, func(ctx context.Context, tx searchpack.Tx) (*searchpack.Usage, error) {
			return tx.Usage(ctx, key("d"))
		}))
	}
}
