package awsapi

import (
	"encoding/json"
	"maps"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/catalog"
)

// notSent are the members of answers that Searchpack never sends, by structure and member, and why.
var notSent = map[string]string{
	"DomainStatus.EndpointV2":                   "a domain has one endpoint, which is shown as Endpoint",
	"DomainStatus.Endpoints":                    "there is no VPC: even an empty object means one to Terraform",
	"DomainStatus.DomainEndpointV2HostedZoneId": "there is no hosted zone",
	"DomainStatus.VPCOptions":                   "there is no VPC: even an empty object means one to Terraform",
	"DomainConfig.VPCOptions":                   "there is no VPC: even an empty object means one to Terraform",

	"AdvancedSecurityOptions.AnonymousAuthDisableDate":   "nothing is migrated to fine-grained access control",
	"AutoTuneOptionsOutput.ErrorMessage":                 "Auto-Tune does nothing here, so it cannot fail",
	"AutoTuneStatus.ErrorMessage":                        "Auto-Tune does nothing here, so it cannot fail",
	"AutomatedSnapshotPauseOptions.State":                "no snapshots are taken here",
	"IdentityCenterOptions.IdentityCenterApplicationARN": "there is no Identity Center",
	"IdentityCenterOptions.IdentityStoreId":              "there is no Identity Center",
	"DryRunProgressStatus.ValidationFailures":            "what is invalid is refused by the call itself",
	"PackageEncryptionOptions.KmsKeyIdentifier":          "refused in requests",
}

// modernStructure is the name in 2021-01-01 of a structure of 2015-01-01.
func modernStructure(name string) string {
	return strings.Replace(name, "Elasticsearch", "", 1)
}

// everything are outcomes of the catalog that together fill every member of an answer.
func everything(t testing.TB, m *model, seed uint64) []*fakeCatalog {
	t.Helper()
	s := newSampler(m.Shapes[version], seed)
	s.full = true
	options, err := json.Marshal(s.sample(findOperation(t, m, version, "UpdateDomainConfig")).input)
	if err != nil {
		t.Fatal(err)
	}
	yes := true
	config := &searchpack.PackageConfiguration{License: searchpack.RequirementNone, Configuration: searchpack.RequirementNone, LicenseFilepath: "a/b", RestartForConfiguration: &yes}
	plugin := *failed
	plugin.Type, plugin.EngineVersion, plugin.Description, plugin.AvailableNumber = searchpack.TypePlugin, "OpenSearch_2.19", "words", 1
	plugin.Vending, plugin.Encryption, plugin.SharedWith = &yes, &yes, []string{searchpack.Global}
	plugin.AvailablePlugin, plugin.AvailableConfiguration = &searchpack.PluginProperties{Name: "x"}, config
	association := *attached
	association.Status, association.Error = searchpack.AssociationFailed, failed.Error
	association.Prerequisites, association.KeyStore = []string{"F1"}, &searchpack.KeyStoreAccess{Enabled: true, RoleARN: "arn:aws:iam::000000000000:role/x"}
	upgrade := &searchpack.DomainChange{
		ID: "01890a5d-ac96-774b-bcce-b302099a8057", Kind: searchpack.ChangeUpgrade, Status: searchpack.ChangeProcessing, Step: searchpack.UpgradeSnapshot,
		FromVersion: "OpenSearch_2.19", ToVersion: "OpenSearch_3.1", Note: "x", Error: "y", StartedAt: created, UpdatedAt: created.Add(time.Second),
		Properties: []searchpack.ChangedProperty{{Name: "EngineVersion", From: `"a"`, To: `"b"`}},
	}
	domain := *ready
	domain.Options, domain.Change, domain.Tags, domain.CreatedAt = string(options), upgrade, []searchpack.Tag{{Key: "a"}}, created
	other := *upgrade
	other.ID = "01890a5d-ac96-774b-bcce-b302099a8056"
	fill := func(f *fakeCatalog) *fakeCatalog {
		f.Associations, f.Domains = []*catalog.AssociationView{&association}, []*catalog.DomainView{&domain}
		f.Versions = []*searchpack.Version{{Number: 1, CommitMessage: "m", CreatedAt: created, Plugin: plugin.AvailablePlugin, Configuration: config}}
		f.Changes = []*searchpack.DomainChange{upgrade, &other}
		f.Compatible = []catalog.CompatibleVersions{{Source: "OpenSearch_2.19", Targets: []string{"OpenSearch_3.1"}}}
		f.Engines, f.Tagged, f.Next = []string{"OpenSearch_3.1", "OpenSearch_2.19"}, []searchpack.Tag{{Key: "a"}}, "F2"
		return f
	}
	return []*fakeCatalog{
		fill(&fakeCatalog{outcome: outcome{Packages: []*searchpack.Package{&plugin}}}),
		fill(&fakeCatalog{outcome: outcome{Packages: []*searchpack.Package{synonyms, failed}}}),
	}
}

