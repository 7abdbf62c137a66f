package rollout

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/searchpack/searchpack"
)

// several makes a call of packages: F1 to F3 dictionaries, P1 a plugin, L1 its license, C1 its
// configuration, all in version v2. rows are what is associated: "F1 ACTIVE v2 <- P1, L1".
func several(t *testing.T, rows ...string) Call {
	t.Helper()
	c := Call{
		Domain: simDomain, Packages: map[string]searchpack.Package{}, Associations: map[string]searchpack.Association{},
		RolloutID: "new", Now: simStart,
	}
	for id, kind := range map[string]searchpack.PackageType{
		"F1": searchpack.TypeDictionary, "F2": searchpack.TypeDictionary, "F3": searchpack.TypeDictionary,
		"P1": searchpack.TypePlugin, "L1": searchpack.TypeLicense, "C1": searchpack.TypeConfig,
	} {
		c.Packages[id] = searchpack.Package{ID: id, Type: kind, Status: searchpack.PackageAvailable, AvailableID: "v2"}
	}
	for _, row := range rows {
		text, needs, _ := strings.Cut(row, " <- ")
		part := strings.Fields(text)
		a := searchpack.Association{PackageID: part[0], Status: searchpack.AssociationStatus(part[1])}
		if len(part) > 2 {
			a.ServingID, a.WantedID = part[2], part[2]
		}
		if needs != "" {
			a.Prerequisites = strings.Split(needs, ", ")
		}
		c.Associations[a.PackageID] = a
	}
	return c
}

// asks reads "F1 <- F2, F3".
func asks(texts ...string) []Ask {
	var out []Ask
	for _, text := range texts {
		id, needs, given := strings.Cut(text, " <- ")
		ask := Ask{PackageID: id}
		if given {
			ask.Prerequisites = strings.Split(needs, ", ")
		}
		out = append(out, ask)
	}
	return out
}

func TestAssociateSeveral(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		rows  []string
		asks  []Ask
		steps string
		code  searchpack.Code
		words string
	}{
		"as asked":                    {asks: asks("F2", "F1"), steps: "F2 F1"},
		"prerequisites first":         {asks: asks("F1 <- F3", "F2", "F3 <- F2"), steps: "F2 F3 F1"},
		"one that serves":             {rows: []string{"F2 ACTIVE v1"}, asks: asks("F1 <- F2"), steps: "F1"},
		"one whose update failed":     {rows: []string{"F2 ASSOCIATION_FAILED v1"}, asks: asks("F1 <- F2"), steps: "F1"},
		"one that stays in use":       {rows: []string{"F2 DISSOCIATION_FAILED v1"}, asks: asks("F1 <- F2"), steps: "F1"},
		"as before":                   {rows: []string{"F2 ACTIVE v1", "F1 ACTIVE v1 <- F2"}, asks: asks("F1", "F2"), steps: "F2 F1"},
		"as before, one is gone":      {rows: []string{"F2 ASSOCIATION_FAILED", "F1 ASSOCIATION_FAILED <- F2"}, asks: asks("F1"), code: searchpack.ErrInvalid, words: "F2 is not associated"},
		"none associated":             {asks: asks("F1 <- F2, F3"), code: searchpack.ErrInvalid, words: "F1 needs its prerequisites first: F2, F3"},
		"not associated yet":          {rows: []string{"F2 ASSOCIATING"}, asks: asks("F1 <- F2"), code: searchpack.ErrInvalid, words: "F2"},
		"going":                       {rows: []string{"F2 DISSOCIATING v1"}, asks: asks("F1 <- F2"), code: searchpack.ErrInvalid, words: "F2"},
		"a package that is no more":   {asks: asks("F1 <- F9"), code: searchpack.ErrInvalid, words: "F9"},
		"itself":                      {asks: asks("F1 <- F1"), code: searchpack.ErrInvalid, words: "circle: F1 needs F1"},
		"a circle":                    {asks: asks("F1 <- F2", "F2 <- F3", "F3 <- F1"), code: searchpack.ErrInvalid, words: "circle: F1 needs F2 needs F3 needs F1"},
		"a circle with one before":    {rows: []string{"F2 ACTIVE v2 <- F1", "F1 ACTIVE v1"}, asks: asks("F1 <- F2"), code: searchpack.ErrInvalid, words: "circle"},
		"twice":                       {asks: asks("F1", "F2", "F1"), code: searchpack.ErrInvalid, words: "F1 is named twice"},
		"nothing":                     {code: searchpack.ErrInvalid, words: "no package"},
		"one is as wanted":            {rows: []string{"F2 ACTIVE v2"}, asks: asks("F1", "F2"), code: searchpack.ErrConflict, words: "Package is already in desired state"},
		"one is on its way out":       {rows: []string{"F2 DISSOCIATING v2"}, asks: asks("F1", "F2"), code: searchpack.ErrConflict, words: "F2"},
		"the same named twice needed": {asks: asks("F1 <- F2, F2", "F2"), steps: "F2 F1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := Associate(several(t, c.rows...), c.asks...)
			if searchpack.ErrorCode(err) != c.code || c.code != "" && !strings.Contains(err.Error(), c.words) {
				t.Fatalf("error %v, want %q with %q", err, c.code, c.words)
			}
			if err != nil {
				return
			}
			checkSteps(t, got, c.steps, searchpack.Associating)
			for i, a := range got.Associations {
				if a.PackageID != c.asks[i].PackageID {
					t.Errorf("association %d is of %s", i, a.PackageID)
				}
				if needs := c.asks[i].Prerequisites; needs != nil && !slices.Equal(a.Prerequisites, slices.Compact(needs)) {
					t.Errorf("%s needs %v, want %v", a.PackageID, a.Prerequisites, needs)
				}
			}
		})
	}
}

