package awsapi

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var updateDocs = flag.Bool("update-docs", false, "write the tables of docs/api.md")

// notes are what the types do not say, by operation and member.
var notes = map[string]string{
	"CreatePackage EngineVersion":                                        "ignored: a dictionary fits every version",
	"CreatePackage PackageType":                                          "served: TXT-DICTIONARY. Others: \"PackageType ZIP-PLUGIN is not offered by this version of Searchpack; it serves TXT-DICTIONARY only\"",
	"DescribePackages Filters[].Name":                                    "served: PackageID, PackageName, PackageStatus, PackageType. Others: \"The filter EngineVersion of DescribePackages is not offered by Searchpack\"",
	"CreateDomain AutoTuneOptions.DesiredState":                          "given back as State",
	"CreateDomain AutoTuneOptions.MaintenanceSchedules":                  "ignored",
	"CreateDomain AdvancedSecurityOptions.SAMLOptions.MasterUserName":    "ignored",
	"CreateDomain AdvancedSecurityOptions.SAMLOptions.MasterBackendRole": "ignored",
}

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
		"members":               memberTables(m),
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

func memberTables(m *model) string {
	var b strings.Builder
	for _, op := range sorted(m, version) {
		if !served(op) {
			continue
		}
		fmt.Fprintf(&b, "### %s\n\n", op.Name)
		b.WriteString("| member | required | form | in Searchpack |\n| --- | --- | --- | --- |\n")
		w := &memberWriter{model: m, b: &b, op: op}
		w.structure(m.Shapes[op.Version][op.Input], "", endpointOf(op).in, "")
		answer := names(endpointOf(op).out, "")
		if i := slices.Index(answer, "DomainStatus…"); i >= 0 {
			answer[i] = "DomainStatus: what CreateDomain was sent over what AWS answers by default, with DomainId, DomainName, ARN, Created, Deleted, Processing, DomainProcessingStatus, EngineVersion, Endpoint"
		} else if i := slices.Index(answer, "DomainStatusList[]…"); i >= 0 {
			answer[i] = "DomainStatusList[]: as DescribeDomain"
		}
		fmt.Fprintf(&b, "\nAnswer: %s.\nErrors: %s.\n\n", strings.Join(answer, ", "), strings.Join(op.Errors, ", "))
	}
	return b.String()
}

// memberWriter writes the members of an operation's input, those of structures below them.
type memberWriter struct {
	model *model
	b     *strings.Builder
	op    *operation
}

// structure writes the members of a shape; fate is what becomes of all of them, if that is known.
func (w *memberWriter) structure(s *shape, at string, used reflect.Type, fate string) {
	for _, name := range slices.Sorted(maps.Keys(s.Members)) {
		mem := s.Members[name]
		shape := w.model.Shapes[w.op.Version][mem.Shape]
		path := at + name
		field, inType := fieldOf(used, name)
		mine := w.fate(mem, path, fate, inType)
		if note := notes[w.op.Name+" "+path]; note != "" {
			mine = note
		}
		need := ""
		if slices.Contains(s.Required, name) {
			need = "yes"
		}
		fmt.Fprintf(w.b, "| %s | %s | %s | %s |\n", path, need, w.constraints(shape, mem), mine)
		if mem.Refuse == "present" {
			continue
		}
		for shape.Type == "list" {
			path += "[]"
			shape = w.model.Shapes[w.op.Version][shape.Member]
			if field != nil {
				field = field.Elem()
			}
		}
		if shape.Type == "structure" {
			below := mine
			if inType {
				below = ""
			}
			w.structure(shape, path+".", field, below)
		}
	}
}

// fate is what becomes of a member.
func (w *memberWriter) fate(mem *member, path, above string, inType bool) string {
	switch mem.Refuse {
	case "present":
		return "refused"
	case "true":
		return "refused if true"
	case "nonempty":
		return "refused unless empty"
	}
	top, _, _ := strings.Cut(path, ".")
	switch {
	case above != "":
		return above
	case inType:
		return "served"
	case w.op.Name == "CreateDomain" && slices.Contains(w.model.Returned, strings.TrimSuffix(top, "[]")):
		return "given back"
	}
	return "ignored"
}

// constraints are what a value must be, in a few words.
func (w *memberWriter) constraints(s *shape, mem *member) string {
	var c []string
	kind := s.Type
	if mem.In != "" {
		kind += " in the " + mem.In
		if mem.In == "query" {
			kind += " (" + mem.As + ")"
		}
	}
	c = append(c, kind)
	low, high := bound(s.Min, mem.Min, true), bound(s.Max, mem.Max, false)
	switch {
	case low != "" && high != "":
		c = append(c, low+" to "+high)
	case low != "":
		c = append(c, "at least "+low)
	case high != "":
		c = append(c, "at most "+high)
	}
	if len(s.Enum) > 6 {
		c = append(c, fmt.Sprintf("one of %d values", len(s.Enum)))
	} else if len(s.Enum) > 0 {
		c = append(c, strings.Join(s.Enum, ", "))
	}
	if s.Pattern != "" && len(s.Pattern) < 60 {
		c = append(c, "`"+strings.ReplaceAll(s.Pattern, "|", `\|`)+"`")
	}
	return strings.Join(c, "; ")
}

// bound is the tighter of two, "" if there is none.
func bound(a, b *int64, low bool) string {
	switch {
	case a == nil && b == nil:
		return ""
	case a == nil:
		return fmt.Sprint(*b)
	case b == nil:
		return fmt.Sprint(*a)
	case low:
		return fmt.Sprint(max(*a, *b))
	}
	return fmt.Sprint(min(*a, *b))
}

// fieldOf finds the field that a member is decoded into.
func fieldOf(t reflect.Type, name string) (reflect.Type, bool) {
	for t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t == nil || t.Kind() != reflect.Struct {
		return nil, false
	}
	f, ok := t.FieldByName(name)
	return f.Type, ok
}

// names lists the members of an answer.
func names(t reflect.Type, at string) []string {
	var out []string
	for i := range t.NumField() {
		f := t.Field(i)
		kind, name := f.Type, at+f.Name
		for kind.Kind() == reflect.Slice || kind.Kind() == reflect.Pointer {
			if kind.Kind() == reflect.Slice {
				name += "[]"
			}
			kind = kind.Elem()
		}
		switch {
		case kind.Kind() == reflect.Map:
			out = append(out, name+"…")
		case kind.Kind() == reflect.Struct && kind != reflect.TypeFor[timestamp]():
			out = append(out, names(kind, name+".")...)
		default:
			out = append(out, name)
		}
	}
	return out
}
