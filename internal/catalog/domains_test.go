package catalog

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/searchpack/searchpack"
)

// A few bytes of names must not cost an answer of many megabytes.
func TestDescribedDomainsAreBounded(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var names []string
	options := `{"AccessPolicies":"` + strings.Repeat("x", 1<<20) + `"}`
	for i := range maxDescribed >> 20 {
		names = append(names, fmt.Sprintf("products-%d", i))
		if _, err := b.CreateDomain(t.Context(), b.who, CreateDomainInput{Name: names[i], EngineVersion: "OpenSearch_3.8", Options: options}); err != nil {
			t.Fatal(err)
		}
	}
	if vs, err := b.DescribeDomains(t.Context(), b.who, []string{names[1], names[0], names[1], names[1]}); err != nil || len(vs) != 2 || vs[0].Name != names[1] {
		t.Errorf("a name that is repeated: %d, %v", len(vs), err)
	}
	if vs, err := b.DescribeDomains(t.Context(), b.who, names[1:]); err != nil || len(vs) != len(names)-1 {
		t.Errorf("as much as goes: %d, %v", len(vs), err)
	}
	_, err := b.DescribeDomains(t.Context(), b.who, names)
	wantCode(t, err, searchpack.ErrInvalid)
}

func TestAssociatePackageShowsAtOnceAndAsksForAReconcile(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := b.pkg("synonyms")
	b.domain("products")
	_, err := b.AssociatePackage(t.Context(), b.who, "products", AssociateInput{PackageID: p.ID})
	wantCode(t, err, searchpack.ErrInvalid) // nothing is available yet
	b.imported(p)
	b.work()
	v, err := b.AssociatePackage(t.Context(), b.who, "products", AssociateInput{PackageID: p.ID})
	if err != nil || v.Status != searchpack.Associating || v.WantedNumber != 1 || v.ServingNumber != 0 || v.Package.Name != "synonyms" {
		t.Fatalf("answered %+v, %v", v, err)
	}
	if got := b.work(); len(got) != 1 || got[0] != "reconcile/111122223333/us-east-1/products" {
		t.Errorf("queued %q", got)
	}
	list, _, err := b.ListPackagesForDomain(t.Context(), b.who, "products", Page{})
	if err != nil || len(list) != 1 || list[0].Status != searchpack.Associating {
		t.Errorf("listed %+v, %v", list, err)
	}
	_, err = b.AssociatePackage(t.Context(), b.who, "products", AssociateInput{PackageID: p.ID})
	wantCode(t, err, searchpack.ErrConflict)
	if !strings.Contains(searchpack.ErrorMessage(err), "Package is already in desired state") {
		t.Errorf("text %q is not AWS's", err)
	}
	if v, err = b.DissociatePackage(t.Context(), b.who, "products", p.ID); err != nil || v.Status != searchpack.Dissociating {
		t.Errorf("dissociated %+v, %v", v, err)
	}
	if list, _, err = b.ListDomainsForPackage(t.Context(), b.who, p.ID, Page{}); err != nil || len(list) != 1 || list[0].Status != searchpack.Dissociating {
		t.Errorf("listed %+v, %v", list, err)
	}
}

func TestAssociatePackageNamesWhatIsMissing(t *testing.T) {
	t.Parallel()
	b := setup(t, func(o *Options) { o.Limits.PackagesPerDomain = 1 })
	p := b.imported(b.pkg("synonyms"))
	_, err := b.AssociatePackage(t.Context(), b.who, "nowhere", AssociateInput{PackageID: p.ID})
	if searchpack.ErrorCode(err) != searchpack.ErrNotFound || searchpack.ErrorMessage(err) != "Domain not found: nowhere" {
		t.Errorf("unknown domain: %v", err)
	}
	b.domain("products")
	_, err = b.AssociatePackage(t.Context(), b.who, "products", AssociateInput{PackageID: "F000000001"})
	if searchpack.ErrorCode(err) != searchpack.ErrNotFound || !strings.Contains(err.Error(), "Package not found") {
		t.Errorf("unknown package: %v", err)
	}
	_, err = b.DissociatePackage(t.Context(), b.who, "products", p.ID)
	if !strings.Contains(err.Error(), "Package is not associated to this domain") {
		t.Errorf("nothing to dissociate: %v", err)
	}
	if _, err := b.AssociatePackage(t.Context(), b.who, "products", AssociateInput{PackageID: p.ID}); err != nil {
		t.Fatal(err)
	}
	_, err = b.AssociatePackage(t.Context(), b.who, "products", AssociateInput{PackageID: b.imported(b.pkg("more")).ID})
	wantCode(t, err, searchpack.ErrInvalid)
}

