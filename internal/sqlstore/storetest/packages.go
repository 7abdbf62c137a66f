package storetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/searchpack/searchpack"
)

func fullPackage(id string) *searchpack.Package {
	return &searchpack.Package{
		ID: id, Account: account, Region: region, Name: "name-" + id, Type: searchpack.TypeDictionary,
		Description: "Synonyme für „Brötchen“ 🥐", Status: searchpack.PackageValidationFailed,
		Error:     &searchpack.ErrorDetails{Type: "ValidationFailure", Message: "line 3: two arrows"},
		CreatedAt: t0, UpdatedAt: at(time.Microsecond), AvailableID: "v-1", AvailableNumber: 3, ImportID: "v-2",
		EngineVersion: "OpenSearch_3.8", Vending: ptr(true), Encryption: ptr(false),
		SharedWith:             []string{"111111111111", "222222222222", searchpack.Global},
		AvailablePlugin:        fullPlugin(),
		AvailableConfiguration: fullConfiguration(),
	}
}

func fullPlugin() *searchpack.PluginProperties {
	return &searchpack.PluginProperties{Name: "n", Description: "d „ü“", Version: "1.2", ClassName: "c.C", UncompressedSize: 1 << 33, OpenSearch: "[3.7.0,3.9.0)"}
}

func fullConfiguration() *searchpack.PackageConfiguration {
	return &searchpack.PackageConfiguration{
		License: searchpack.RequirementRequired, Configuration: searchpack.RequirementOptional, LicenseFilepath: "a/l.json",
		RestartForConfiguration: ptr(false),
	}
}

func fullChecks() []searchpack.Check {
	return []searchpack.Check{
		{
			Name: "„ü“", Index: "books", Analyze: &searchpack.AnalyzeCheck{Analyzer: "a", Field: "f", Text: "t"},
			Expect: searchpack.Expectation{Contains: []string{"c"}, Equals: []string{}, Excludes: []string{"x"}},
		}, {
			Name: "s", Index: "books", Search: &searchpack.SearchCheck{
				Match:       map[string]searchpack.CheckQuery{"f": {Query: "q", Analyzer: "a", Operator: "and", MinimumShouldMatch: "2"}},
				MatchPhrase: map[string]searchpack.CheckQuery{"f": {Query: "q", Slop: 2}},
				MultiMatch:  &searchpack.CheckMultiMatch{Query: "q", Fields: []string{"a", "b"}, Type: "phrase", Analyzer: "a", Operator: "or", MinimumShouldMatch: "1"},
			},
			Expect: searchpack.Expectation{MinHits: ptr(int64(0)), MaxHits: ptr(int64(9)), IDs: []string{"1"}, ExcludesIDs: []string{"2"}},
		},
	}
}

func ptr[T any](v T) *T { return &v }

func fullVersion(id, packageID string) *searchpack.Version {
	return &searchpack.Version{
		ID: id, PackageID: packageID, Number: 7, Status: searchpack.PackageCopyFailed,
		Error:         &searchpack.ErrorDetails{Type: "t", Message: "m"},
		Source:        searchpack.Source{Bucket: "b", Key: "k/ü", VersionID: "x", ETag: `"e"`},
		CommitMessage: "more words", Digest: searchpack.DigestOf([]byte(id)), Size: 1 << 33, Kind: searchpack.KindSynonyms,
		KindDeclared: true, KindLearnt: true, KindConfidence: 95, Tree: true, Identical: true, FindingCount: 12, CreatedAt: t0, ImportedAt: at(time.Second),
		Configuration: fullConfiguration(), Plugin: fullPlugin(),
		CheckCount: 2, ChecksDigest: searchpack.DigestOf([]byte("checks")),
		AskedBy: &searchpack.Caller{
			Account: account, Region: region, AccessKey: "AK", User: "kim „ü“", ARN: "arn", SourceIP: "::1", Secure: true, RequestID: "r",
			Policies: []string{`{"Version":"2012-10-17"}`}, Operator: true,
		},
	}
}

