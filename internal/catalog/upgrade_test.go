package catalog

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/searchpack/searchpack"
)

// upgrade begins an upgrade, or only checks.
func (b *bench) upgrade(target string, checkOnly bool) *searchpack.DomainChange {
	b.t.Helper()
	ch, err := b.UpgradeDomain(b.t.Context(), b.who, UpgradeInput{Name: "products", TargetVersion: target, CheckOnly: checkOnly})
	if err != nil {
		b.t.Fatal(err)
	}
	return ch
}

func TestUpgrade(t *testing.T) {
	t.Parallel()
	told := 0
	b := local(t, func(o *Options) { o.OnDomainsChanged = func() { told++ } })
	told = 0
	ch := b.upgrade("OpenSearch_3.8", false)
	if ch.Status != searchpack.ChangePending || ch.FromVersion != "OpenSearch_3.7" || told != 1 {
		t.Fatalf("begun: %+v, told %d times", ch, told)
	}
	for _, step := range []searchpack.UpgradeStep{searchpack.UpgradeSnapshot, searchpack.UpgradeUpgrade} {
		b.move(ch, step, 50, "at it")
		if v := b.describe(); v.Change.Step != step || v.Change.Progress != 50 || v.EngineVersion != "OpenSearch_3.7" {
			t.Errorf("at %s: %+v", step, v.Change)
		}
	}
	b.now = b.now.Add(time.Second)
	b.end(ch, "")
	v := b.describe()
	if v.EngineVersion != "OpenSearch_3.8" || v.Changing() || Stamp(&v.Domain, "EngineVersion").Version != 2 {
		t.Errorf("in the end %+v", v)
	}
}

func TestUpgradeCheckOnly(t *testing.T) {
	t.Parallel()
	told := 0
	b := local(t, func(o *Options) { o.OnDomainsChanged = func() { told++ } })
	told = 0
	check := b.upgrade("OpenSearch_3.8", true)
	if check.Status != searchpack.ChangeCompleted || check.Step != searchpack.UpgradeCheck || !check.CheckOnly || told != 0 {
		t.Errorf("the check: %+v, told %d times", check, told)
	}
	b.configure(`{"EBSOptions":{"VolumeSize":20}}`, false)
	ch := b.upgrade("OpenSearch_3.8", false)
	for kind, want := range map[searchpack.ChangeKind][]string{searchpack.ChangeUpgrade: {ch.ID, check.ID}, "": {ch.ID, "", check.ID}} {
		history, err := b.DomainChanges(t.Context(), b.who, "products", kind)
		if err != nil || len(history) != len(want) || history[0].ID != want[0] || history[len(want)-1].ID != check.ID {
			t.Errorf("history of %q: %+v, %v", kind, history, err)
		}
	}
}

func TestUpgradeFails(t *testing.T) {
	t.Parallel()
	b := local(t)
	b.now = b.now.Add(time.Hour) // nobody has reported for long
	ch, err := b.UpgradeDomain(t.Context(), b.who, UpgradeInput{Name: "products", TargetVersion: "OpenSearch_3.8"})
	if err != nil || ch.Status != searchpack.ChangeFailed || ch.Step != searchpack.UpgradeCheck || !strings.Contains(ch.Error, "0 of 1 nodes") {
		t.Errorf("without nodes: %+v, %v", ch, err)
	}
	b.reports("products", 1, "3.7.0")
	b.end(b.upgrade("OpenSearch_3.8", false), "n1 does not start")
	if v := b.describe(); v.EngineVersion != "OpenSearch_3.7" || v.Change.Status != searchpack.ChangeFailed {
		t.Errorf("in the end %+v", v)
	}
}

func TestUpgradeRefuses(t *testing.T) {
	t.Parallel()
	b := local(t)
	for target, words := range map[string]string{
		"OpenSearch_3.7": "not supported", "OpenSearch_2.19": "not supported", "OpenSearch_3.9": "can be upgraded to: OpenSearch_3.8",
	} {
		_, err := b.UpgradeDomain(t.Context(), b.who, UpgradeInput{Name: "products", TargetVersion: target})
		if searchpack.ErrorCode(err) != searchpack.ErrInvalid || !strings.Contains(err.Error(), words) {
			t.Errorf("to %s: %v", target, err)
		}
	}
	_, err := b.UpgradeDomain(t.Context(), b.who, UpgradeInput{Name: "nowhere", TargetVersion: "OpenSearch_3.8"})
	wantCode(t, err, searchpack.ErrNotFound)
	foreign := setup(t)
	foreign.domain("products")
	_, err = foreign.UpgradeDomain(t.Context(), foreign.who, UpgradeInput{Name: "products", TargetVersion: "OpenSearch_3.9"})
	wantCode(t, err, searchpack.ErrUnsupported)
}

