package cli

import (
	"fmt"
	"io"
	"strings"
)

// progress tells how far a command is. A pipe gets a line for each news; on a terminal what is waited
// for stands in one line that changes. With --output json nothing is said.
type progress struct {
	c     *Context
	last  string // what was said last
	shown int    // cells of the line that changes
}

// step says something that stays.
func (p *progress) step(format string, args ...any) {
	p.clear()
	p.last = OneLine(fmt.Sprintf(format, args...))
	p.write(p.last + "\n")
}

// waits says what is waited for; the same again says nothing.
func (p *progress) waits(format string, args ...any) {
	text := OneLine(fmt.Sprintf(format, args...))
	if text == p.last {
		return
	}
	p.last = text
	if !p.c.Terminal.Is {
		p.write(text + "\n")
		return
	}
	p.clear()
	for columns := p.c.Terminal.Columns; columns > 0 && cells(text) >= columns; { // a line that wraps cannot be taken back
		r := []rune(text)
		text = string(r[:len(r)-1])
	}
	p.shown = cells(text)
	p.write(text)
}

// clear takes back the line that changes. Blanks do on every terminal.
func (p *progress) clear() {
	if p.shown > 0 {
		p.write("\r" + strings.Repeat(" ", p.shown) + "\r")
	}
	p.shown = 0
}

func (p *progress) write(text string) {
	if p.c.Globals.Output != "json" {
		_, _ = io.WriteString(p.c.Out, text) // a reader that went away learns no more
	}
}