func testPackages(t *testing.T, s searchpack.Store) {
	ctx := t.Context()
	full, bare := fullPackage("F1"), &searchpack.Package{ID: "F2", Account: account, Region: region}
	update(t, s, func(tx searchpack.Tx) error {
		if err := tx.PutPackage(ctx, full); err != nil {
			return err
		}
		return tx.PutPackage(ctx, bare)
	})
	for _, want := range []*searchpack.Package{full, bare} {
		same(t, want.ID, want, read(t, s, func(ctx context.Context, tx searchpack.Tx) (*searchpack.Package, error) {
			return tx.Package(ctx, want.ID)
		}))
	}
	// Replaced as a whole: what is empty now is empty.
	replaced := &searchpack.Package{ID: "F1", Account: account, Region: region, Status: searchpack.PackageAvailable, CreatedAt: t0}
	update(t, s, func(tx searchpack.Tx) error { return tx.PutPackage(ctx, replaced) })
	same(t, "replaced", replaced, read(t, s, func(ctx context.Context, tx searchpack.Tx) (*searchpack.Package, error) {
		return tx.Package(ctx, "F1")
	}))
}

func testPackageQueries(t *testing.T, s searchpack.Store) {
	ctx := t.Context()
	put := func(id, account, region, name string, status searchpack.PackageStatus, typ searchpack.PackageType) {
		update(t, s, func(tx searchpack.Tx) error {
			return tx.PutPackage(ctx, &searchpack.Package{ID: id, Account: account, Region: region, Name: name, Status: status, Type: typ})
		})
	}
	// Upper and lower case, so that an order by a locale's rules shows.
	put("b", account, region, "one", searchpack.PackageAvailable, searchpack.TypeDictionary)
	put("A", account, region, "two", searchpack.PackageCopying, searchpack.TypeDictionary)
	put("C", account, region, "one", searchpack.PackageAvailable, searchpack.TypePlugin)
	put("a", account, region, "three", searchpack.PackageCopyFailed, searchpack.TypeConfig)
	put("B", account, "eu-west-1", "one", searchpack.PackageAvailable, searchpack.TypeDictionary)
	put("D", "111111111111", region, "one", searchpack.PackageAvailable, searchpack.TypeDictionary)

	tests := []struct {
		name string
		q    searchpack.PackageQuery
		want []string
	}{
		{"all, in byte order", searchpack.PackageQuery{}, []string{"A", "C", "a", "b"}},
		{"ids", searchpack.PackageQuery{IDs: []string{"b", "A", "B", "none"}}, []string{"A", "b"}},
		{"names", searchpack.PackageQuery{Names: []string{"one", "three"}}, []string{"C", "a", "b"}},
		{"statuses", searchpack.PackageQuery{Statuses: []searchpack.PackageStatus{searchpack.PackageCopying, searchpack.PackageCopyFailed}}, []string{"A", "a"}},
		{"types", searchpack.PackageQuery{Types: []searchpack.PackageType{searchpack.TypePlugin}}, []string{"C"}},
		{"lists go together", searchpack.PackageQuery{Names: []string{"one"}, Types: []searchpack.PackageType{searchpack.TypeDictionary}}, []string{"b"}},
		{"nothing fits", searchpack.PackageQuery{IDs: []string{"A"}, Names: []string{"one"}}, nil},
		{"limit", searchpack.PackageQuery{Limit: 2}, []string{"A", "C"}},
		{"after", searchpack.PackageQuery{AfterID: "C"}, []string{"a", "b"}},
		{"after an id that is not there", searchpack.PackageQuery{AfterID: "B", Limit: 2}, []string{"C", "a"}},
		{"after the last", searchpack.PackageQuery{AfterID: "b"}, nil},
	}
	for _, test := range tests {
		test.q.Account, test.q.Region = account, region
		got := read(t, s, func(ctx context.Context, tx searchpack.Tx) (ids []string, err error) {
			all, err := tx.Packages(ctx, test.q)
			for _, p := range all {
				ids = append(ids, p.ID)
			}
			return ids, err
		})
		same(t, test.name, test.want, got)
	}
}

