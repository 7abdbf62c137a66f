package catalog

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/searchpack/searchpack"
)

func TestTexts(t *testing.T) {
	t.Parallel()
	b := withBlobs(t)
	p := b.versions(searchpack.KindSynonyms, "laptop => notebook\ntv, television\n", "laptop => computer\ntv, television\nphone => mobile\n")
	words := b.versionsOf(p)
	gone := *words[1]
	gone.Digest = searchpack.DigestOf([]byte("gone"))
	folder := *words[1]
	folder.Tree = true
	for name, c := range map[string]struct {
		former, version *searchpack.Version
		want            []string
		code            searchpack.Code
	}{
		"an update":       {words[0], words[1], []string{"laptop", "phone"}, ""},
		"a first version": {nil, words[1], []string{"laptop", "tv", "television", "phone"}, ""},
		"the same bytes":  {words[1], words[1], []string{"laptop", "tv", "television", "phone"}, ""},
		"bytes gone":      {words[0], &gone, nil, searchpack.ErrUnavailable},
		"a folder":        {nil, &folder, nil, ""},
	} {
		got, err := b.Texts(t.Context(), c.former, c.version)
		if diff := cmp.Diff(c.want, got, cmpopts.EquateEmpty(), cmpopts.SortSlices(func(a, b string) bool { return a < b })); diff != "" || c.code != "" && searchpack.ErrorCode(err) != c.code || c.code == "" && err != nil {
			t.Errorf("%s: %v\n%s", name, err, diff)
		}
	}
}

func (b *bench) versionsOf(p *searchpack.Package) []*searchpack.Version {
	b.t.Helper()
	vs, err := b.Versions(b.t.Context(), b.who, p.ID)
	if err != nil {
		b.t.Fatal(err)
	}
	return vs
}
