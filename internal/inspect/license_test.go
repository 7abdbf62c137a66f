package inspect

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/searchpack/searchpack/internal/inspect/xmlbound"
)

func TestLicense(t *testing.T) {
	t.Parallel()
	deep := func(n int, open, end string) string { return strings.Repeat(open, n) + strings.Repeat(end, n) }
	for _, c := range []struct {
		format, text string
		words        string // "" = good
	}{
		{"json", `{"license": {"key": "abc", "until": [2026, 1.5e400]}}`, ""},
		{"json", ` "text" `, ""},
		{"json", `{}` + "\n", ""},
		{"json", deep(xmlbound.MaxDepth, "[", "]"), ""},
		{"json", "", "empty"},
		{"json", "  \n", "empty"},
		{"json", `{"a": 1`, "too early"},
		{"json", `{"a": }`, "after byte"},
		{"json", `{"a" 1}`, "after byte"},
		{"json", `[1,]`, "after byte"},
		{"json", `{} {}`, "more than one document"},
		{"json", `1 2`, "more than one document"},
		{"json", `{}]`, "after byte"},
		{"json", "\uFEFF{}", "after byte"},
		{"json", deep(xmlbound.MaxDepth+1, "[", "]"), "nested more than 1000 deep"},
		{"xml", `<?xml version="1.0" encoding="UTF-8"?><!DOCTYPE l><l a="b"><!-- c --><k>ü&amp;</k></l>` + "\n", ""},
		{"xml", "\uFEFF<l/>", ""},
		{"xml", deep(xmlbound.MaxDepth, "<a>", "</a>"), ""},
		{"xml", "", "no element"},
		{"xml", "<!-- only -->", "no element"},
		{"xml", "text", "text outside"},
		{"xml", "<l>", "after byte"},
		{"xml", "<l></k>", "after byte"},
		{"xml", "<l>&nope;</l>", "after byte"},
		{"xml", "<l" + strings.Repeat(` a=""`, xmlbound.MaxEquals) + "/>", ""},
		{"xml", "<l" + strings.Repeat(` a=""`, xmlbound.MaxEquals+1) + "/>", "equals signs"}, // twenty times as much memory
		{"xml", "<l>" + strings.Repeat(`<k a="=">=</k>`, xmlbound.MaxEquals) + "</l>", ""},   // of each token anew
		{"xml", "<l/><l/>", "more than one document"},
		{"xml", "<l/> tail", "text outside"},
		{"xml", `<?xml version="1.0" encoding="ISO-8859-1"?><l/>`, "after byte"},
		{"xml", deep(xmlbound.MaxDepth+1, "<a>", "</a>"), "nested more than 1000 deep"},
		{"zip", "{}", "neither .json nor .xml"},
	} {
		res, err := License(strings.NewReader(c.text), c.format)
		if err != nil || res.Failed() != (c.words != "") {
			t.Errorf("%s %.60q: %+v, %v", c.format, c.text, res, err)
			continue
		}
		if res.Failed() && (len(res.Findings) != 1 || res.Findings[0].Rule != badLicense.ID || !strings.Contains(res.Findings[0].Message, c.words)) {
			t.Errorf("%s %.60q: %+v does not say %q", c.format, c.text, res.Findings, c.words)
		}
	}
}

// The names of a document are no longer in a message than other texts.
func TestLicenseMessage(t *testing.T) {
	t.Parallel()
	name := strings.Repeat("n", 1<<20)
	res, err := License(strings.NewReader("<"+name+"></l>"), "xml")
	if err != nil || !res.Failed() || len(res.Findings[0].Message) > 1000 {
		t.Errorf("%d findings, %v", len(res.Findings), err)
	}
}

// encoding/json itself is the judge of what one document is.
func FuzzLicense(f *testing.F) {
	for _, text := range []string{`{"a":[1,true,null,"x"]}`, `[1,]`, `{"a":1,}`, `1 2`, `]`, `<a><b/></a>`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		res, err := License(strings.NewReader(text), "json")
		if err != nil {
			t.Fatal(err)
		}
		if good := json.Valid([]byte(text)); good == res.Failed() && strings.Count(text, "[")+strings.Count(text, "{") <= xmlbound.MaxDepth {
			t.Errorf("%q: %+v, json.Valid says %v", text, res.Findings, good)
		}
		if _, err := License(strings.NewReader(text), "xml"); err != nil {
			t.Fatal(err)
		}
	})
}