// A domain that a join token made is somebody else's cluster also where other clusters are local:
// nobody here would carry out its change, and it would stay open for ever.
func TestForeignClusterBesideLocalOnes(t *testing.T) {
	t.Parallel()
	b := local(t)
	if _, err := b.CreateJoinToken(t.Context(), b.who, JoinTokenInput{Domain: "foreign", ID: "t1", SecretHash: searchpack.DigestOf([]byte("s"))}); err != nil {
		t.Fatal(err)
	}
	b.reports("foreign", 2, "3.7.0")
	_, err := b.UpgradeDomain(t.Context(), b.who, UpgradeInput{Name: "foreign", TargetVersion: "OpenSearch_3.8"})
	wantCode(t, err, searchpack.ErrUnsupported)
	for _, options := range []string{`{"ClusterConfig":{"InstanceCount":3}}`, `{"EBSOptions":{"VolumeSize":20}}`} {
		_, _, err = b.UpdateDomainConfig(t.Context(), b.who, UpdateDomainInput{Name: "foreign", Options: options})
		wantCode(t, err, searchpack.ErrUnsupported)
	}
	if _, ch, err := b.UpdateDomainConfig(t.Context(), b.who, UpdateDomainInput{Name: "foreign", Options: `{"ClusterConfig":{"InstanceCount":2}}`}); err != nil || ch != nil {
		t.Errorf("the same again: %+v, %v", ch, err)
	}
	v, err := b.DescribeDomain(t.Context(), b.who, "foreign")
	if err != nil || v.Domain.Nodes != 0 || v.Changing() {
		t.Errorf("afterwards %+v, %v", v, err)
	}
	one, err := b.CompatibleVersions(t.Context(), b.who, "foreign")
	if err != nil || len(one) != 1 || one[0].Source != "OpenSearch_3.7" || len(one[0].Targets) != 0 {
		t.Errorf("may be upgraded to %+v, %v", one, err)
	}
}

func TestUpgradable(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		from, to string
		want     bool
	}{
		{"OpenSearch_3.7", "OpenSearch_3.8", true},
		{"OpenSearch_3.8", "OpenSearch_3.7", false},
		{"OpenSearch_3.8", "OpenSearch_3.8", false},
		{"OpenSearch_2.9", "OpenSearch_2.11", true}, // by number, not by text
		{"OpenSearch_2.19", "OpenSearch_3.1", true},
		{"OpenSearch_2.17", "OpenSearch_3.1", false},
		{"OpenSearch_1.3", "OpenSearch_2.3", true},
		{"OpenSearch_1.3", "OpenSearch_3.1", false},
		{"Elasticsearch_7.10", "OpenSearch_1.0", true},
		{"Elasticsearch_7.1", "OpenSearch_1.3", true},
		{"Elasticsearch_6.8", "OpenSearch_1.1", true},
		{"Elasticsearch_6.7", "OpenSearch_1.1", false},
		{"Elasticsearch_7.10", "OpenSearch_2.3", false},
		{"OpenSearch_1.0", "Elasticsearch_7.10", false},
		{"Elasticsearch_6.8", "Elasticsearch_7.10", true},
		{"Elasticsearch_5.1", "Elasticsearch_5.3", false}, // AWS upgrades to that never
		{"Elasticsearch_5.1", "Elasticsearch_5.6", true},
		{"", "OpenSearch_1.0", false},
		{"nonsense", "Elasticsearch_5.6", false},
	} {
		if got := upgradable(c.from, c.to); got != c.want {
			t.Errorf("%s to %s: %v", c.from, c.to, got)
		}
	}
}

func TestVersionsOffered(t *testing.T) {
	t.Parallel()
	b := local(t)
	if got := b.EngineVersions(); !slices.Equal(got, []string{"OpenSearch_3.8", "OpenSearch_3.7", "OpenSearch_2.19"}) {
		t.Errorf("offered %v", got)
	}
	all, err := b.CompatibleVersions(t.Context(), b.who, "")
	if err != nil || len(all) != 3 || !slices.Equal(all[2].Targets, []string{"OpenSearch_3.7", "OpenSearch_3.8"}) {
		t.Errorf("compatible %+v, %v", all, err)
	}
	one, err := b.CompatibleVersions(t.Context(), b.who, "products")
	if err != nil || len(one) != 1 || one[0].Source != "OpenSearch_3.7" || !slices.Equal(one[0].Targets, []string{"OpenSearch_3.8"}) {
		t.Errorf("of the domain %+v, %v", one, err)
	}
	_, err = b.CompatibleVersions(t.Context(), b.who, "nowhere")
	wantCode(t, err, searchpack.ErrNotFound)

	foreign := setup(t)
	foreign.domain("products")
	foreign.reports("products", 2, "3.9.1")
	one, err = foreign.CompatibleVersions(t.Context(), foreign.who, "products")
	if err != nil || one[0].Source != "OpenSearch_3.9" || len(one[0].Targets) != 0 {
		t.Errorf("of a cluster of somebody else's %+v, %v", one, err)
	}
	if got := foreign.EngineVersions(); len(got) < 20 || !slices.IsSortedFunc(got, func(a, b string) int { return compareEngines(b, a) }) {
		t.Errorf("where nothing is limited: %v", got)
	}
}
