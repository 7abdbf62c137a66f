package usage_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/usage"
)

func TestJudge(t *testing.T) {
	t.Parallel()
	pass := usage.Answer{Status: 200}
	const iae = "illegal_argument_exception"
	fails := usage.Answer{Status: 400, Type: iae, Reason: "Failed to build synonyms"}
	tests := []struct {
		name               string
		candidate, control usage.Answer
		want               searchpack.Verdict
		reason             string // part of it
		needsControl       bool
	}{
		{"good", pass, usage.Answer{}, searchpack.VerdictGood, "", false},
		{"bad rule", fails, pass, searchpack.VerdictBad, "Failed to build synonyms", true},
		{"bad rule as 500", usage.Answer{Status: 500, Type: "runtime_exception", Reason: "Line [2]: Invalid mapping rule : [quick]"}, pass, searchpack.VerdictBad, "Line [2]", true},
		{"access denied", usage.Answer{Status: 500, Type: "access_control_exception", Reason: `access denied ("java.io.FilePermission"`}, pass, searchpack.VerdictBad, "access denied", true},
		{"denied open, both", usage.Answer{Status: 500, Type: "security_exception", Reason: "Denied OPEN (read) access to file: x"},
			usage.Answer{Status: 500, Type: "security_exception", Reason: "Denied OPEN (read) access to file: y"}, searchpack.VerdictNone, "control probe fails too: Denied OPEN", true},
		{"both fail", fails, fails, searchpack.VerdictNone, "control", true},
		{"user may not analyze", usage.Answer{Status: 403, Type: "security_exception", Reason: "no"}, usage.Answer{Status: 403, Type: "security_exception", Reason: "no"}, searchpack.VerdictNone, "no", true},
		{"plugin absent", usage.Answer{Status: 400, Type: iae, Reason: "failed to find global filter under [x]"}, pass, searchpack.VerdictNone, "plugin is missing", false},
		{"plugin absent, tokenizer", usage.Answer{Status: 400, Type: iae, Reason: "failed to find global tokenizer under [x]"}, pass, searchpack.VerdictNone, "tokenizer", false},
		{"queue full", usage.Answer{Status: 429, Type: "rejected_execution_exception", Reason: "rejected"}, pass, searchpack.VerdictRetry, "rejected", false},
		{"breaker as 500", usage.Answer{Status: 500, Type: "circuit_breaking_exception", Reason: "Data too large"}, pass, searchpack.VerdictRetry, "too large", false},
		{"not started yet", usage.Answer{Status: 503, Type: "cluster_block_exception", Reason: "state not recovered"}, pass, searchpack.VerdictRetry, "recovered", false},
		{"time-out", usage.Answer{Err: "did not answer in time"}, pass, searchpack.VerdictRetry, "in time", false},
		{"time-out with a status", usage.Answer{Status: 200, Err: "cut off"}, pass, searchpack.VerdictRetry, "cut off", false},
		{"no answer", usage.Answer{}, pass, searchpack.VerdictRetry, "no answer", false},
		{"control is busy", fails, usage.Answer{Status: 429, Reason: "busy"}, searchpack.VerdictRetry, "busy", true},
		{"control gets no answer", fails, usage.Answer{Err: "refused"}, searchpack.VerdictRetry, "refused", true},
		{"200 that is none", usage.Answer{Status: 200, Reason: "a proxy's page"}, usage.Answer{Status: 200, Reason: "a proxy's page"}, searchpack.VerdictNone, "proxy", true},
		{"built, then too many tokens", usage.Answer{Status: 500, Type: "illegal_state_exception",
			Reason: "The number of tokens produced by calling _analyze has exceeded the allowed maximum of [10000]."}, usage.Answer{}, searchpack.VerdictGood, "", false},
		{"long reason", usage.Answer{Status: 400, Type: iae, Reason: strings.Repeat("ä\n", 900)}, pass, searchpack.VerdictBad, "ä ä", true},
	}
	for _, tt := range tests {
		got, reason := usage.Judge(tt.candidate, tt.control)
		if got != tt.want || !strings.Contains(reason, tt.reason) || (tt.reason == "") != (reason == "") {
			t.Errorf("%s: %q, %q", tt.name, got, reason)
		}
		if n := utf8.RuneCountInString(reason); n > 500 || strings.Contains(reason, "\n") || !utf8.ValidString(reason) {
			t.Errorf("%s: reason of %d characters: %q", tt.name, n, reason)
		}
		if got := tt.candidate.NeedsControl(); got != tt.needsControl {
			t.Errorf("%s: needs control %v", tt.name, got)
		}
	}
}
