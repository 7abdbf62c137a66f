package importer

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/inspect"
)

// retryWait is how long to wait after each failure that may pass. After one more failure, or after
// one that comes later than retryFor after the request, the import has failed.
var retryWait = []time.Duration{time.Second, 4 * time.Second, 15 * time.Second, 40 * time.Second}

const retryFor = 2 * time.Minute

// phaseError says with which status the import ends if err does not pass.
type phaseError struct {
	status searchpack.PackageStatus
	err    error
}

// Error returns the cause's text.
func (e *phaseError) Error() string { return e.err.Error() }

// Unwrap returns the cause.
func (e *phaseError) Unwrap() error { return e.err }

// failed decides whether the import is tried again (then the second value says when) or has ended.
func (i *Importer) failed(j *job, w *searchpack.Work, phase *phaseError) (outcome, *searchpack.WorkResult) {
	err := phase.err
	wait, again := i.again(j, w)
	if phase.mayPass() && again {
		i.log.Warn("import will be tried again", "package", j.pkg.ID, "version", j.version.ID,
			"attempt", w.Attempt, "again_in", wait, "error", err)
		return outcome{}, &searchpack.WorkResult{At: i.time().Add(wait), Error: err.Error()}
	}
	i.log.Error("import failed", "package", j.pkg.ID, "version", j.version.ID, "attempt", w.Attempt, "error", err)
	what := "Copying"
	if phase.status == searchpack.PackageValidationFailed {
		what = "Validating"
	}
	message := fmt.Sprintf("%s s3://%s/%s failed: %s", what, j.version.Source.Bucket, j.version.Source.Key,
		strings.TrimSuffix(searchpack.ErrorMessage(err), "."))
	if phase.mayPass() {
		message += fmt.Sprintf(". It was tried %d times; call UpdatePackage to try again", w.Attempt)
	}
	return refused(phase.status, message+"."), nil
}

// again returns how long to wait for another attempt, false if there is to be none.
func (i *Importer) again(j *job, w *searchpack.Work) (time.Duration, bool) {
	if w.Attempt > len(retryWait) {
		return 0, false
	}
	// The second try is due in any case: the first may have waited for a server that was down.
	if w.Attempt > 1 && i.now().Sub(j.version.CreatedAt) > retryFor {
		return 0, false
	}
	return retryWait[max(w.Attempt, 1)-1], true
}

// mayPass reports whether the same import might succeed later without anybody changing the request.
func (e *phaseError) mayPass() bool {
	if e.status == searchpack.PackageValidationFailed {
		return true // the inspection itself failed, which says nothing certain about the object
	}
	code := searchpack.ErrorCode(e.err)
	return code == searchpack.ErrUnavailable || code == searchpack.ErrInternal
}

// tooLarge is the error for an object over the limit; size is -1 if it was not announced.
func tooLarge(size int64, most limit) error {
	has := "is"
	if size >= 0 {
		has = "has " + bytesText(size) + ","
	}
	return searchpack.Errorf(searchpack.ErrTooLarge,
		"it %s larger than the limit of %s for %s; make it smaller, or have the limit of the server raised (%s)",
		has, bytesText(most.bytes), most.of, most.flag)
}

// bytesText writes a size for people, exactly.
func bytesText(n int64) string {
	units := []string{"KiB", "MiB", "GiB", "TiB"}
	value, unit := float64(n), ""
	for _, u := range units {
		if value < 1024 {
			break
		}
		value, unit = value/1024, u
	}
	if unit == "" {
		return fmt.Sprintf("%d bytes", n)
	}
	return fmt.Sprintf("%s %s (%d bytes)", strings.TrimSuffix(fmt.Sprintf("%.1f", value), ".0"), unit, n)
}

const (
	// maxExplained is how many findings ErrorDetails quotes; all of them are kept beside it.
	maxExplained = 3
	// maxQuoted is how many characters of each line it quotes.
	maxQuoted = 80
)

// explain makes the message of a file that was refused, from the first errors.
func explain(res inspect.Result) string {
	var parts []string
	remedy := ""
	for _, f := range res.Findings {
		if f.Severity != searchpack.SeverityError || len(parts) == maxExplained {
			continue
		}
		if len(parts) == 0 {
			remedy = f.Remedy
		}
		parts = append(parts, sentence(f))
	}
	message := strings.Join(parts, ". ") + "."
	if more := res.ErrorCount - len(parts); more == 1 {
		message += " And 1 more error."
	} else if more > 1 {
		message += fmt.Sprintf(" And %d more errors.", more)
	}
	if remedy != "" {
		message += " To mend the first: " + remedy + "."
	}
	return message
}

// sentence says what a finding is. Of a file in a zip the message comes first: it may begin with
// words that clients look for.
func sentence(f searchpack.Finding) string {
	switch {
	case f.Path == "":
		return place(f) + f.Message + quote(f)
	case f.Line > 0:
		return fmt.Sprintf("%s (%s, line %d)", f.Message, f.Path, f.Line)
	case strings.Contains(f.Message, f.Path):
		return f.Message
	}
	return fmt.Sprintf("%s (%s)", f.Message, f.Path)
}

func place(f searchpack.Finding) string {
	switch {
	case f.Line == 0:
		return ""
	case f.Column == 0:
		return fmt.Sprintf("Line %d: ", f.Line)
	}
	return fmt.Sprintf("Line %d, column %d: ", f.Line, f.Column)
}

// quote is the text that a finding is about, unless its message quotes it already.
func quote(f searchpack.Finding) string {
	text := f.Text
	if strings.TrimSpace(text) == "" || strings.Contains(f.Message, strconv.Quote(text)) {
		return ""
	}
	runes := []rune(text)
	if len(runes) > maxQuoted {
		return fmt.Sprintf(" (%s…)", string(runes[:maxQuoted]))
	}
	return fmt.Sprintf(" (%s)", text)
}
