package catalog

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/searchpack/searchpack"
)

// local is a bench whose clusters are local, with a domain "products" of one node that reports.
func local(t *testing.T, change ...func(*Options)) *bench {
	t.Helper()
	b := setup(t, append([]func(*Options){func(o *Options) {
		o.Limits = Limits{LocalClusters: true, MaxNodes: 4, EngineVersions: []string{"OpenSearch_3.8", "OpenSearch_3.7", "OpenSearch_2.19"}}
	}}, change...)...)
	_, err := b.CreateDomain(t.Context(), b.who, CreateDomainInput{
		Name: "products", EngineVersion: "OpenSearch_3.7", InstanceCount: 1,
		Options: `{"ClusterConfig":{"InstanceCount":1,"InstanceType":"t3.small.search"},"EBSOptions":{"EBSEnabled":true,"VolumeSize":10}}`,
	})
	if err != nil {
		t.Fatal(err)
	}
	b.reports("products", 1, "3.7.0")
	return b
}

// reports has n nodes of the domain say that they are there.
func (b *bench) reports(domain string, n int, version string) {
	b.t.Helper()
	b.update(func(tx searchpack.Tx) error {
		for i := range n {
			id := fmt.Sprintf("%s-n%d", domain, i+1)
			a := &searchpack.Agent{ID: id, Domain: b.who.Key(domain), Name: id, EnrolledAt: b.now}
			if err := tx.PutAgent(b.t.Context(), a); err != nil {
				return err
			}
			r := &searchpack.Report{Schema: 1, Epoch: 1, Seq: b.now.UnixMicro(), Node: &searchpack.NodeFacts{HTTPAddress: id + ":9200", Version: version}}
			if err := tx.PutReport(b.t.Context(), id, r, b.now); err != nil {
				return err
			}
		}
		return nil
	})
}

// configure calls UpdateDomainConfig and returns what changes, shortly.
func (b *bench) configure(options string, dry bool) (*DomainView, *searchpack.DomainChange, string) {
	b.t.Helper()
	v, ch, err := b.UpdateDomainConfig(b.t.Context(), b.who, UpdateDomainInput{
		Name: "products", Options: options, DryRun: dry, Defaults: `{"AdvancedSecurityOptions":{"Enabled":false},"SnapshotOptions":{"AutomatedSnapshotStartHour":0}}`,
	})
	if err != nil {
		b.t.Fatal(err)
	}
	if ch == nil {
		return v, nil, "nothing"
	}
	var parts []string
	for _, p := range ch.Properties {
		parts = append(parts, p.Name+" "+p.From+" -> "+p.To)
	}
	return v, ch, strings.Join(parts, "; ")
}

func TestWhatDiffers(t *testing.T) {
	t.Parallel()
	b := local(t)
	for options, want := range map[string]string{
		``:                                      "nothing",
		`{"ClusterConfig":{"InstanceCount":1}}`: "nothing",
		`{"ClusterConfig":{"InstanceCount":1.0,"WarmEnabled":false,"ZoneAwarenessConfig":{}}}`:         "nothing",
		`{"ClusterConfig":{"InstanceCount":2,"InstanceType":"r7g.large.search"}}`:                      `ClusterConfig.InstanceCount 1 -> 2; ClusterConfig.InstanceType "t3.small.search" -> "r7g.large.search"`,
		`{"EBSOptions":{"VolumeSize":20}}`:                                                             `EBSOptions {"EBSEnabled":true,"VolumeSize":10} -> {"EBSEnabled":true,"VolumeSize":20}`,
		`{"EBSOptions":{"EBSEnabled":false}}`:                                                          `EBSOptions {"EBSEnabled":true,"VolumeSize":10} -> {"EBSEnabled":false,"VolumeSize":10}`,
		`{"AdvancedSecurityOptions":{"Enabled":false},"SnapshotOptions":{}}`:                           "nothing",
		`{"AdvancedSecurityOptions":{"Enabled":true}}`:                                                 `AdvancedSecurityOptions.Enabled false -> true`,
		`{"AccessPolicies":"{\"Statement\":[{}]}","IPAddressType":"ipv4","AdvancedOptions":{"a":"<"}}`: `AccessPolicies  -> "{\"Statement\":[{}]}"; AdvancedOptions  -> {"a":"<"}; IPAddressType  -> "ipv4"`,
	} {
		v, ch, got := b.configure(options, true)
		if got != want {
			t.Errorf("%s changes %s, want %s", options, got, want)
		}
		if v.Change != nil || ch != nil && !ch.EndedAt.IsZero() != !strings.Contains(options, `Count":2`) {
			t.Errorf("%s: a dry run leaves %+v, says %+v", options, v.Change, ch)
		}
	}
	if got, err := b.DomainChanges(t.Context(), b.who, "products", ""); err != nil || len(got) != 0 {
		t.Errorf("dry runs left %+v, %v", got, err)
	}
}

