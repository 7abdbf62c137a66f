package hunspell

import (
	"io"
	"strconv"
	"strings"
	"unicode"

	"github.com/searchpack/searchpack/internal/inspect/dict"
)

// maxEntry is how many bytes of UTF-8 an entry may have: OfflineSorter writes its length in 15 bits.
const maxEntry = 1<<15 - 1

// Words reads a .dic file with what its .aff file says, and returns how many lines it has. The error
// is r's own. path names the file in findings.
func Words(r io.Reader, path string, a *Affixes, c *dict.Config) (int64, error) {
	if a.unread {
		return 0, nil
	}
	w := &wordReader{
		source: source{path: path, c: c, cs: a.charset}, a: a,
		text: newText(r, a.charset), words: newWords(), aliased: map[int]error{},
	}
	first, ok, err := w.text.next()
	if err != nil {
		return 0, err
	}
	if ok {
		w.countLine(first)
	}
	for {
		line, ok, err := w.text.next()
		if err != nil || !ok {
			w.end()
			return w.text.number, err
		}
		if line == "" || line[0] == '#' || line[0] == '\t' {
			continue
		}
		c.Rules++
		if w.decoded(w.text.number, line, &w.replaced) {
			w.word(line)
		}
	}
}

// tolerated is by how many words the first line may be wrong, whatever it says.
const tolerated = 10

// wordReader is Dictionary.mergeDictionaries, then readSortedDictionaries.
type wordReader struct {
	source
	a        *Affixes
	text     *text
	replaced int64
	count    int // as the first line has it; 0 = it has none
	read     int // words
	words    words
	told     flagSet       // flags without a meaning that were reported
	aliased  map[int]error // the aliases whose flags were looked at, and what is wrong with them
}

// countLine looks at the first line, which Lucene passes over whatever it is.
func (w *wordReader) countLine(line string) {
	parts := strings.Fields(strings.TrimPrefix(line, "\uFEFF"))
	if len(parts) > 0 {
		if n, ok := parseInt(parts[0]); ok && n >= 0 {
			w.count = n
			return
		}
	}
	w.report(noCount, 1, line)
}

func (w *wordReader) end() {
	few, many := min(w.count, w.read), max(w.count, w.read)
	if w.count > 0 && many > 2*few && many > few+tolerated {
		w.report(wrongCount, 1, "", w.count, w.read)
	}
}

// entry is a line of a .dic file taken apart.
type entry struct {
	word     string
	flags    string
	hasFlags bool
	morph    string
	size     int  // bytes of what Lucene sorts
	torn     bool // Lucene fails to take it apart
}

// Separators that Dictionary.unescapeEntry writes; in the file they are passed over, unless escaped.
const (
	morphSeparator = '\x1e'
	flagSeparator  = '\x1f'
	separators     = "\x1e\x1f"
)

// parseEntry is Dictionary.unescapeEntry and what readSortedDictionaries makes of it: flags stand
// behind the first slash that is neither escaped nor the first character.
func parseEntry(line string) entry {
	end := morphBoundary(line)
	var b strings.Builder
	for i := 0; i < end; i++ {
		switch ch := line[i]; {
		case ch == '\\' && i+1 < len(line):
			i++
			b.WriteByte(line[i])
		case ch == '/' && i > 0:
			b.WriteByte(flagSeparator)
		case strings.IndexByte(separators, ch) < 0:
			b.WriteByte(ch)
		}
	}
	b.WriteByte(morphSeparator)
	text := b.String() + strings.Map(func(r rune) rune {
		if r == morphSeparator || r == flagSeparator {
			return -1
		}
		return r
	}, line[end:])
	e := entry{size: len(text)}
	flags, morph := strings.IndexByte(text, flagSeparator), strings.IndexByte(text, morphSeparator)
	switch e.morph = text[morph+1:]; {
	case flags < 0:
		e.word = text[:morph]
	case flags > morph:
		e.torn = true
	default:
		e.hasFlags, e.word = true, text[:flags]
		e.flags = strings.ReplaceAll(strings.TrimFunc(text[flags+1:morph], javaSpace), string(flagSeparator), "/")
	}
	return e
}