func testDeletePackage(t *testing.T, s searchpack.Store) {
	ctx := t.Context()
	update(t, s, func(tx searchpack.Tx) error {
		for _, id := range []string{"F1", "F2"} {
			if err := tx.PutPackage(ctx, fullPackage(id)); err != nil {
				return err
			}
			if err := tx.PutVersion(ctx, fullVersion("v-"+id, id)); err != nil {
				return err
			}
			if err := tx.PutFindings(ctx, "v-"+id, []searchpack.Finding{{Rule: "r"}}); err != nil {
				return err
			}
		}
		return tx.DeletePackage(ctx, "F1")
	})
	err := s.View(ctx, func(tx searchpack.Tx) error {
		if _, err := tx.Version(ctx, "v-F2"); err != nil {
			t.Errorf("the other package's version: %v", err)
		}
		_, err := tx.Version(ctx, "v-F1")
		wantCode(t, err, searchpack.ErrNotFound)
		for id, want := range map[string]int{"v-F1": 0, "v-F2": 1} {
			if f, err := tx.Findings(ctx, id); err != nil || len(f) != want {
				t.Errorf("findings of %s: %v %v, want %d", id, f, err, want)
			}
		}
		_, err = tx.Package(ctx, "F1")
		return err
	})
	wantCode(t, err, searchpack.ErrNotFound, "package", "F1")
}

func testVersions(t *testing.T, s searchpack.Store) {
	ctx := t.Context()
	// Equal times: the order in which they came counts, also after a change.
	all := []*searchpack.Version{
		{ID: "z", PackageID: "F1", CreatedAt: at(-time.Hour)}, fullVersion("m", "F1"), fullVersion("c", "F1"), fullVersion("x", "F1"),
	}
	update(t, s, func(tx searchpack.Tx) error {
		if err := tx.PutPackage(ctx, fullPackage("F1")); err != nil {
			return err
		}
		for _, v := range all {
			if err := tx.PutVersion(ctx, v); err != nil {
				return err
			}
		}
		return nil
	})
	all[1].Number, all[1].Error, all[1].Digest = 8, nil, searchpack.DigestOf(nil)
	update(t, s, func(tx searchpack.Tx) error { return tx.PutVersion(ctx, all[1]) })
	same(t, "Versions", all, read(t, s, func(ctx context.Context, tx searchpack.Tx) ([]*searchpack.Version, error) {
		return tx.Versions(ctx, "F1")
	}))
	same(t, "Version", all[2], read(t, s, func(ctx context.Context, tx searchpack.Tx) (*searchpack.Version, error) {
		return tx.Version(ctx, "c")
	}))
	for d, want := range map[searchpack.Digest]bool{
		searchpack.DigestOf([]byte("c")): true, searchpack.DigestOf([]byte("m")): false, searchpack.DigestOf(nil): true,
	} {
		got := read(t, s, func(ctx context.Context, tx searchpack.Tx) (bool, error) { return tx.DigestInUse(ctx, d) })
		if got != want {
			t.Errorf("DigestInUse(%s) = %v, want %v", d.Short(), got, want)
		}
	}
}

func testFindings(t *testing.T, s searchpack.Store) {
	ctx := t.Context()
	var many []searchpack.Finding // more than one statement's worth
	for i := range 1234 {
		many = append(many, searchpack.Finding{
			Rule: "synonyms.two-arrows", Severity: searchpack.SeverityError, Line: 5000 - i, Column: i, Text: "a => b => c",
			Message: fmt.Sprint("message ", i), Remedy: "write two lines", Path: "a/b.dic", OpenSearchLine: i / 2,
		})
	}
	get := func() []searchpack.Finding {
		return read(t, s, func(ctx context.Context, tx searchpack.Tx) ([]searchpack.Finding, error) {
			return tx.Findings(ctx, "v")
		})
	}
	update(t, s, func(tx searchpack.Tx) error {
		if err := tx.PutPackage(ctx, fullPackage("F1")); err != nil {
			return err
		}
		return tx.PutVersion(ctx, fullVersion("v", "F1"))
	})
	for _, want := range [][]searchpack.Finding{many, many[:3], nil} {
		update(t, s, func(tx searchpack.Tx) error { return tx.PutFindings(ctx, "v", want) })
		same(t, "Findings", want, get())
	}
}