// checkSteps compares the packages of the rollout's steps, and every status.
func checkSteps(t *testing.T, got Change, steps string, status searchpack.AssociationStatus) {
	t.Helper()
	var ids []string
	for _, s := range got.Rollout.Steps {
		ids = append(ids, s.PackageID)
	}
	if text := strings.Join(ids, " "); text != steps {
		t.Errorf("steps %s, want %s", text, steps)
	}
	if len(got.Associations) != len(ids) {
		t.Errorf("%d associations of %d steps", len(got.Associations), len(ids))
	}
	for _, a := range got.Associations {
		if a.Status != status {
			t.Errorf("%s is %s", a.PackageID, a.Status)
		}
	}
}

func TestAssociateKeepsWhatIsNotSaid(t *testing.T) {
	t.Parallel()
	c := several(t, "F2 ACTIVE v2", "F1 ACTIVE v1 <- F2")
	row := c.Associations["F1"]
	row.KeyStore = &searchpack.KeyStoreAccess{Enabled: true, RoleARN: "arn:aws:iam::000000000000:role/r"}
	c.Associations["F1"] = row
	got, err := Associate(c, Ask{PackageID: "F1"})
	if err != nil {
		t.Fatal(err)
	}
	if a := got.Associations[0]; !slices.Equal(a.Prerequisites, []string{"F2"}) || a.KeyStore == nil || !a.KeyStore.Enabled {
		t.Errorf("lost what was not said anew: %+v", a)
	}
	got, err = Associate(c, Ask{PackageID: "F1", Prerequisites: []string{}, KeyStore: &searchpack.KeyStoreAccess{}})
	if err != nil {
		t.Fatal(err)
	}
	if a := got.Associations[0]; len(a.Prerequisites) != 0 || a.KeyStore.Enabled {
		t.Errorf("keeps what was taken back: %+v", a)
	}
	if len(c.Associations["F1"].Prerequisites) != 1 {
		t.Error("the call's own rows were changed")
	}
}

