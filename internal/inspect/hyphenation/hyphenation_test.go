package hyphenation

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/inspect/dict"
	"github.com/searchpack/searchpack/internal/inspect/rule"
)

// found is what the reader finds, "2 rule!" ("!" an error, "?" an error mostly), and the meaning.
func found(t interface{ Fatal(...any) }, content string) (findings, meaning []string, lines int64) {
	c := &dict.Config{Findings: &rule.Tally{}}
	c.Entry = func(e dict.Entry) { meaning = append(meaning, string(e.Key)+">"+string(e.Value)) }
	lines, err := Read(strings.NewReader(content), c)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range c.Findings.Findings() {
		_, name, _ := strings.Cut(f.Rule, ".")
		sign := map[searchpack.Severity]string{searchpack.SeverityError: "!", searchpack.SeverityMostly: "?"}[f.Severity]
		findings = append(findings, fmt.Sprintf("%d %s%s", f.Line, name, sign))
	}
	return findings, meaning, lines
}

// doc is a document that is good but for what is put into it.
func doc(inside string) string {
	return "<i><classes>aA bB</classes>" + inside + "<patterns>a1b</patterns></i>"
}

const (
	xml10 = `<?xml version="1.0"?>`
	dtd   = `<!DOCTYPE i SYSTEM "hyphenation.dtd">`
)

func in(encoding string) string { return `<?xml version="1.0" encoding="` + encoding + `"?>` }

func wide(s string, mark string, swapped bool) string {
	b := []byte(mark)
	for _, c := range []byte(s) {
		if swapped {
			b = append(b, c, 0)
		} else {
			b = append(b, 0, c)
		}
	}
	return string(b)
}