func TestCreateDomainChecksVersionAndRoom(t *testing.T) {
	t.Parallel()
	woken := 0
	b := setup(t, func(o *Options) {
		o.Limits.EngineVersions = []string{"OpenSearch_3.8", "OpenSearch_2.19"}
		o.Limits.MaxNodes = 4
		o.OnDomainsChanged = func() { woken++ }
	})
	v, err := b.CreateDomain(t.Context(), b.who, CreateDomainInput{Name: "products", InstanceCount: 3})
	if err != nil || v.EngineVersion != "OpenSearch_3.8" || !v.Processing || v.Domain.Nodes != 3 {
		t.Fatalf("made %+v, %v", v, err)
	}
	for name, c := range map[string]struct {
		in   CreateDomainInput
		want searchpack.Code
	}{
		"same name":   {CreateDomainInput{Name: "products"}, searchpack.ErrAlreadyExists},
		"not offered": {CreateDomainInput{Name: "more", EngineVersion: "OpenSearch_1.3"}, searchpack.ErrInvalid},
		"malformed":   {CreateDomainInput{Name: "more", EngineVersion: "3.8"}, searchpack.ErrInvalid},
		"no room":     {CreateDomainInput{Name: "more", InstanceCount: 2}, searchpack.ErrLimit},
	} {
		_, err := b.CreateDomain(t.Context(), b.who, c.in)
		if searchpack.ErrorCode(err) != c.want {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
	if woken != 1 {
		t.Errorf("told %d times of new domains, want once", woken)
	}
}

// A domain is ready when as many nodes have reported as make it ready, and stays so.
func TestDomainIsProcessingUntilItsNodesReport(t *testing.T) {
	t.Parallel()
	b := setup(t, func(o *Options) { o.Limits.MaxNodes = 9 })
	if _, err := b.CreateDomain(t.Context(), b.who, CreateDomainInput{Name: "products", InstanceCount: 2}); err != nil {
		t.Fatal(err)
	}
	report := func(id string) {
		b.update(func(tx searchpack.Tx) error {
			a := &searchpack.Agent{ID: id, Domain: b.who.Key("products"), Name: id, EnrolledAt: b.now}
			if err := tx.PutAgent(t.Context(), a); err != nil {
				return err
			}
			r := &searchpack.Report{Schema: 1, Epoch: 1, Seq: 1, Node: &searchpack.NodeFacts{HTTPAddress: id + ":9200", Version: "3.8.0"}}
			return tx.PutReport(t.Context(), id, r, b.now)
		})
	}
	report("n1")
	v, err := b.DescribeDomain(t.Context(), b.who, "products")
	if err != nil || !v.Processing || v.Endpoint != "" {
		t.Errorf("one of two: %+v, %v", v, err)
	}
	report("n2")
	b.now = b.now.Add(time.Hour) // silence does not make it Processing again
	v, err = b.DescribeDomain(t.Context(), b.who, "products")
	if err != nil || v.Processing || v.Endpoint != "n1:9200" || v.Nodes != 0 {
		t.Errorf("both: %+v, %v", v, err)
	}
	vs, err := b.DescribeDomains(t.Context(), b.who, []string{"nowhere", "products"})
	if err != nil || len(vs) != 1 {
		t.Errorf("DescribeDomains: %v, %v", vs, err)
	}
	if names, err := b.ListDomainNames(t.Context(), b.who); err != nil || len(names) != 1 {
		t.Errorf("ListDomainNames: %v, %v", names, err)
	}
	if v, err = b.DeleteDomain(t.Context(), b.who, "products"); err != nil || !v.Deleted {
		t.Errorf("deleted %+v, %v", v, err)
	}
	_, err = b.DescribeDomain(t.Context(), b.who, "products")
	wantCode(t, err, searchpack.ErrNotFound)
}

// A domain whose nodes are being restarted is not deleted while they report: nobody would know any more what the
// cluster's settings were. Where no node is left, and where the cluster goes too, it is.
func TestDeleteDomainDuringARestart(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		saved, reports, local bool
		want                  searchpack.Code
	}{
		"restarting": {true, true, false, searchpack.ErrInvalid}, "no node is left": {true, false, false, ""}, "with the cluster": {true, true, true, ""}, "at rest": {false, true, false, ""},
	} {
		b := setup(t, func(o *Options) { o.Limits.LocalClusters = tt.local })
		key, now := b.who.Key("products"), b.now
		b.update(func(tx searchpack.Tx) error {
			d := &searchpack.Domain{DomainKey: key, CreatedAt: now}
			if tt.saved {
				d.Saved = &searchpack.SavedAllocation{ID: "r/1"}
			}
			if err := tx.PutDomain(t.Context(), d); err != nil {
				return err
			}
			if err := tx.PutAgent(t.Context(), &searchpack.Agent{ID: "n1", Domain: key, Name: "n1", EnrolledAt: now}); err != nil || !tt.reports {
				return err
			}
			return tx.PutReport(t.Context(), "n1", &searchpack.Report{Schema: 1, Epoch: 1, Seq: 1}, now)
		})
		_, err := b.DeleteDomain(t.Context(), b.who, "products")
		if got := searchpack.ErrorCode(err); got != tt.want || tt.want != "" && !strings.Contains(err.Error(), "abort it") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestJoinTokens(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for name, in := range map[string]JoinTokenInput{
		"domain name": {Domain: "No", ID: "1"}, "CIDR": {Domain: "products", ID: "1", CIDR: "everywhere"},
		"uses": {Domain: "products", ID: "1", Uses: -2}, "life": {Domain: "products", ID: "1", ValidFor: 400 * 24 * time.Hour},
	} {
		if _, err := b.CreateJoinToken(t.Context(), b.who, in); searchpack.ErrorCode(err) != searchpack.ErrInvalid {
			t.Errorf("bad %s: %v", name, err)
		}
	}
	_, err := b.CreateJoinToken(t.Context(), b.who, JoinTokenInput{Domain: "products", ID: "1", MustExist: true})
	wantCode(t, err, searchpack.ErrNotFound)
	_, err = b.DescribeDomain(t.Context(), b.who, "products")
	wantCode(t, err, searchpack.ErrNotFound) // a domain deleted meanwhile does not come back
	made, err := b.CreateJoinToken(t.Context(), b.who, JoinTokenInput{Domain: "products", ID: "1", CIDR: "10.0.0.0/8"})
	if err != nil || made.Uses != 1 || !made.ExpiresAt.Equal(b.now.Add(24*time.Hour)) {
		t.Fatalf("made %+v, %v", made, err)
	}
	if _, err := b.DescribeDomain(t.Context(), b.who, "products"); err != nil {
		t.Errorf("the first token did not make the domain: %v", err)
	}
	if _, err := b.CreateJoinToken(t.Context(), b.who, JoinTokenInput{Domain: "products", ID: "2", MustExist: true}); err != nil {
		t.Errorf("a token for a domain that is there: %v", err)
	}
	if ts, err := b.JoinTokens(t.Context(), b.who, "products"); err != nil || len(ts) != 2 {
		t.Errorf("listed %v, %v", ts, err)
	}
	other := b.who
	other.Account = "999988887777"
	wantCode(t, b.DeleteJoinToken(t.Context(), other, "products", "1"), searchpack.ErrNotFound)
	if err := b.DeleteJoinToken(t.Context(), b.who, "products", "1"); err != nil {
		t.Error(err)
	}
}

func TestNodesShowsStandingFilesAndRetired(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := b.imported(b.pkg("synonyms"))
	b.domain("products")
	key := b.who.Key("products")
	var digest searchpack.Digest
	b.update(func(tx searchpack.Tx) error {
		v, err := tx.Version(t.Context(), p.AvailableID)
		if err != nil {
			return err
		}
		digest = v.Digest
		if err := tx.PutAssociation(t.Context(), &searchpack.Association{Domain: key, PackageID: p.ID, Status: searchpack.Active, ServingID: v.ID, WantedID: v.ID}); err != nil {
			return err
		}
		for _, id := range []string{"a1", "a2"} {
			if err := tx.PutAgent(t.Context(), &searchpack.Agent{ID: id, Domain: key, Name: "n" + id[1:], EnrolledAt: b.now}); err != nil {
				return err
			}
		}
		r := &searchpack.Report{
			Schema: 1, Epoch: 1, Seq: 1, Files: []searchpack.FileReport{{PackageID: p.ID, State: searchpack.FileLive, Digest: digest}},
			Node: &searchpack.NodeFacts{ClusterUUID: "c", NodeID: "x1", Name: "n1", ManagerID: "x1", Term: 1, Members: []searchpack.Member{{NodeID: "x1", Name: "n1"}}},
		}
		if err := tx.PutReport(t.Context(), "a1", r, b.now); err != nil {
			return err
		}
		return tx.PutIncident(t.Context(), &searchpack.NodeIncident{AgentID: "a1", Domain: key, Incident: searchpack.Incident{ID: "i", Kind: searchpack.IncidentMissing, PackageID: p.ID, Wanted: digest, Healed: true, At: b.now}})
	})
	if _, err := b.RetireNode(t.Context(), b.who, "products", "n2"); err != nil {
		t.Fatal(err)
	}
	_, err := b.RetireNode(t.Context(), b.who, "products", "n9")
	wantCode(t, err, searchpack.ErrNotFound)
	v, err := b.Nodes(t.Context(), b.who, "products")
	if err != nil || len(v.Nodes) != 2 {
		t.Fatalf("%+v, %v", v, err)
	}
	n1, n2 := v.Nodes[0], v.Nodes[1]
	if n1.State != NodeProves || !n1.Manager || len(n1.Files) != 1 || n1.Files[0].Version != 1 || n1.Files[0].Proof != nil || len(n1.Incidents) != 1 {
		t.Errorf("n1 is %+v", n1)
	}
	if n2.State != NodeRetired {
		t.Errorf("n2 is %+v", n2)
	}
}
