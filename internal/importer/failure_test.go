package importer

import (
	"testing"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/inspect"
)

// The message shows the text of a finding once: behind it, unless it stands in it.
func TestExplainQuotesOnce(t *testing.T) {
	t.Parallel()
	explained := func(text, message string) string {
		return explain(inspect.Result{ErrorCount: 1, Findings: []searchpack.Finding{
			{Severity: searchpack.SeverityError, Text: text, Message: message, Remedy: "mend it"},
		}})
	}
	for got, want := range map[string]string{
		explained("nonsense", `the kind is "nonsense", which is none`): `the kind is "nonsense", which is none. To mend the first: mend it.`,
		explained("a => ", "a term of blanks only"):                    "a term of blanks only (a => ). To mend the first: mend it.",
		explained("a", "a term of blanks only"):                        "a term of blanks only (a). To mend the first: mend it.",
		explained(" ", "blanks only"):                                  "blanks only. To mend the first: mend it.",
	} {
		if got != want {
			t.Errorf("%s\nwant %s", got, want)
		}
	}
}