// TestXML: what Java's parser takes and what it refuses.
func TestXML(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ content, want string }{
		"good":                           {xml10 + doc(""), ""},
		"no declaration":                 {doc(""), ""},
		"mark":                           {"\ufeff" + xml10 + doc(""), ""},
		"any root":                       {xml10 + "<any>" + doc("") + "</any>", ""},
		"empty":                          {"", "1 not-xml!"},
		"blank":                          {" \n\n", "3 not-xml!"},
		"TeX":                            {"% patterns\n\\patterns{", "1 not-xml!"},
		"blank line first":               {"\n" + xml10 + doc(""), "1 blank-head!"},
		"blank line, no declaration":     {"\n" + doc(""), ""},
		"declaration without version":    {`<?xml encoding="UTF-8"?>` + doc(""), "1 malformed!"},
		"declaration in disorder":        {`<?xml version="1.0" standalone="yes" encoding="UTF-8"?>` + doc(""), "1 malformed!"},
		"whole declaration":              {`<?xml  version = '1.0' encoding='utf-8' standalone="no" ?>` + doc(""), ""},
		"no name of an encoding":         {in("a b") + doc(""), "1 malformed!"},
		"empty name of an encoding":      {in("") + doc(""), "1 malformed!"},
		"version 1.1":                    {`<?xml version="1.1"?>` + doc(""), "1 unread"},
		"version 2.0":                    {`<?xml version="2.0"?>` + doc(""), "1 malformed!"},
		"second declaration":             {xml10 + "\n" + xml10 + doc(""), "2 malformed!"},
		"instruction":                    {`<?xml-stylesheet href="x"?>` + doc("<?x y?>"), ""},
		"not ended":                      {"<i>\n<classes>a", "2 malformed!"},
		"ended in a tag":                 {"<i>\n<classes", "2 malformed!"},
		"wrong end":                      {"<i></j>", "1 malformed!"},
		"end without a start":            {"<i/></i>", "1 malformed!"},
		"two roots":                      {"<i/><i/>", "1 malformed!"},
		"no element":                     {"<!-- x -->", "1 malformed!"},
		"text behind":                    {doc("") + "x", "1 malformed!"},
		"blanks and comments behind":     {doc("") + "\n<!-- x -->\n", ""},
		"empty CDATA outside":            {doc("") + "<![CDATA[]]>", "1 malformed!"},
		"CDATA":                          {doc("<exceptions><![CDATA[a-b]]></exceptions>"), ""},
		"two hyphens in a comment":       {doc("<!-- a -- b -->"), "1 malformed!"},
		"attribute without value":        {doc("<x y/>"), "1 malformed!"},
		"unquoted attribute":             {doc("<x y=z/>"), "1 malformed!"},
		"attribute twice":                {doc(`<x y="1" y="2"/>`), "1 malformed!"},
		"attribute twice by name":        {doc(`<x xmlns:p="u" xmlns:q="u" p:y="1" q:y="2"/>`), "1 malformed!"},
		"same attribute, two spaces":     {doc(`<hyphen-min xmlns:p="u" p:y="1" y="2"/>`), ""},
		"no blank between":               {doc(`<x y="1"z="2"/>`), "1 malformed!"},
		"quotes in quotes":               {doc(`<hyphen-min y="'" z='"a"b'/>`), ""},
		"undeclared prefix":              {doc("<p:x/>"), "1 malformed!"},
		"undeclared prefix, attribute":   {doc(`<x p:y=""/>`), "1 malformed!"},
		"prefix out of scope":            {doc(`<x xmlns:p="u"/><p:x/>`), "1 malformed!"},
		"declared prefix":                {doc(`<p:hyphen-min xmlns:p="u" xml:lang="de"/>`), ""},
		"prefix undeclared":              {doc(`<x xmlns:p=""/>`), "1 malformed!"},
		"prefix xmlns":                   {doc(`<x xmlns:xmlns="u"/>`), "1 malformed!"},
		"two colons":                     {doc(`<a:b:c/>`), "1 malformed!"},
		"colon first":                    {doc(`<:c/>`), ""},
		"colon last":                     {doc(`<c:/>`), "1 malformed!"},
		"unknown entity":                 {doc("<x>&uuml;</x>"), "1 malformed!"},
		"known entity":                   {doc("<exceptions>a-b&#98;&#x61; &lt;</exceptions>"), "1 unclassed"},
		"lone ampersand":                 {doc("<x>a & b</x>"), "1 malformed!"},
		"half of a pair":                 {doc("<x>&#xD800;</x>"), "1 malformed!"},
		"NUL by reference":               {doc("<x y='&#0;'/>"), "1 malformed!"},
		"reference in CDATA":             {doc("<exceptions><![CDATA[a&#0;]]></exceptions>"), "1 unclassed"},
		"NUL":                            {doc("<x>\x00</x>"), "1 character!"},
		"control character in a comment": {doc("\n<!-- \x1b -->"), "2 character!"},
		"U+FFFF":                         {doc("\uffff"), "1 character!"},
		"DTD":                            {xml10 + "\n" + dtd + doc(""), ""},
		"DTD with a path":                {`<!DOCTYPE i SYSTEM "../x/HYPHENATION.dtd">` + doc(""), ""},
		"DTD by public name":             {`<!DOCTYPE i PUBLIC "hyphenation-info" "x.dtd">` + doc(""), ""},
		"other DTD":                      {"\n" + `<!DOCTYPE i SYSTEM "x.dtd">` + doc(""), "2 dtd?"},
		"other DTD does not end it":      {`<!DOCTYPE i SYSTEM "x.dtd">` + doc("") + "x", "1 malformed!; 1 dtd?"},
		"DOCTYPE alone":                  {"<!DOCTYPE i>" + doc(""), ""},
		"DOCTYPE alone and entity":       {"<!DOCTYPE i>" + doc("<x>&y;</x>"), "1 malformed!"},
		"DOCTYPE twice":                  {dtd + dtd + doc(""), "1 malformed!"},
		"DOCTYPE late":                   {doc(dtd), "1 malformed!"},
		"DOCTYPE malformed":              {`<!DOCTYPE i SYSTEM>` + doc(""), "1 malformed!"},
		"other declaration":              {`<!ELEMENT i ANY>` + doc(""), "1 malformed!"},
		"own entity":                     {`<!DOCTYPE i [<!ENTITY y "a-b">]>` + doc("\n<x>&y;</x>"), "2 lost"},
		"own entity, another":            {`<!DOCTYPE i [<!ENTITY y "a-b">]>` + doc("<x>&z;</x>"), "1 malformed!"},
		"own entity, not plain":          {`<!DOCTYPE i [<!ENTITY y "&#97;">]>` + doc("<x>&y;</x>"), "1 unread"},
		"own entity, predefined":         {`<!DOCTYPE i [<!ENTITY lt "&#38;#60;">]>` + doc(""), "1 unread"},
		"own entity, long":               {`<!DOCTYPE i [<!ENTITY y "` + strings.Repeat("a", 300) + `">]>` + doc(""), "1 unread"},
		"own element":                    {`<!DOCTYPE i [<!ELEMENT i ANY>]>` + doc(""), "1 unread"},
		"instruction in DOCTYPE":         {`<!DOCTYPE i [<?p > ?>]>` + doc(""), "1 unread"},
		"open DOCTYPE":                   {`<!DOCTYPE i [>` + doc(""), "1 malformed!"},
		"text behind declarations":       {`<!DOCTYPE i [] y>` + doc(""), "1 malformed!"},
		"DOCTYPE without a name":         {`<!DOCTYPE # SYSTEM "hyphenation.dtd">` + doc(""), "1 malformed!"},
		"soft hyphen in DOCTYPE":         {"<!DOCTYPE n\u00ad>" + doc(""), "1 malformed!"},
		"declaration that is none":       {`<?xml>version="1"?>` + doc(""), "1 malformed!"},
		"no version":                     {`<?xml version=""?>` + doc(""), "1 malformed!"},
		"no-break space at the end":      {doc("") + "\u00a0", "1 malformed!"},
		"own entity not used":            {`<!DOCTYPE i [<!ENTITY y "a-b">]>` + doc(""), ""},
		"DTD and entity":                 {dtd + doc("<x>&y;</x>"), "1 unread"},
		"too deep":                       {strings.Repeat("<a>", 1001) + strings.Repeat("</a>", 1001), "1 unread"},
		"long name":                      {"<" + strings.Repeat("a", 1001) + "/>", "1 unread"},
		"long tag":                       {doc("<x y='" + strings.Repeat("a", maxTag) + "'/>"), "1 unread"},
		"long text":                      {doc("<x>" + strings.Repeat("a", maxToken) + "</x>"), "1 unread"},
		"long word":                      {doc("<x>" + strings.Repeat(strings.Repeat("a", maxToken/2)+"<!-- -->", 3) + "</x>"), "1 unread"},
		"Latin-1":                        {in("ISO-8859-1") + doc("<exceptions>\xe4</exceptions>"), "1 unclassed"},
		"Latin-1 without a head":         {doc("\n<exceptions>\xe4</exceptions>"), "2 encoding!"},
		"Latin-1 as UTF-8":               {in("UTF-8") + doc("\n<exceptions>\xe4</exceptions>"), "2 encoding!"},
		"cut off character":              {doc("") + "\xe4", "1 encoding!"},
		"surrogate in UTF-8":             {doc("\xed\xa0\x80"), "1 encoding!"},
		"ASCII":                          {in("US-ASCII") + doc(""), ""},
		"not ASCII":                      {in("US-ASCII") + doc("ä"), "1 encoding!"},
		"windows-1252":                   {in("windows-1252") + doc("<exceptions>\x84</exceptions>"), "1 unclassed"},
		"Shift_JIS, malformed":           {in("Shift_JIS") + doc("<exceptions>\x81</exceptions>"), "1 unclassed"},
		"unknown encoding":               {in("utf8") + doc(""), "1 unknown-encoding?"},
		"encoding unknown here":          {in("EBCDIC-AT-DE") + doc(""), "1 unread"},
		"UTF-16 in name only":            {in("UTF-16") + doc(""), "1 other-encoding?"},
		"UTF-16":                         {wide(in("UTF-16")+doc(""), "\xfe\xff", false), ""},
		"UTF-16, little endian":          {wide(in("utf-16")+doc(""), "\xff\xfe", true), ""},
		"UTF-16 without a mark":          {wide(in("UTF-16")+doc(""), "", true), ""},
		"UTF-16 without a declaration":   {wide(doc(""), "\xff\xfe", true), ""},
		"UTF-16 called UTF-8":            {wide(in("UTF-8")+doc(""), "\xff\xfe", true), "1 other-encoding?"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			findings, _, _ := found(t, c.content)
			if diff := cmp.Diff(c.want, strings.Join(findings, "; ")); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}

// TestPatterns: what the patterns mean.
func TestPatterns(t *testing.T) {
	t.Parallel()
	const abc = "<classes>aA bB\ncC</classes>"
	for name, c := range map[string]struct{ content, want, meaning string }{
		"patterns":               {"<i>" + abc + "<patterns>.a1b\n2c3</patterns></i>", "", "a>a|A>a|b>b|B>b|c>c|C>c|.ab>.a1b|c>2c3"},
		"nothing":                {"<i/>", "0 no-patterns", ""},
		"no classes":             {"<patterns>a1</patterns>", "0 no-classes", "a>a1"},
		"comment in a word":      {"<patterns>a<!-- x -->1b</patterns>", "0 no-classes", "ab>a1b"},
		"tag in a word":          {"<i>" + abc + "<patterns>a1b b<x/>2a</patterns></i>", "2 lost; 2 lost", "a>a|A>a|b>b|B>b|c>c|C>c|ab>a1b"},
		"behind an element":      {"<i>" + abc + "<patterns>a1b <x/>\nb2a\n</patterns></i>", "3 lost", "a>a|A>a|b>b|B>b|c>c|C>c|ab>a1b"},
		"no-break space":         {"<patterns>a1\u00a0b c1\u2003b1</patterns>", "0 no-classes", "a\u00a0b>a1\u00a0b|c>c1|b>b1"},
		"exceptions":             {"<i>" + abc + "<exceptions>a-b ab<hyphen pre='-'/>ca b<hyphen no='c'/>a</exceptions><patterns>a1</patterns></i>", "", "a>a|A>a|b>b|B>b|c>c|C>c|ab>a-b|abca>ab-ca|bca>b-a|a>a1"},
		"hyphen character":       {"<i>" + abc + "<hyphen-char value='='/><exceptions>a=b</exceptions><patterns>a1</patterns></i>", "", "a>a|A>a|b>b|B>b|c>c|C>c|ab>a-b|a>a1"},
		"long hyphen character":  {"<i>" + abc + "<hyphen-char value='=='/><exceptions>a-b</exceptions><patterns>a1</patterns></i>", "", "a>a|A>a|b>b|B>b|c>c|C>c|ab>a-b|a>a1"},
		"hyphen before":          {"<i>\n<hyphen/></i>", "2 lone-hyphen!", ""},
		"hyphen behind":          {"<i>" + abc + "<exceptions/><hyphen/><patterns>a1</patterns></i>", "", "a>a|A>a|b>b|B>b|c>c|C>c|a>a1"},
		"names in any namespace": {"<p:patterns xmlns:p='u'>a1</p:patterns>", "0 no-classes", "a>a1"},
		"upper case":             {"<i>" + abc + "<patterns>A1b a1d a.1b</patterns></i>", "2 unclassed; 2 unclassed; 2 unclassed", "a>a|A>a|b>b|B>b|c>c|C>c|Ab>A1b|ad>a1d|a.b>a.1b"},
		"twice":                  {"<i>" + abc + "<patterns>a1b a1b a2b ab1</patterns></i>", "2 duplicate; 2 contradiction; 2 contradiction", "a>a|A>a|b>b|B>b|c>c|C>c|ab>a1b|ab>a1b|ab>a2b|ab>ab1"},
		"odd patterns":           {"<i>" + abc + "<patterns>1 .1. ab b12a</patterns></i>", "2 no-letters; 2 no-letters; 2 no-value; 2 digits", "a>a|A>a|b>b|B>b|c>c|C>c|>1|..>.1.|ab>ab|ba>b12a"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			findings, meaning, _ := found(t, c.content)
			if diff := cmp.Diff(c.want, strings.Join(findings, "; ")); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(c.meaning, strings.Join(meaning, "|")); diff != "" {
				t.Errorf("meaning (-want +got):\n%s", diff)
			}
		})
	}
}

