package needs

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The metadata was recorded from a real node of 3.8.0 with the very request of MetadataPath and
// MetadataQuery. Keys of index settings are left out of what is compared: there are many.
func TestRecordedMetadata(t *testing.T) {
	t.Parallel()
	f, err := os.Open(filepath.Join("testdata", "opensearch-3.8.0.metadata.json"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	names, err := Read(f)
	if err != nil {
		t.Fatal(err)
	}
	var got, settings []string
	for name, u := range names.all {
		line := string(name.Kind) + " " + name.Text + ": " + strings.Join(u.named, ", ")
		if name.Kind == IndexSetting {
			settings = append(settings, line)
		} else {
			got = append(got, line)
		}
	}
	slices.Sort(got)
	want := []string{
		"analyzer custom: index tagged, component template base",
		"analyzer english: component template base",
		"analyzer standard: index books (closed)",
		"codec best_compression: legacy template old",
		"field type date: legacy template old",
		"field type keyword: component template base",
		"field type text: index tagged, index books (closed), component template base",
		"ingest processor drop: ingest pipeline mails",
		"ingest processor foreach: ingest pipeline mails",
		"ingest processor set: ingest pipeline mails",
		"ingest processor uppercase: ingest pipeline mails",
		"metadata field _source: legacy template old",
		"normalizer lowercase: component template base",
		"script language painless: stored script calc",
		"search pipeline processor truncate_hits: search pipeline short",
		"similarity boolean: component template base",
		"token filter tag: index tagged",
		"tokenizer standard: component template base",
		"tokenizer whitespace: index tagged",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
	if !slices.Contains(settings, "index setting index.verified_before_close: index books (closed)") {
		t.Errorf("settings: %q", settings)
	}
}
