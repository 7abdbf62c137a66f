package cli

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/width"
)

// page is what a command shows to a person: lines and tables, one after the other.
type page struct {
	terminal Terminal
	text     strings.Builder
}

// line writes one line.
func (p *page) line(format string, args ...any) {
	p.text.WriteString(OneLine(fmt.Sprintf(format, args...)) + "\n")
}

// table is rows under a head. The last column holds long texts: on a terminal they stand below
// their row, so that the columns stay columns; in a pipe a row is one line. A table whose last head
// is "" has no long texts.
type table struct {
	head []string
	rows [][]string
}

func newTable(head ...string) *table { return &table{head: head} }

// row adds a row. Missing cells at the end are empty.
func (t *table) row(cells ...any) {
	row := make([]string, len(t.head))
	for i, cell := range cells {
		row[i] = OneLine(fmt.Sprint(cell))
	}
	t.rows = append(t.rows, row)
}

// gap stands between columns; below indents long texts.
const (
	gap   = "  "
	below = "    "
)

// table writes t.
func (p *page) table(t *table) {
	columns := len(t.head)
	long := t.head[columns-1] != ""
	if p.terminal.Is || !long {
		columns--
	}
	widths := make([]int, columns)
	for _, row := range append([][]string{t.head}, t.rows...) {
		for i := range columns {
			widths[i] = max(widths[i], cells(row[i]), 1)
		}
	}
	p.row(t.head[:columns], widths, false)
	for _, row := range t.rows {
		p.row(row[:columns], widths, true)
		if p.terminal.Is && long {
			p.below(row[columns])
		}
	}
}

func (p *page) row(row []string, widths []int, body bool) {
	for i, cell := range row {
		if cell == "" {
			cell = "-"
		}
		pad := widths[i] - cells(cell)
		if body {
			cell = p.coloured(cell)
		}
		p.text.WriteString(cell)
		if i < len(row)-1 {
			p.text.WriteString(strings.Repeat(" ", pad) + gap)
		}
	}
	p.text.WriteString("\n")
}

// below writes a long text, broken between words where the terminal ends.
func (p *page) below(text string) {
	if text == "" {
		return
	}
	room := p.terminal.Columns - len(below)
	line, used := "", 0
	for word := range strings.FieldsSeq(text) {
		if used > 0 && room > 20 && used+1+cells(word) > room {
			p.text.WriteString(below + line + "\n")
			line, used = "", 0
		}
		if used > 0 {
			line, used = line+" ", used+1
		}
		line, used = line+word, used+cells(word)
	}
	p.text.WriteString(below + line + "\n")
}

// What a state's colour says: fine, under way, needs somebody.
var (
	green  = []string{"ACTIVE", "AVAILABLE", "ready", "proves", "done", "healed", "active", "must prove"}
	yellow = []string{"ASSOCIATING", "DISSOCIATING", "COPYING", "VALIDATING", "processing", "owes", "unseen", "queued", "running", "parked", "warning", "error-with-most-analyzers", "away", "owed", "inactive"}
	red    = []string{"ASSOCIATION_FAILED", "DISSOCIATION_FAILED", "COPY_FAILED", "VALIDATION_FAILED", "blocks", "failed", "aborted", "error", "expired"}
)

func (p *page) coloured(cell string) string {
	if !p.terminal.Colours {
		return cell
	}
	for code, states := range map[string][]string{"32": green, "33": yellow, "31": red} {
		if slices.Contains(states, cell) {
			return "\x1b[" + code + "m" + cell + "\x1b[0m"
		}
	}
	return cell
}

// OneLine makes a text that came from elsewhere safe to print: control characters, line breaks and
// characters that change the direction of writing become blanks, what is not UTF-8 U+FFFD.
func OneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if unprintable(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, string(utf8.RuneError)))
}

// unprintable reports whether a terminal may do something else with r than show it.
func unprintable(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == '\u2028' || r == '\u2029'
}

// cells is how many columns of a terminal the text takes.
func cells(s string) int {
	n := 0
	for _, r := range s {
		switch {
		case unicode.Is(unicode.Mn, r):
		case width.LookupRune(r).Kind() == width.EastAsianWide, width.LookupRune(r).Kind() == width.EastAsianFullwidth:
			n += 2
		default:
			n++
		}
	}
	return n
}