func TestLines(t *testing.T) {
	t.Parallel()
	for content, want := range map[string]int64{
		"": 0, "<i/>": 1, "<i/>\n": 1, "<i>\r\n</i>": 2, "x\ry\n\nz": 4, "<a></b>\n\n\n": 3,
	} {
		if _, _, got := found(t, content); got != want {
			t.Errorf("%q has %d lines, want %d", content, got, want)
		}
	}
	findings, _, _ := found(t, "<?xml\nversion='1.0'\r\n?>\n\n<i>\n</j>")
	if len(findings) != 1 || findings[0] != "6 malformed!" {
		t.Errorf("below a declaration of three lines: %q", findings)
	}
}

func TestReaderFails(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	for _, begin := range []string{"", "<i>", in("UTF-8") + "<i>", in("ISO-8859-1") + doc("")} {
		c := &dict.Config{Findings: &rule.Tally{}}
		_, err := Read(io.MultiReader(strings.NewReader(begin), iotest.ErrReader(broken)), c)
		if !errors.Is(err, broken) {
			t.Errorf("%q: %v, want the reader's error", begin, err)
		}
	}
}

type stuckReader struct{}

func (stuckReader) Read([]byte) (int, error) { return 0, nil }

func TestReaderStuck(t *testing.T) {
	t.Parallel()
	if _, err := Read(stuckReader{}, &dict.Config{Findings: &rule.Tally{}}); !errors.Is(err, io.ErrNoProgress) {
		t.Errorf("a reader that gives nothing for ever: %v", err)
	}
}

