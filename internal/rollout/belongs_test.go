package rollout

import (
	"strings"
	"testing"

	"github.com/searchpack/searchpack"
)

const (
	required = searchpack.RequirementRequired
	optional = searchpack.RequirementOptional
	none     = searchpack.RequirementNone
)

// levelled is several, with two more plugins, a second license, and what version v1 and v2 of P1 demand of
// licenses and configurations.
func levelled(t *testing.T, v1, v2 [2]searchpack.RequirementLevel, rows ...string) Call {
	t.Helper()
	c := several(t, rows...)
	c.Packages["P2"] = searchpack.Package{ID: "P2", Name: "stems", Type: searchpack.TypePlugin, AvailableID: "v2"}
	c.Packages["L2"] = searchpack.Package{ID: "L2", Type: searchpack.TypeLicense, AvailableID: "v2"}
	conf := func(x [2]searchpack.RequirementLevel) *searchpack.PackageConfiguration {
		if x[0] == "" {
			return nil
		}
		return &searchpack.PackageConfiguration{License: x[0], Configuration: x[1]}
	}
	p := c.Packages["P1"]
	p.Name, p.AvailableConfiguration = "lemmas", conf(v2)
	c.Packages["P1"] = p
	c.Versions = map[string]searchpack.Version{"v1": {ID: "v1", PackageID: "P1", Configuration: conf(v1)}}
	return c
}

type demandsOf = [2]searchpack.RequirementLevel

func TestWhatBelongsToAPlugin(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		v1, v2 demandsOf
		rows   []string
		asks   []Ask
		steps  string
		code   searchpack.Code
		words  string
	}{
		"with its plugin":              {asks: asks("L1 <- P1", "C1 <- P1", "P1"), steps: "P1 L1 C1"},
		"after its plugin":             {rows: []string{"P1 ACTIVE v2"}, asks: asks("L1 <- P1"), steps: "L1"},
		"again":                        {rows: []string{"P1 ACTIVE v2", "L1 ACTIVE v1 <- P1"}, asks: asks("L1"), steps: "L1"},
		"of none":                      {asks: asks("L1"), code: searchpack.ErrInvalid, words: "Package L1 is a PACKAGE-LICENSE and belongs to a plugin"},
		"of a dictionary":              {asks: asks("C1 <- F1", "F1"), code: searchpack.ErrInvalid, words: "PrerequisitePackageIDList"},
		"of two":                       {asks: asks("C1 <- P1, P2", "P1", "P2"), code: searchpack.ErrInvalid, words: "and no other plugin"},
		"of a plugin and a dictionary": {asks: asks("C1 <- P1, F1", "P1", "F1"), steps: "P1 F1 C1"},
		"from before":                  {rows: []string{"P1 ACTIVE v2", "L1 ASSOCIATION_FAILED"}, asks: asks("L1 <- P1"), steps: "L1"},
		"of another than before": {
			rows: []string{"P1 ACTIVE v2", "P2 ACTIVE v2", "L1 ACTIVE v1 <- P1"}, asks: asks("L1 <- P2"),
			code: searchpack.ErrConflict, words: "L1 belongs to the plugin P1",
		},
		"a second one":          {rows: []string{"P1 ACTIVE v2", "L1 ACTIVE v2 <- P1"}, asks: asks("L2 <- P1"), code: searchpack.ErrConflict, words: "package L1"},
		"a second one, failed":  {rows: []string{"P1 ACTIVE v2", "L1 ASSOCIATION_FAILED <- P1"}, asks: asks("L2 <- P1"), code: searchpack.ErrConflict, words: "package L1"},
		"two at once":           {rows: []string{"P1 ACTIVE v2"}, asks: asks("L1 <- P1", "L2 <- P1"), code: searchpack.ErrConflict, words: "One plugin has one"},
		"one for each plugin":   {asks: asks("L1 <- P1", "L2 <- P2", "P1", "P2"), steps: "P1 L1 P2 L2"},
		"required, not there":   {v2: demandsOf{required, optional}, asks: asks("P1"), code: searchpack.ErrInvalid, words: "does not go without a PACKAGE-LICENSE (its LicenseRequirement is REQUIRED)"},
		"required, the other":   {v2: demandsOf{required, optional}, asks: asks("C1 <- P1", "P1"), code: searchpack.ErrInvalid, words: "PACKAGE-LICENSE"},
		"required, at once":     {v2: demandsOf{required, required}, asks: asks("C1 <- P1", "L1 <- P1", "P1"), steps: "P1 C1 L1"},
		"required, there":       {v2: demandsOf{required, optional}, rows: []string{"P1 ACTIVE v1", "L1 ACTIVE v2 <- P1"}, asks: asks("P1"), steps: "P1"},
		"required, failed":      {v2: demandsOf{required, optional}, rows: []string{"P1 ACTIVE v1", "L1 ASSOCIATION_FAILED <- P1"}, asks: asks("P1"), code: searchpack.ErrInvalid, words: "REQUIRED"},
		"required, going":       {v2: demandsOf{required, optional}, rows: []string{"P1 ACTIVE v1", "L1 DISSOCIATING v2 <- P1"}, asks: asks("P1"), code: searchpack.ErrInvalid, words: "REQUIRED"},
		"required, of another":  {v2: demandsOf{required, optional}, rows: []string{"P2 ACTIVE v2", "L1 ACTIVE v2 <- P2"}, asks: asks("P1"), code: searchpack.ErrInvalid, words: "REQUIRED"},
		"none":                  {v2: demandsOf{optional, none}, asks: asks("C1 <- P1", "P1"), code: searchpack.ErrInvalid, words: "takes no PACKAGE-CONFIG (its ConfigurationRequirement is NONE). Leave package C1 out"},
		"none, added":           {v2: demandsOf{none, none}, rows: []string{"P1 ACTIVE v2"}, asks: asks("L1 <- P1"), code: searchpack.ErrInvalid, words: "takes no PACKAGE-LICENSE"},
		"none any more":         {v2: demandsOf{none, none}, rows: []string{"P1 ACTIVE v1", "L1 ACTIVE v2 <- P1"}, asks: asks("P1"), code: searchpack.ErrInvalid, words: "dissociate it first"},
		"what serves counts":    {v1: demandsOf{none, none}, v2: demandsOf{optional, optional}, rows: []string{"P1 ACTIVE v1"}, asks: asks("L1 <- P1"), code: searchpack.ErrInvalid, words: "takes no PACKAGE-LICENSE"},
		"with what serves next": {v1: demandsOf{none, none}, v2: demandsOf{optional, optional}, rows: []string{"P1 ACTIVE v1"}, asks: asks("L1 <- P1", "P1"), steps: "P1 L1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := Associate(levelled(t, c.v1, c.v2, c.rows...), c.asks...)
			if searchpack.ErrorCode(err) != c.code || c.code != "" && !strings.Contains(err.Error(), c.words) {
				t.Fatalf("error %v, want %q with %q", err, c.code, c.words)
			}
			if err == nil {
				checkSteps(t, got, c.steps, searchpack.Associating)
			}
		})
	}
}

