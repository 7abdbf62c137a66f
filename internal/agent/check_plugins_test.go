package agent

import (
	"fmt"
	"strings"
	"testing"

	"github.com/searchpack/searchpack"
)

func TestCheckPluginsAndAllocations(t *testing.T) {
	t.Parallel()
	d := searchpack.DigestOf([]byte("x"))
	word := func(s string) *string { return &s }
	with := func(edit func(*searchpack.Order)) *searchpack.Order {
		o := &searchpack.Order{
			Schema: 1, Restart: &searchpack.RestartOffer{ID: "r1/2"},
			Plugins: []searchpack.PluginOrder{
				{PackageID: "F1", State: searchpack.PluginInstalled, Name: "analysis-lemmas", VersionID: "v", Version: 1, Digest: d, Size: 5},
				{PackageID: "F2", State: searchpack.PluginRemoved, Name: "analysis-lemmas"},
			},
			Duties: []searchpack.Duty{
				{ID: "a", Kind: searchpack.DutyAllocation, Allocation: &searchpack.Allocation{Persistent: word("primaries"), Transient: word("NONE")}, Flush: true},
				{ID: "b", Kind: searchpack.DutyAllocation, Allocation: &searchpack.Allocation{}},
				{ID: "h", Kind: searchpack.DutyHealth}, {ID: "s", Kind: searchpack.DutySettle, Baseline: []string{"a[0]"}},
			},
		}
		edit(o)
		return o
	}
	if err := checkOrder(with(func(*searchpack.Order) {})); err != nil {
		t.Fatal(err)
	}
	for name, edit := range map[string]func(*searchpack.Order){
		"plugin's package":     func(o *searchpack.Order) { o.Plugins[0].PackageID = "../F1" },
		"plugin is a path":     func(o *searchpack.Order) { o.Plugins[0].Name = "../config" },
		"plugin is hidden":     func(o *searchpack.Order) { o.Plugins[1].Name = ".installing-x" },
		"plugin has no name":   func(o *searchpack.Order) { o.Plugins[1].Name = "" },
		"plugin has a slash":   func(o *searchpack.Order) { o.Plugins[0].Name = "a/b" },
		"plugin is long":       func(o *searchpack.Order) { o.Plugins[0].Name = strings.Repeat("a", 101) },
		"plugin's state":       func(o *searchpack.Order) { o.Plugins[0].State = "executed" },
		"plugin of no bytes":   func(o *searchpack.Order) { o.Plugins[0].Digest = "" },
		"plugin's digest":      func(o *searchpack.Order) { o.Plugins[0].Digest = "../../x" },
		"plugin's size":        func(o *searchpack.Order) { o.Plugins[0].Size = -1 },
		"plugin is huge":       func(o *searchpack.Order) { o.Plugins[0].Size = maxBlob + 1 },
		"package twice":        func(o *searchpack.Order) { o.Plugins[1].PackageID = "F1" },
		"offer without a name": func(o *searchpack.Order) { o.Restart.ID = "" },
		"offer's long name":    func(o *searchpack.Order) { o.Restart.ID = strings.Repeat("r", maxIDLength+1) },
		"no allocation":        func(o *searchpack.Order) { o.Duties[0].Allocation = nil },
		"another value":        func(o *searchpack.Order) { o.Duties[0].Allocation.Persistent = word("nobody") },
		"a setting of its own": func(o *searchpack.Order) { o.Duties[0].Allocation.Transient = word(`all","path.repo":"/`) },
		"an empty value":       func(o *searchpack.Order) { o.Duties[1].Allocation.Persistent = word("") },
		"a long baseline":      func(o *searchpack.Order) { o.Duties[3].Baseline = make([]string, searchpack.MaxUnassigned+1) },
	} {
		if err := checkOrder(with(edit)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	many := with(func(o *searchpack.Order) { o.Plugins = make([]searchpack.PluginOrder, maxFiles+1) })
	if err := checkOrder(many); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("too long: 0 files, %d plugins", maxFiles+1)) {
		t.Errorf("too many: %v", err)
	}
}