// A policy that is only written otherwise is the same.
func TestPoliciesAreCompared(t *testing.T) {
	t.Parallel()
	b := local(t)
	b.configure(`{"AccessPolicies":"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\"}]}"}`, false)
	if _, _, got := b.configure(`{"AccessPolicies":"{ \"Statement\": [ {\"Effect\": \"Allow\"} ],\n \"Version\": \"2012-10-17\" }"}`, false); got != "nothing" {
		t.Errorf("the same policy changes %s", got)
	}
	if _, _, got := b.configure(`{"AccessPolicies":"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Deny\"}]}"}`, false); !strings.HasPrefix(got, "AccessPolicies") {
		t.Errorf("another policy changes %s", got)
	}
}

// What needs no work at the cluster is done when the call returns.
func TestOptionsAreKept(t *testing.T) {
	t.Parallel()
	told := 0
	b := local(t, func(o *Options) { o.OnDomainsChanged = func() { told++ } })
	told = 0
	b.now = b.now.Add(time.Minute)
	b.reports("products", 1, "3.7.0")
	v, ch, _ := b.configure(`{"EBSOptions":{"VolumeSize":20}}`, false)
	if ch.Status != searchpack.ChangeCompleted || ch.Progress != 100 || v.Changing() || v.Processing || told != 0 {
		t.Errorf("view %+v, change %+v, told %d times", v, ch, told)
	}
	want := `{"ClusterConfig":{"InstanceCount":1,"InstanceType":"t3.small.search"},"EBSOptions":{"EBSEnabled":true,"VolumeSize":20}}`
	if v.Options != want {
		t.Errorf("options %s", v.Options)
	}
	if s := Stamp(&v.Domain, "EBSOptions"); s.Version != 2 || !s.UpdatedAt.Equal(b.now) || !s.CreatedAt.Equal(v.CreatedAt) {
		t.Errorf("stamp %+v", s)
	}
	if s := Stamp(&v.Domain, "ClusterConfig"); s.Version != 1 || !s.UpdatedAt.Equal(v.CreatedAt) {
		t.Errorf("stamp of what did not change %+v", s)
	}
}

// resize asks for three nodes and returns the open change.
func (b *bench) resize(n int) *searchpack.DomainChange {
	b.t.Helper()
	v, ch, _ := b.configure(fmt.Sprintf(`{"ClusterConfig":{"InstanceCount":%d}}`, n), false)
	if ch == nil || ch.Status != searchpack.ChangePending || !v.Processing || v.Endpoint == "" || v.Domain.Nodes != n {
		b.t.Fatalf("view %+v, change %+v", v, ch)
	}
	return ch
}

func (b *bench) describe() *DomainView {
	b.t.Helper()
	v, err := b.DescribeDomain(b.t.Context(), b.who, "products")
	if err != nil {
		b.t.Fatal(err)
	}
	return v
}

func TestResizeSucceeds(t *testing.T) {
	t.Parallel()
	told := 0
	b := local(t, func(o *Options) { o.OnDomainsChanged = func() { told++ } })
	told = 0
	ch, key := b.resize(3), b.who.Key("products")
	b.move(ch, "", 140, "starting n2")
	b.move(ch, "", 140, "starting n2") // again: nothing
	if got := b.describe().Change; got.Status != searchpack.ChangeProcessing || got.Progress != 100 || got.Note != "starting n2" {
		t.Errorf("while it goes on: %+v", got)
	}
	b.reports("products", 3, "3.7.0")
	b.end(ch, "")
	b.end(ch, "n2 does not start") // too late
	b.move(ch, "", 1, "late")
	v := b.describe()
	if v.Processing || v.Change.Status != searchpack.ChangeCompleted || v.Change.Note != "" || v.Domain.Nodes != 3 || told != 1 {
		t.Errorf("in the end %+v, %+v, told %d times", v, v.Change, told)
	}
	// What nobody knows is no error: a domain may be deleted at any time.
	if err := b.MoveChange(t.Context(), key, "another", "", 1, "x"); err != nil {
		t.Error(err)
	}
	if err := b.EndChange(t.Context(), b.who.Key("nowhere"), ch.ID, ""); err != nil {
		t.Error(err)
	}
}