// answered are the members that answers have, as "version structure.member"; ops the structures of
// each operation's answer.
func answered(t *testing.T, m *model) map[string]bool {
	t.Helper()
	have := map[string]bool{}
	for seed := range uint64(3) {
		for _, fake := range everything(t, m, seed) {
			h := testHandler(t, fake)
			for _, op := range servedOperations(m) {
				s := newSampler(m.Shapes[op.Version], seed)
				s.full = true
				c := s.sample(op)
				delete(c.input, "NextToken")
				if op.Name == "DescribeDomainChangeProgress" {
					delete(c.input, "ChangeId")
				}
				for name, value := range map[string]any{"MaxResults": 1, "DryRun": true, "DryRunMode": "Verbose", "PerformCheckOnly": false} {
					if _, there := c.input[name]; there {
						c.input[name] = value
					}
				}
				delete(c.input, "Filters")
				delete(c.input, "EngineType")
				w := httptest.NewRecorder()
				h.ServeHTTP(w, c.request(s.shapes))
				if w.Code != 200 {
					t.Fatalf("%s of %s: %d %s", op.Name, op.Version, w.Code, w.Body)
				}
				checkAnswer(t, m, op, w)
				body, err := catalog.ParseOptions(w.Body.String())
				if err != nil {
					t.Fatal(err)
				}
				if op.Output != "" {
					note(have, m.Shapes[op.Version], op.Version, op.Output, body)
				}
			}
		}
	}
	return have
}

// note writes down which members a value has.
func note(have map[string]bool, shapes map[string]*shape, version, shapeName string, value any) {
	s := shapes[shapeName]
	switch v := value.(type) {
	case map[string]any:
		for name, each := range v {
			if s.Type == "map" {
				note(have, shapes, version, s.Value, each)
				continue
			}
			have[version+" "+shapeName+"."+name] = true
			note(have, shapes, version, s.Members[name].Shape, each)
		}
	case []any:
		for _, each := range v {
			note(have, shapes, version, s.Member, each)
		}
	}
}

// structures are those that answers of the version may hold, by name.
func structures(m *model, version string) []string {
	seen := map[string]bool{}
	var walk func(name string)
	walk = func(name string) {
		s := m.Shapes[version][name]
		if s == nil || seen[name] {
			return
		}
		seen[name] = true
		for _, mem := range s.Members {
			walk(mem.Shape)
		}
		walk(s.Member)
		walk(s.Value)
	}
	for _, op := range servedOperations(m) {
		if op.Version == version {
			walk(op.Output)
		}
	}
	out := slices.DeleteFunc(slices.Sorted(maps.Keys(seen)), func(name string) bool { return m.Shapes[version][name].Type != "structure" })
	return out
}

// Every member that AWS's answers may have is sent, or the reason why it is not stands in notSent.
func TestEveryMemberIsAnswered(t *testing.T) {
	t.Parallel()
	m := mustModel(t)
	have := answered(t, m)
	used := map[string]bool{}
	for _, version := range []string{version, legacy} {
		skip := unsent(m, version)
		for _, name := range structures(m, version) {
			for member := range m.Shapes[version][name].Members {
				key := modernStructure(name) + "." + modernName(member)
				sent, excused := have[version+" "+name+"."+member], notSent[key] != ""
				used[key] = used[key] || excused
				if sent == excused && !skip[name] {
					t.Errorf("%s of %s: sent %v, excused %v", name+"."+member, version, sent, excused)
				}
			}
		}
	}
	for key := range notSent {
		if !used[key] {
			t.Errorf("notSent has %s, which no answer may have", key)
		}
	}
}

// unsent are the structures that only members in notSent lead to.
func unsent(m *model, version string) map[string]bool {
	reached := map[string]bool{}
	var walk func(name string)
	walk = func(name string) {
		s := m.Shapes[version][name]
		if s == nil || reached[name] {
			return
		}
		reached[name] = true
		for member, mem := range s.Members {
			if notSent[modernStructure(name)+"."+modernName(member)] == "" {
				walk(mem.Shape)
			}
		}
		walk(s.Member)
		walk(s.Value)
	}
	for _, op := range servedOperations(m) {
		if op.Version == version {
			walk(op.Output)
		}
	}
	out := map[string]bool{}
	for _, name := range structures(m, version) {
		out[name] = !reached[name]
	}
	return out
}