// javaSpace is Character.isWhitespace for what matters here (String.strip).
func javaSpace(r rune) bool {
	return unicode.IsSpace(r) && r != '\u00a0' && r != '\u2007' && r != '\u202f' && r != '\u0085' || r >= 0x1c && r <= 0x1f
}

// morphBoundary is where morphological data begins: at a tab, or at a space before "xx:".
func morphBoundary(line string) int {
	for end := 0; ; end++ {
		i := strings.IndexAny(line[end:], " \t")
		if i < 0 {
			return len(line)
		}
		if end += i; line[end] == '\t' || end > 0 && isField(line[end+1:]) {
			return end
		}
	}
}

// isField reports whether text begins with two letters and a colon.
func isField(text string) bool {
	n := 0
	for _, r := range text {
		switch {
		case n < 2 && !unicode.IsLetter(r):
			return false
		case n == 2:
			return r == ':'
		}
		n++
	}
	return false
}

func (w *wordReader) word(line string) {
	e := parseEntry(line)
	if w.text.long || e.size > maxEntry {
		w.report(longEntry, w.text.number, line, maxEntry)
		return
	}
	if e.torn {
		w.report(disordered, w.text.number, line, escaped)
		return
	}
	w.read++
	if e.word == "" {
		return
	}
	if e.word != strings.TrimRight(e.word, " ") && !e.hasFlags {
		w.report(spaceBehind, w.text.number, line)
	}
	w.morph(e, line)
	flags, fault := w.flagsOf(e)
	if fault != "" {
		w.report(badAlias, w.text.number, line, fault)
		return
	}
	if err := w.look(flags, line); err != nil {
		w.report(badFlag, w.text.number, line, flags.text, err)
	}
	if !w.words.add(e.word, flags.name()+"\x00"+e.morph) {
		w.report(wordTwice, w.text.number, line)
	}
	if fault := w.words.order(w.a, e); fault != "" {
		w.report(disordered, w.text.number, line, fault)
	}
	if w.c.Entry != nil {
		w.entry(e.word, strings.Join(strings.Fields(flags.text+" "+e.morph), " "), w.text.number)
	}
}

// entryFlags are the flags of an entry.
type entryFlags struct {
	text  string
	alias int // the number that stands for them; 0 = none does
}

// name stands for the flags, alone or with others of the same file.
func (f entryFlags) name() string {
	if f.alias > 0 {
		return strconv.Itoa(f.alias)
	}
	return f.text
}

// flagsOf resolves an alias. fault says why that cannot be done.
func (w *wordReader) flagsOf(e entry) (flags entryFlags, fault string) {
	if len(w.a.flags.values) == 0 || e.flags == "" {
		return entryFlags{text: e.flags}, ""
	}
	n, fault := w.a.flags.lookUp(e.flags)
	if fault != "" {
		return entryFlags{}, fault
	}
	return entryFlags{w.a.flags.values[n-1], n}, ""
}

// morph looks up a number that stands for morphological data where AM lists such data.
func (w *wordReader) morph(e entry, line string) {
	if len(w.a.morphs.values) == 0 || e.morph == "" {
		return
	}
	if n, ok := parseInt(trim(e.morph)); ok && (n < 1 || n > len(w.a.morphs.values)) {
		w.report(badAlias, w.text.number, line, "it names an alias that AM does not have")
	}
}

// look looks at flags, at those of an alias once: it may be a megabyte long, and each of a million words
// name it. The error is what Lucene fails at.
func (w *wordReader) look(f entryFlags, line string) error {
	if f.alias == 0 {
		return w.flags(f.text, line)
	}
	err, known := w.aliased[f.alias]
	if !known {
		err = w.flags(f.text, line)
		w.aliased[f.alias] = err
	}
	return err
}

func (w *wordReader) flags(text, line string) error {
	flags, err := w.a.kind.parse(text)
	if err != nil {
		return err
	}
	for _, f := range flags {
		if !w.a.defined.has(f) && !w.told.has(f) {
			w.told.add(f)
			w.report(undefinedFlag, w.text.number, line, w.a.kind.show(f))
		}
	}
	return nil
}