func testManifests(t *testing.T, s searchpack.Store) {
	ctx := t.Context()
	var many []searchpack.ManifestEntry // more than one statement's worth
	for i := range 1234 {
		path := fmt.Sprintf("lib/%d é.jar", 5000-i)
		many = append(many, searchpack.ManifestEntry{Path: path, Size: int64(i) << 32, Digest: searchpack.DigestOf([]byte(path)), Mode: 0o755})
	}
	update(t, s, func(tx searchpack.Tx) error {
		if err := tx.PutPackage(ctx, fullPackage("F1")); err != nil {
			return err
		}
		return tx.PutVersion(ctx, fullVersion("v", "F1"))
	})
	for _, want := range [][]searchpack.ManifestEntry{many, many[:3], nil} {
		update(t, s, func(tx searchpack.Tx) error { return tx.PutManifest(ctx, "v", want) })
		same(t, "Manifest", want, read(t, s, func(ctx context.Context, tx searchpack.Tx) ([]searchpack.ManifestEntry, error) {
			return tx.Manifest(ctx, "v")
		}))
	}
	sbom := func(tx searchpack.Tx) (string, error) {
		doc, err := tx.SBOM(ctx, "v")
		return string(doc), err
	}
	err := s.View(ctx, func(tx searchpack.Tx) error { _, err := sbom(tx); return err })
	if searchpack.ErrorCode(err) != searchpack.ErrNotFound {
		t.Errorf("a version without a bill of materials: %v", err)
	}
	for _, want := range []string{`{"bomFormat":"CycloneDX"}`, `{"é":1}`} {
		update(t, s, func(tx searchpack.Tx) error { return tx.PutSBOM(ctx, "v", []byte(want)) })
		same(t, "SBOM", want, read(t, s, func(_ context.Context, tx searchpack.Tx) (string, error) { return sbom(tx) }))
	}
	checks := func(ctx context.Context, tx searchpack.Tx) ([]searchpack.Check, error) { return tx.Checks(ctx, "v") }
	for _, want := range [][]searchpack.Check{fullChecks(), fullChecks()[:1], nil, fullChecks()} {
		update(t, s, func(tx searchpack.Tx) error { return tx.PutChecks(ctx, "v", want) })
		same(t, "Checks", want, read(t, s, checks))
	}
	update(t, s, func(tx searchpack.Tx) error { return tx.PutManifest(ctx, "v", many) })
	update(t, s, func(tx searchpack.Tx) error { return tx.DeletePackage(ctx, "F1") })
	same(t, "Checks of a deleted version", nil, read(t, s, checks))
	same(t, "Manifest of a deleted version", nil, read(t, s, func(ctx context.Context, tx searchpack.Tx) ([]searchpack.ManifestEntry, error) {
		return tx.Manifest(ctx, "v")
	}))
}

// Dictionaries and nodes send what they like; a store that refused it would make an import fail
// for ever.
func testHostileText(t *testing.T, s searchpack.Store) {
	ctx := t.Context()
	p := fullPackage("F1")
	p.Description = "nul \x00, not UTF-8 \xff\xfe, quote ' \" \\ $1 ?"
	p.Error.Message = "nul \x00"
	update(t, s, func(tx searchpack.Tx) error {
		if err := tx.PutPackage(ctx, p); err != nil {
			return err
		}
		if err := tx.PutVersion(ctx, fullVersion("v", "F1")); err != nil {
			return err
		}
		return tx.PutFindings(ctx, "v", []searchpack.Finding{{Text: "\x00\xc3\x28"}})
	})
	got := read(t, s, func(ctx context.Context, tx searchpack.Tx) (*searchpack.Package, error) { return tx.Package(ctx, "F1") })
	same(t, "description", "nul \uFFFD, not UTF-8 \uFFFD, quote ' \" \\ $1 ?", got.Description)
	same(t, "in JSON", "nul \x00", got.Error.Message)
	err := s.View(ctx, func(tx searchpack.Tx) error {
		_, err := tx.Package(ctx, "F1\x00'; DROP TABLE package; --")
		return err
	})
	wantCode(t, err, searchpack.ErrNotFound)
}
