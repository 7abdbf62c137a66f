package catalog

import (
	"strings"
	"testing"
	"time"

	"github.com/searchpack/searchpack"
)

// The view says of each node what it has proven, what it owes and why, and what to do: here of a node
// that is well, one that has an older version, one that is down, and a member without an agent.
func TestNodesSayWhatIsOwed(t *testing.T) {
	t.Parallel()
	b, p := inState(t, searchpack.Active, 2, 2, "")
	key := b.who.Key("products")
	vs := b.versionsOf(p)
	members := []searchpack.Member{{NodeID: "x1", Name: "n1"}, {NodeID: "x2", Name: "n2"}, {NodeID: "x4", Name: "stranger"}}
	b.update(func(tx searchpack.Tx) error {
		for i, v := range []*searchpack.Version{vs[1], vs[0], nil} {
			id := string(rune('1' + i))
			a := &searchpack.Agent{ID: "a" + id, Domain: key, Name: "n" + id, EnrolledAt: b.now.Add(-time.Hour)}
			if err := tx.PutAgent(t.Context(), a); err != nil {
				return err
			}
			if v == nil {
				continue
			}
			r := &searchpack.Report{
				Schema: 1, Epoch: 1, Seq: 1, Files: []searchpack.FileReport{{PackageID: p.ID, State: searchpack.FileLive, Digest: v.Digest}},
				Node: &searchpack.NodeFacts{ClusterUUID: "c", NodeID: "x" + id, Name: "n" + id, ManagerID: "x1", Term: 1, Members: members},
			}
			if err := tx.PutReport(t.Context(), a.ID, r, b.now); err != nil {
				return err
			}
		}
		return tx.PutProof(t.Context(), &searchpack.Proof{
			Domain: key, AgentID: "a1", PackageID: p.ID, VersionID: vs[1].ID, Version: 2, Level: searchpack.LevelLoaded, Digest: vs[1].Digest, At: b.now,
		})
	})
	v, err := b.Nodes(t.Context(), b.who, "products")
	if err != nil || len(v.Nodes) != 4 || v.Frozen != "" {
		t.Fatalf("%+v, %v", v, err)
	}
	for i, want := range []struct {
		name, state string
		proven      bool
		owes        string // why
		behind      bool
		do          string
	}{
		{"n1", NodeProves, true, "", false, ""},
		{"n2", NodeProves, false, "another version", true, ""},
		{"n3", NodeUnseen, false, "not reported yet", false, "searchpack nodes retire products n3"},
		{"stranger", NodeBlocks, false, "", false, "searchpack domains policy products --unmanaged-nodes ignore"},
	} {
		n := v.Nodes[i]
		proven := len(n.Files) > 0 && n.Files[0].Proof != nil
		if n.Name != want.name || n.State != want.state || proven != want.proven || !strings.Contains(n.Do, want.do) || (n.Do == "") != (want.do == "") {
			t.Errorf("%+v", n)
		}
		if len(n.Owes) == 0 != (want.owes == "") || len(n.Owes) > 0 && (!strings.Contains(n.Owes[0].Why, want.owes) || n.Owes[0].Behind != want.behind || n.Owes[0].Version != 2) {
			t.Errorf("%s owes %+v", n.Name, n.Owes)
		}
	}
}

// Of two versions with the same bytes nodes have the one that was called for, not the newest.
func TestNodesNameTheVersionThatServes(t *testing.T) {
	t.Parallel()
	b, p := inState(t, searchpack.Active, 1, 1, "")
	vs := b.versionsOf(p)
	b.update(func(tx searchpack.Tx) error {
		same := *vs[0]
		same.ID, same.Number, same.CreatedAt = "same", 9, b.now
		if err := tx.PutVersion(t.Context(), &same); err != nil {
			return err
		}
		if err := tx.PutAgent(t.Context(), &searchpack.Agent{ID: "a1", Domain: b.who.Key("products"), Name: "n1", EnrolledAt: b.now}); err != nil {
			return err
		}
		r := &searchpack.Report{Schema: 1, Epoch: 1, Seq: 1, Files: []searchpack.FileReport{{PackageID: p.ID, State: searchpack.FileLive, Digest: vs[0].Digest}}}
		return tx.PutReport(t.Context(), "a1", r, b.now)
	})
	v, err := b.Nodes(t.Context(), b.who, "products")
	if err != nil || len(v.Nodes) != 1 || len(v.Nodes[0].Files) != 1 || v.Nodes[0].Files[0].Version != 1 {
		t.Errorf("%+v, %v", v, err)
	}
}
