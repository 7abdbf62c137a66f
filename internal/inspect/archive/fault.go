package archive

import (
	"errors"
	"fmt"

	"github.com/searchpack/searchpack/internal/inspect/rule"
)

// Fault is what is wrong with an archive, as an error: the bytes are bad, not their reader.
type Fault struct {
	rule *rule.Rule
	path string // of the entry; "" = the archive
	args []any  // of the rule's message
}

// Error implements error.
func (f *Fault) Error() string {
	message := f.rule.At(rule.Place{}, f.args...).Message
	if f.path == "" {
		return message
	}
	return fmt.Sprintf("%s: %s", rule.Shown([]byte(f.path)), message)
}

// Charge reports a *Fault among the findings and returns nil; any other error, which is a reader's,
// it returns.
func Charge(err error, out *rule.Tally) error { return ChargeIn("", err, out) }

// ChargeIn is Charge for what was read from an archive in the archive: a jar.
func ChargeIn(path string, err error, out *rule.Tally) error {
	var f *Fault
	if !errors.As(err, &f) {
		return err
	}
	place := f.path
	if path != "" && place != "" {
		place = path + "!/" + place
	} else if path != "" {
		place = path
	}
	f.rule.Report(out, rule.Place{Path: place}, f.args...)
	return nil
}

// flaw is a rule of this package.
type flaw struct{ *rule.Rule }

func (f flaw) fault(path string, args ...any) *Fault { return &Fault{f.Rule, path, args} }

func (f flaw) report(out *rule.Tally, path string, args ...any) {
	f.Report(out, rule.Place{Path: path}, args...)
}
