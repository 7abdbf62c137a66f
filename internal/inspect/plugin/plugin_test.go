package plugin

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/inspect/archive"
	"github.com/searchpack/searchpack/internal/inspect/inspecttest"
	"github.com/searchpack/searchpack/internal/inspect/rule"
	"github.com/searchpack/searchpack/internal/inspect/target"
)

// goodDescriptor is a descriptor that OpenSearch 3.8.0 takes.
const goodDescriptor = "name=lemmas\ndescription=Lemmas\nversion=1.2\nopensearch.version=3.8.0\njava.version=21\nclassname=org.example.Lemmas\n"

// with is goodDescriptor with lines that replace those of the same key; a line without = takes its
// line away.
func with(lines ...string) string {
	text := goodDescriptor
	for _, line := range lines {
		key, _, replaces := strings.Cut(line, "=")
		kept := ""
		for l := range strings.Lines(text) {
			if !strings.HasPrefix(l, key+"=") {
				kept += l
			}
		}
		if text = kept; replaces {
			text += line + "\n"
		}
	}
	return text
}

// forVersion are the options of a package of the EngineVersion.
func forVersion(t testing.TB, v string) Options {
	t.Helper()
	parsed, err := target.Parse(v)
	if err != nil {
		t.Fatal(err)
	}
	return Options{EngineVersion: fmt.Sprintf("OpenSearch_%d.%d", parsed.Major, parsed.Minor), Target: TargetOf(parsed)}
}

// zipOf makes a zip of names and contents; jars and classes as inspecttest.Zip has them.
func zipOf(t testing.TB, pairs ...string) *archive.Archive {
	t.Helper()
	var in []inspecttest.File
	for i := 0; i < len(pairs); i += 2 {
		in = append(in, inspecttest.File{Name: pairs[i], Data: []byte(pairs[i+1])})
	}
	z, err := inspecttest.Zip(in)
	if err != nil {
		t.Fatal(err)
	}
	return opened(t, bytes.NewReader(z), int64(len(z)))
}

func opened(t testing.TB, r io.ReaderAt, size int64) *archive.Archive {
	t.Helper()
	var out rule.Tally
	a, err := archive.Open(r, size, archive.Limits{Unpacked: 1 << 30}, &out)
	if err != nil || a == nil {
		t.Fatal(out.Findings(), err)
	}
	return a
}

// look inspects a plugin whose only file is its descriptor.
func look(t testing.TB, text string, o Options, out *rule.Tally) *Facts {
	t.Helper()
	d, err := readDescriptor(zipOf(t, DescriptorName, text), o, out)
	if err != nil {
		t.Fatal(err)
	}
	if d == nil {
		return nil
	}
	return &d.facts
}

// found are the findings as severity, rule and line, sorted, each once.
func found(out *rule.Tally) []string {
	var list []string
	for _, f := range out.Findings() {
		line := f.Severity[:1] + " " + searchpack.Severity(f.Rule)
		if f.Line > 0 {
			line += searchpack.Severity(fmt.Sprintf(":%d", f.Line))
		}
		list = append(list, string(line))
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// says reports whether a finding of the rule has the words.
func says(out *rule.Tally, id, words string) bool {
	return slices.ContainsFunc(out.Findings(), func(f searchpack.Finding) bool {
		return f.Rule == id && strings.Contains(f.Message, words)
	})
}