func (b *bench) move(ch *searchpack.DomainChange, step searchpack.UpgradeStep, progress float64, note string) {
	b.t.Helper()
	if err := b.MoveChange(b.t.Context(), ch.Domain, ch.ID, step, progress, note); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) end(ch *searchpack.DomainChange, failure string) {
	b.t.Helper()
	if err := b.EndChange(b.t.Context(), ch.Domain, ch.ID, failure); err != nil {
		b.t.Fatal(err)
	}
}

// One change at a time.
func TestChangeWhileOneIsOpen(t *testing.T) {
	t.Parallel()
	b := local(t)
	ch := b.resize(3)
	_, _, err := b.UpdateDomainConfig(t.Context(), b.who, UpdateDomainInput{Name: "products", Options: `{"EBSOptions":{"VolumeSize":1}}`})
	if searchpack.ErrorCode(err) != searchpack.ErrInvalid || searchpack.ErrorMessage(err) != inProgress {
		t.Errorf("another change: %v", err)
	}
	_, err = b.UpgradeDomain(t.Context(), b.who, UpgradeInput{Name: "products", TargetVersion: "OpenSearch_3.8"})
	if searchpack.ErrorMessage(err) != inProgress {
		t.Errorf("an upgrade: %v", err)
	}
	if v, planned, _ := b.configure(`{"EBSOptions":{"VolumeSize":1}}`, true); planned != nil || v.Change.ID != ch.ID {
		t.Errorf("a dry run: %+v, %+v", v.Change, planned)
	}
}

// A change that came to nothing leaves the domain as it was.
func TestResizeFails(t *testing.T) {
	t.Parallel()
	told := 0
	b := local(t, func(o *Options) { o.OnDomainsChanged = func() { told++ } })
	before := b.describe()
	told = 0
	_, ch, _ := b.configure(`{"ClusterConfig":{"InstanceCount":3},"EBSOptions":{"VolumeSize":20},"IPAddressType":"ipv4"}`, false)
	b.end(ch, "n2 does not start")
	v := b.describe()
	if v.Change.Status != searchpack.ChangeFailed || v.Change.Error != "n2 does not start" || v.Processing || v.Domain.Nodes != 1 || told != 2 {
		t.Errorf("in the end %+v, %+v, told %d times", v, v.Change, told)
	}
	if diff := cmp.Diff(before.Options, v.Options); diff != "" {
		t.Errorf("options (-before +after):\n%s", diff)
	}
	if s := Stamp(&v.Domain, "ClusterConfig"); s.Version != 3 {
		t.Errorf("stamp %+v, want one for there and one for back", s)
	}
}

func TestUpdateDomainConfigRefuses(t *testing.T) {
	t.Parallel()
	b := local(t)
	_, _, err := b.UpdateDomainConfig(t.Context(), b.who, UpdateDomainInput{Name: "nowhere"})
	wantCode(t, err, searchpack.ErrNotFound)
	_, _, err = b.UpdateDomainConfig(t.Context(), b.who, UpdateDomainInput{Name: "products", Options: `{"ClusterConfig":{"InstanceCount":5}}`})
	wantCode(t, err, searchpack.ErrLimit)
	if v := b.describe(); v.Change != nil || v.Domain.Nodes != 1 {
		t.Errorf("what was refused left %+v", v)
	}
	_, _, err = b.UpdateDomainConfig(t.Context(), b.who, UpdateDomainInput{Name: "products", Options: `[`})
	wantCode(t, err, searchpack.ErrInternal) // the edge makes it

	foreign := setup(t)
	foreign.domain("products")
	foreign.reports("products", 1, "3.8.0")
	if _, ch, got := foreign.configure(`{"ClusterConfig":{"InstanceCount":1}}`, false); ch != nil {
		t.Errorf("the same again changes %s", got)
	}
	_, _, err = foreign.UpdateDomainConfig(t.Context(), foreign.who, UpdateDomainInput{Name: "products", Options: `{"ClusterConfig":{"InstanceCount":2}}`})
	if searchpack.ErrorCode(err) != searchpack.ErrUnsupported || !strings.Contains(err.Error(), "ClusterConfig.InstanceCount") {
		t.Errorf("a cluster of somebody else's: %v", err)
	}
}
