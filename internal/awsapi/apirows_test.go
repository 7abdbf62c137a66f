package awsapi

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

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
		field, inType := fieldOf(used, modernName(name))
		mine := w.fate(mem, path, fate, inType)
		if note := noteOf(w.op, path); note != "" {
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
		if note := noteOf(w.op, path); note != "" && path != at+name {
			fmt.Fprintf(w.b, "| %s | | %s | %s |\n", path, w.constraints(shape, new(member)), note)
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
	case endpointOf(w.op).takesOptions() && slices.Contains(w.model.Returned, modernName(strings.TrimSuffix(top, "[]"))):
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
	for _, f := range reflect.VisibleFields(t) {
		if tag, _, _ := strings.Cut(f.Tag.Get("json"), ","); tag == name || tag == "" && f.Name == name {
			return f.Type, true
		}
	}
	return nil, false
}

// takesOptions: what the operation's type does not read goes to the catalog all the same.
func (e endpoint) takesOptions() bool {
	return e.in == reflect.TypeFor[createDomainInput]() || e.in == reflect.TypeFor[updateDomainConfigInput]()
}
