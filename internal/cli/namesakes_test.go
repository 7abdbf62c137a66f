package cli

import "testing"

// Packages of one name are told apart by what a person knows: the type, and a plugin's OpenSearch.
func TestIDsOf(t *testing.T) {
	t.Parallel()
	got := idsOf([]packageLine{
		{ID: "F1", Type: "TXT-DICTIONARY"}, {ID: "pkg-1", Type: "ZIP-PLUGIN", EngineVersion: "OpenSearch_3.8"}, {ID: "F2"},
	})
	if want := "F1 (TXT-DICTIONARY), pkg-1 (ZIP-PLUGIN 3.8), F2 ()"; got != want {
		t.Errorf("%q, not %q", got, want)
	}
}

// What push says to type next names the package so that it is found.
func TestPushReference(t *testing.T) {
	t.Parallel()
	s := &push{PushCmd: &PushCmd{Name: "lemmas"}}
	if got := s.reference(); got != "lemmas" {
		t.Errorf("%q", got)
	}
	s.plugin, s.PackageID = true, "pkg-1"
	if got := s.reference(); got != "pkg-1" {
		t.Errorf("%q", got)
	}
}