// TestMemory: a document of any size takes no more than its largest token may.
func TestMemory(t *testing.T) { //nolint:paralleltest // measures memory
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	c := &dict.Config{Findings: &rule.Tally{}}
	if _, err := Read(io.MultiReader(strings.NewReader("<i>"), io.LimitReader(repeat("<hyphen-min x='y'>a b</hyphen-min>"), 32<<20)), c); err != nil {
		t.Fatal(err)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 4<<20 { //nolint:gosec // small numbers
		t.Errorf("%d bytes are still held", grown)
	}
}

type repeat string

func (r repeat) Read(p []byte) (int, error) {
	n := 0
	for n+len(r) <= len(p) {
		n += copy(p[n:], r)
	}
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

// Patterns in order of their letters make a list of Lucene's tree, and each search goes through it:
// that ends, and a note says so.
func TestPatternsThatTakeLong(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString("<hyphenation-info><patterns>\n")
	for r := rune(0x100); r < 0xD000; r++ {
		fmt.Fprintf(&b, "%c1\n", r)
	}
	for range 100_000 { // without a bound a minute
		b.WriteString("\ucfff1\n")
	}
	b.WriteString("</patterns></hyphenation-info>")
	c := &dict.Config{Findings: &rule.Tally{}}
	n, err := Read(strings.NewReader(b.String()), c)
	notes := c.Findings.CountOf(searchpack.SeverityNote)
	if err != nil || n != 0xD000-0x100+100_002 || notes != 1 || c.Findings.Errors() > 0 || c.Rules > 100_000 {
		t.Errorf("%d lines, %d notes, %d patterns, %v", n, notes, c.Rules, err)
	}
}

// Which prefix is bound to what does not depend on how it is looked up.
func TestPrefixes(t *testing.T) {
	t.Parallel()
	var many strings.Builder
	for i := range 3000 {
		fmt.Fprintf(&many, " xmlns:n%d='u'", i)
	}
	for text, good := range map[string]bool{
		"<a xmlns:p='u'><p:b/></a>":                                                         true,
		"<a><b xmlns:p='u'/><p:b/></a>":                                                     false,
		"<a xmlns:p='u'><b xmlns:p='v'/><p:b/></a>":                                         true,
		"<a xmlns:p='u' xmlns:q='v'><b xmlns:q='u' p:x='' q:x=''/></a>":                     false, // one attribute twice
		"<a xmlns:p='u' xmlns:q='v'><b xmlns:q='u'/><b p:x='' q:x=''/></a>":                 true,
		"<a xmlns:p='u'" + many.String() + ">" + strings.Repeat("<p:b/>", 200_000) + "</a>": true,
	} {
		c := &dict.Config{Findings: &rule.Tally{}}
		if _, err := Read(strings.NewReader(text), c); err != nil || (c.Findings.Errors() == 0) != good {
			t.Errorf("%.80s: %+v, %v", text, c.Findings.Findings(), err)
		}
	}
}

func FuzzRead(f *testing.F) {
	for _, seed := range []string{doc(""), in("ISO-8859-1") + dtd + doc("<exceptions>a-b<hyphen/>a</exceptions>"), wide(in("UTF-16")+doc(""), "\xff\xfe", true), "\ufeff<a:b xmlns:a='&#97;'/>"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		findings, meaning, lines := found(t, string(b))
		again, same, _ := found(t, string(b))
		if !cmp.Equal(findings, again) || !cmp.Equal(meaning, same) || lines > int64(len(b)) {
			t.Errorf("another result the second time: %q %q, %d lines", findings, again, lines)
		}
	})
}

func BenchmarkRead(b *testing.B) {
	var text strings.Builder
	for i := range 10_000 {
		for _, c := range strconv.Itoa(i) {
			text.WriteRune('a' + c - '0')
		}
		text.WriteString("1\n")
	}
	content := "<i><classes>a b c d e f g h i j</classes><patterns>" + text.String() + "</patterns></i>"
	b.SetBytes(int64(len(content)))
	b.ReportAllocs()
	for b.Loop() {
		c := &dict.Config{Findings: &rule.Tally{}}
		if _, err := Read(strings.NewReader(content), c); err != nil || c.Findings.Count() > 0 {
			b.Fatal(err, c.Findings.Findings())
		}
	}
}