func TestDissociateSeveral(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		rows  []string
		ids   []string
		steps string
		code  searchpack.Code
		words string
	}{
		"several":                   {rows: []string{"F1 ACTIVE v2", "F2 ASSOCIATION_FAILED"}, ids: []string{"F1", "F2"}, steps: "F2 F1"},
		"the dependent first":       {rows: []string{"F1 ACTIVE v2", "F2 ACTIVE v2 <- F1"}, ids: []string{"F1", "F2"}, steps: "F2 F1"},
		"needed":                    {rows: []string{"F1 ACTIVE v2", "F2 ASSOCIATING <- F1"}, ids: []string{"F1"}, code: searchpack.ErrConflict, words: "F1 is a prerequisite of package F2, which is ASSOCIATING"},
		"needed by what goes":       {rows: []string{"F1 ACTIVE v2", "F2 DISSOCIATING v2 <- F1"}, ids: []string{"F1"}, code: searchpack.ErrConflict, words: "F2"},
		"license and configuration": {rows: []string{"P1 ASSOCIATION_FAILED", "L1 ASSOCIATION_FAILED <- P1", "C1 ASSOCIATION_FAILED <- L1"}, ids: []string{"P1"}, steps: "C1 L1 P1"},
		"one of them named":         {rows: []string{"P1 ASSOCIATION_FAILED", "L1 ASSOCIATION_FAILED <- P1"}, ids: []string{"L1", "P1"}, steps: "L1 P1"},
		"only the license":          {rows: []string{"P1 ASSOCIATION_FAILED", "L1 ASSOCIATION_FAILED <- P1"}, ids: []string{"L1"}, steps: "L1"},
		"a license of another":      {rows: []string{"P1 ASSOCIATION_FAILED", "L1 ASSOCIATION_FAILED"}, ids: []string{"P1"}, steps: "P1"},
		"a plugin of the plugin":    {rows: []string{"P1 ACTIVE v2", "F1 ACTIVE v2 <- P1"}, ids: []string{"P1"}, code: searchpack.ErrConflict, words: "F1"},
		"a configuration alone":     {rows: []string{"L1 ACTIVE v2", "C1 ACTIVE v2 <- L1"}, ids: []string{"L1"}, code: searchpack.ErrConflict, words: "C1"},
		"the license goes already":  {rows: []string{"P1 ACTIVE v2", "L1 DISSOCIATING v2 <- P1"}, ids: []string{"P1"}, code: searchpack.ErrConflict, words: "L1 is being dissociated"},
		"one is not there":          {rows: []string{"F1 ACTIVE v2"}, ids: []string{"F1", "F2"}, code: searchpack.ErrInvalid, words: "Package is not associated to this domain"},
		"twice":                     {rows: []string{"F1 ACTIVE v2"}, ids: []string{"F1", "F1"}, code: searchpack.ErrInvalid, words: "twice"},
		"nothing":                   {code: searchpack.ErrInvalid, words: "no package"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := Dissociate(several(t, c.rows...), c.ids...)
			if searchpack.ErrorCode(err) != c.code || c.code != "" && !strings.Contains(err.Error(), c.words) {
				t.Fatalf("error %v, want %q with %q", err, c.code, c.words)
			}
			if err != nil {
				return
			}
			checkSteps(t, got, c.steps, searchpack.Dissociating)
			for i, id := range c.ids {
				if got.Associations[i].PackageID != id {
					t.Errorf("association %d is of %s", i, got.Associations[i].PackageID)
				}
			}
		})
	}
}

// A newer version does not jump the queue before what needs it.
func TestOvertakeWhatOthersWaitFor(t *testing.T) {
	t.Parallel()
	step := func(id string) searchpack.RolloutStep {
		return searchpack.RolloutStep{PackageID: id, Action: searchpack.ActionAssociate, VersionID: "v1"}
	}
	c := several(t, "F1 ASSOCIATING", "F2 ASSOCIATING <- F1", "F3 ASSOCIATING")
	for id, a := range c.Associations {
		a.WantedID = "v1"
		c.Associations[id] = a
	}
	c.Open = []searchpack.Rollout{{ID: "old", State: searchpack.RolloutQueued, Steps: []searchpack.RolloutStep{step("F1"), step("F2"), step("F3")}}}
	_, err := Associate(c, Ask{PackageID: "F1"})
	if searchpack.ErrorCode(err) != searchpack.ErrConflict || !strings.Contains(err.Error(), "together with F2") {
		t.Errorf("F1 alone: %v", err)
	}
	got, err := Associate(c, asks("F2", "F1")...)
	if err != nil {
		t.Fatal(err)
	}
	checkSteps(t, got, "F1 F2", searchpack.Associating)
	if diff := cmp.Diff([]searchpack.RolloutStep{step("F3")}, got.Replaced[0].Steps); len(got.Replaced) != 1 || diff != "" {
		t.Errorf("what is left of the older one (-want +got):\n%s", diff)
	}
	if len(c.Open[0].Steps) != 3 {
		t.Error("the call's own rows were changed")
	}
}