// What a version of the plugin demanded that did not come to serve counts for nothing.
func TestAFailedVersionDemandsNothing(t *testing.T) {
	t.Parallel()
	c := levelled(t, demandsOf{optional, optional}, demandsOf{none, none}, "P1 ASSOCIATION_FAILED v1")
	p := c.Associations["P1"]
	p.WantedID = "v2"
	c.Associations["P1"] = p
	got, err := Associate(c, asks("L1 <- P1")...)
	if err != nil {
		t.Fatal(err)
	}
	checkSteps(t, got, "L1", searchpack.Associating)
}

func TestWhatAPluginCannotDoWithout(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		v1, v2 demandsOf
		rows   []string
		ids    []string
		steps  string
		words  string // of the conflict
	}{
		"alone":                  {v2: demandsOf{required, optional}, rows: []string{"P1 ACTIVE v2", "L1 ACTIVE v2 <- P1"}, ids: []string{"L1"}, words: "The plugin P1 on domain shop does not go without package L1"},
		"with its plugin":        {v2: demandsOf{required, required}, rows: []string{"P1 ACTIVE v2", "L1 ACTIVE v2 <- P1", "C1 ACTIVE v2 <- P1"}, ids: []string{"P1"}, steps: "L1 C1 P1"},
		"not demanded":           {v2: demandsOf{required, optional}, rows: []string{"P1 ACTIVE v2", "C1 ACTIVE v2 <- P1"}, ids: []string{"C1"}, steps: "C1"},
		"by what serves":         {v1: demandsOf{required, optional}, rows: []string{"P1 ACTIVE v1", "L1 ACTIVE v2 <- P1"}, ids: []string{"L1"}, words: "does not go without"},
		"on its way":             {v2: demandsOf{required, optional}, rows: []string{"P1 ASSOCIATING v2", "L1 ASSOCIATING <- P1"}, ids: []string{"L1"}, words: "does not go without"},
		"failed":                 {v2: demandsOf{required, optional}, rows: []string{"P1 ACTIVE v2", "L1 ASSOCIATION_FAILED <- P1"}, ids: []string{"L1"}, steps: "L1"},
		"of a plugin that goes":  {v2: demandsOf{required, optional}, rows: []string{"P1 DISSOCIATING v2", "L1 ACTIVE v2 <- P1"}, ids: []string{"L1"}, steps: "L1"},
		"of no plugin":           {v2: demandsOf{required, optional}, rows: []string{"P1 ACTIVE v2", "L1 ACTIVE v2"}, ids: []string{"L1"}, steps: "L1"},
		"the plugin has no word": {rows: []string{"P1 ACTIVE v2", "L1 ACTIVE v2 <- P1"}, ids: []string{"L1"}, steps: "L1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := Dissociate(levelled(t, c.v1, c.v2, c.rows...), c.ids...)
			if c.words != "" {
				if searchpack.ErrorCode(err) != searchpack.ErrConflict || !strings.Contains(err.Error(), c.words) {
					t.Errorf("error %v, want a conflict with %q", err, c.words)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			checkSteps(t, got, c.steps, searchpack.Dissociating)
		})
	}
}
