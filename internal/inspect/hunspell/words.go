package hunspell

import (
	"hash/fnv"
	"io"
	"strconv"
	"strings"
	"unicode"

	"github.com/searchpack/searchpack/internal/inspect/dict"
)

// maxEntry is how many bytes of UTF-8 an entry may have: OfflineSorter writes its length in 15 bits.
const maxEntry = 1<<15 - 1

// maxRemembered bounds the words of which repetitions are found: eight bytes and some each.
const maxRemembered = 4 << 20

// Words reads a .dic file with what its .aff file says, and returns how many lines it has. The error
// is r's own. path names the file in findings.
func Words(r io.Reader, path string, a *Affixes, c *dict.Config) (int64, error) {
	if a.unread {
		return 0, nil
	}
	w := &wordReader{
		source: source{path: path, c: c, cs: a.charset}, a: a,
		text: newText(r, a.charset), words: map[uint64]struct{}{}, aliased: map[int]error{},
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
	words    map[uint64]struct{}
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
	size     int // bytes of what Lucene sorts
}

// Separators that Dictionary.unescapeEntry writes; in the file they are passed over.
const separators = "\x1e\x1f"

// parseEntry is Dictionary.unescapeEntry: flags stand behind the first slash that is neither escaped
// nor the first character.
func parseEntry(line string) entry {
	end := morphBoundary(line)
	var e entry
	var word, flags strings.Builder
	to := &word
	for i := 0; i < end; i++ {
		switch ch := line[i]; {
		case ch == '\\' && i+1 < len(line):
			i++
			to.WriteByte(line[i])
		case ch == '/' && i > 0 && !e.hasFlags:
			e.hasFlags, to = true, &flags
		case strings.IndexByte(separators, ch) < 0:
			to.WriteByte(ch)
		}
	}
	e.size = word.Len() + flags.Len() + 1 + len(line) - end
	if e.hasFlags {
		e.size++
	}
	e.word, e.flags = word.String(), strings.TrimFunc(flags.String(), javaSpace)
	e.morph = strings.Trim(line[end:], separators)
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
	w.twice(e, flags, line)
	if w.c.Entry != nil {
		w.entry(e.word, strings.Join(strings.Fields(flags.text+" "+e.morph), " "), w.text.number)
	}
}

// entryFlags are the flags of an entry.
type entryFlags struct {
	text  string
	alias int // the number that stands for them; 0 = none does
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

// twice finds a word that was there before with the same flags and data. Equal words with other ones
// are homonyms.
func (w *wordReader) twice(e entry, flags entryFlags, line string) {
	h, named := fnv.New64a(), flags.text
	if flags.alias > 0 {
		named = strconv.Itoa(flags.alias)
	}
	for _, part := range []string{e.word, "\x00", named, "\x00", e.morph} {
		_, _ = io.WriteString(h, part) // a hash takes everything
	}
	key := h.Sum64()
	if _, ok := w.words[key]; ok {
		w.report(wordTwice, w.text.number, line)
	} else if len(w.words) < maxRemembered {
		w.words[key] = struct{}{}
	}
}
