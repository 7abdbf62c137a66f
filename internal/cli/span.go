package cli

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Span is a time on the command line. Go's own notation has no days: 90d, 36h, 1h30m, 0.
type Span time.Duration

// UnmarshalText reads a time.
func (d *Span) UnmarshalText(text []byte) error {
	days, inDays := strings.CutSuffix(string(text), "d")
	if inDays {
		n, err := strconv.ParseUint(days, 10, 16)
		if err == nil {
			*d = Span(time.Duration(n) * 24 * time.Hour)
			return nil
		}
	}
	got, err := time.ParseDuration(string(text))
	if err != nil || got < 0 {
		return fmt.Errorf("%q is no time: write 90d, 36h or 0", text)
	}
	*d = Span(got)
	return nil
}
