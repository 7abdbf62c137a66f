package cli

import (
	"strings"
	"testing"
	"time"

	"github.com/searchpack/searchpack"
)

// An import that failed has no number: what is shown says which one it is, and what came of it.
func TestFindingsOfAFailedImport(t *testing.T) {
	t.Parallel()
	const version = `"version":{"version":"","status":"VALIDATION_FAILED","kind":"words","created_at":"2026-03-04T08:01:07Z"}`
	for name, tt := range map[string]struct{ answer, want string }{
		"errors":        {`{` + version + `,"count":1,"findings":[{"rule":"words.odd","severity":"error","line":1,"message":"odd"}]}`, "version: none, VALIDATION_FAILED: the newest import, 5m ago\nkind: words\nLINE "},
		"nothing found": {`{` + version + `,"count":0,"findings":[]}`, "version: none, VALIDATION_FAILED: the newest import, 5m ago\nnothing found\nkind: words\n"},
		"of a version":  {`{"version":{"version":"v3","status":"AVAILABLE"},"count":0,"findings":[]}`, "version: v3, AVAILABLE\nnothing found\n"},
	} {
		srv, _ := script{describes: {thePackage}, "GET /packages/F7/findings": {tt.answer}}.serving(t)
		out, err := srv.run(t, &FindingsCmd{Package: "words"}, "table", Terminal{})
		if err != nil || !strings.HasPrefix(out, tt.want) {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
}

func TestSeverities(t *testing.T) {
	t.Parallel()
	of := func(all ...searchpack.Severity) *findingsLine {
		f := &findingsLine{Count: len(all)}
		for _, s := range all {
			f.Findings = append(f.Findings, searchpack.Finding{Severity: s})
		}
		return f
	}
	f := of(searchpack.SeverityNote, searchpack.SeverityWarning, searchpack.SeverityMostly, searchpack.SeverityError, searchpack.SeverityWarning)
	if got, want := f.severities(), "1 error, 1 error-with-most-analyzers, 2 warning, 1 note"; got != want {
		t.Errorf("%q, not %q", got, want)
	}
	f.Count = 10
	if got := f.severities(); !strings.HasSuffix(got, ", 5 that were not kept") {
		t.Errorf("%q", got)
	}
	if g := f.grave(); g.Count != 9 || len(g.Findings) != 4 || len(f.Findings) != 5 {
		t.Errorf("%d of %d", len(g.Findings), g.Count)
	}
	v := versionLine{Status: "COPYING", CreatedAt: now.Add(-time.Hour)}
	if got := v.says(&Context{Now: func() time.Time { return now }}); got != "none, COPYING: the newest import, 1h ago" {
		t.Errorf("%q", got)
	}
}
