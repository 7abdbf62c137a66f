package awsapi

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var updateDocs = flag.Bool("update-docs", false, "write the tables of docs/api.md")

// docs/api.md says what the model says.
func TestAPIPage(t *testing.T) {
	t.Parallel()
	m, err := loadModel()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join("..", "..", "docs", "api.md")
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	got := string(page)
	for mark, table := range map[string]string{
		"operations 2021-01-01": operationTable(m, "2021-01-01"),
		"operations 2015-01-01": operationTable(m, "2015-01-01"),
		"members 2021-01-01":    memberTables(m, "2021-01-01"),
		"members 2015-01-01":    memberTables(m, "2015-01-01"),
		"answers 2021-01-01":    answerTable(m, "2021-01-01"),
		"answers 2015-01-01":    answerTable(m, "2015-01-01"),
	} {
		got = between(t, got, "<!-- generated: "+mark+" -->\n", table)
	}
	if *updateDocs {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if d := cmp.Diff(string(page), got); d != "" {
		t.Errorf("docs/api.md is out of date; run go test ./internal/awsapi -run TestAPIPage -update-docs: %s", d)
	}
}

// between replaces what stands between a mark and the next end.
func between(t *testing.T, page, mark, text string) string {
	t.Helper()
	before, rest, found := strings.Cut(page, mark)
	_, after, ended := strings.Cut(rest, "<!-- end -->")
	if !found || !ended {
		t.Fatalf("docs/api.md lacks %q or its end", mark)
	}
	return before + mark + text + "<!-- end -->" + after
}

func operationTable(m *model, version string) string {
	var b strings.Builder
	b.WriteString("| operation | method and path | in Searchpack |\n| --- | --- | --- |\n")
	for _, op := range sorted(m, version) {
		what := "**served**"
		if !served(op) {
			refusal := notOffered(op)
			what = fmt.Sprintf("%d %s: %s", refusal.Status, refusal.Type, refusal.Message)
		}
		fmt.Fprintf(&b, "| %s | `%s %s` | %s |\n", op.Name, op.Method, op.URI, what)
	}
	return b.String()
}

func served(op *operation) bool { return endpointOf(op).run != nil }

func endpointOf(op *operation) endpoint { return operations()[op.Version][op.Name] }

func sorted(m *model, version string) []*operation {
	ops := slices.DeleteFunc(slices.Clone(m.Operations), func(op *operation) bool { return op.Version != version })
	slices.SortFunc(ops, func(a, b *operation) int { return strings.Compare(a.Name, b.Name) })
	return ops
}

func memberTables(m *model, version string) string {
	var b strings.Builder
	for _, op := range sorted(m, version) {
		if !served(op) {
			continue
		}
		fmt.Fprintf(&b, "### %s (%s)\n\n", op.Name, version)
		if len(m.Shapes[version][op.Input].Members) > 0 {
			b.WriteString("| member | required | form | in Searchpack |\n| --- | --- | --- | --- |\n")
			w := &memberWriter{model: m, b: &b, op: op}
			w.structure(m.Shapes[version][op.Input], "", endpointOf(op).in, "")
			b.WriteString("\n")
		}
		answer := "an empty object"
		if op.Output != "" {
			answer = strings.Join(membersOf(m.Shapes[version], op.Output), ", ")
		}
		fmt.Fprintf(&b, "Answer: %s.\nErrors: %s.\n\n", answer, strings.Join(op.Errors, ", "))
	}
	return b.String()
}

// membersOf lists the members of an answer with the structures that they hold.
func membersOf(shapes map[string]*shape, name string) []string {
	var out []string
	for _, member := range slices.Sorted(maps.Keys(shapes[name].Members)) {
		held := shapes[name].Members[member].Shape
		text := member
		for shapes[held].Type == "list" {
			text, held = text+"[]", shapes[held].Member
		}
		if shapes[held].Type == "structure" && held != member {
			text += " (" + held + ")"
		}
		out = append(out, text)
	}
	return out
}

// answerTable has a row for each member of each structure of the answers. TestEveryMemberIsAnswered
// holds it to what is really sent.
func answerTable(m *model, version string) string {
	var b strings.Builder
	b.WriteString("| structure | member | in Searchpack |\n| --- | --- | --- |\n")
	skip := unsent(m, version)
	outputs := map[string]bool{}
	for _, op := range m.Operations {
		outputs[op.Output] = true
	}
	for _, name := range structures(m, version) {
		if skip[name] || outputs[name] {
			continue
		}
		s := m.Shapes[version][name]
		for _, member := range slices.Sorted(maps.Keys(s.Members)) {
			what := "sent"
			if why := notSent[modernStructure(name)+"."+modernName(member)]; why != "" {
				what = "never sent: " + why
			} else if note := answerNotes[modernStructure(name)+"."+modernName(member)]; note != "" {
				what += ": " + note
			}
			fmt.Fprintf(&b, "| %s | %s | %s |\n", name, member, what)
		}
	}
	return b.String()
}
