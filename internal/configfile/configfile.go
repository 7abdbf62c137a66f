// Package configfile lets a file give the flags of a command, as the environment may: one flag, one
// key. A flag on the command line comes before the environment, the environment before the file,
// the file before the default. The file is read strictly: what no flag knows is refused by name.
//
// It knows kong and YAML, and no command. Whoever owns a command embeds a Path as its
// --config-file.
package configfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
	"gopkg.in/yaml.v3"
)

// maxSize bounds the file: a few dozen flags.
const maxSize = 1 << 20

// Path is a flag that names a configuration file in YAML. Its keys are the names of the other
// flags of the same command, or of one beside it in a group; values are scalars, or lists for flags
// that may be repeated.
type Path string

// BeforeResolve reads the file, for the command that is being run only: the hook also runs for
// flags of other commands that the environment sets.
func (Path) BeforeResolve(ctx *kong.Context, trace *kong.Path) error {
	command := ctx.Selected()
	if command == nil || !slices.Contains(command.Flags, trace.Flag) {
		return nil
	}
	path, _ := ctx.FlagValue(trace.Flag).(Path)
	if path == "" {
		return nil
	}
	values, err := read(string(path))
	if err != nil {
		return fmt.Errorf("--%s: %w", trace.Flag.Name, err)
	}
	known := settings(command, trace.Flag.Name)
	for _, v := range values.order {
		if !known[v.key] {
			return fmt.Errorf("--%s: %s line %d: %s has no setting %q; the keys are its flags without the hyphens before them",
				trace.Flag.Name, path, v.line, command.FullPath(), v.key)
		}
	}
	ctx.AddResolver(values.resolver(command))
	return nil
}

// settings are the keys that a file for the command may hold: its flags, and those of the commands
// beside it in a group ("agent run", "agent sync"), so that one file does for all of them. Flags of
// the others have no effect.
func settings(command *kong.Node, itself string) map[string]bool {
	commands := []*kong.Node{command}
	if group := command.Parent; group != nil && group.Type == kong.CommandNode {
		commands = group.Children
	}
	known := map[string]bool{}
	for _, c := range commands {
		for _, flag := range c.Flags {
			if !flag.Hidden && flag.Name != itself {
				known[flag.Name] = true
			}
		}
	}
	return known
}

// value is one key of the file.
type value struct {
	key  string
	line int
	text any // string, or []any of strings
}

type values struct {
	order []value
	byKey map[string]any
}

// resolver gives the file's values to flags that neither command line nor environment sets. kong
// itself would let a resolver go before the environment.
func (v *values) resolver(command *kong.Node) kong.ResolverFunc {
	return func(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
		if !slices.Contains(command.Flags, flag) {
			return nil, nil
		}
		for _, env := range flag.Tag.Envs {
			if _, set := os.LookupEnv(env); set {
				return nil, nil
			}
		}
		return v.byKey[flag.Name], nil
	}
}

// read reads and checks the file's form.
func read(path string) (*values, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, maxSize+1))
	if err != nil {
		return nil, err
	}
	if len(raw) > maxSize {
		return nil, fmt.Errorf("%s is over %d bytes: that is no configuration file", path, maxSize)
	}
	v, err := parse(raw)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return v, nil
}

func parse(raw []byte) (*values, error) {
	dec := yaml.NewDecoder(bytes.NewReader(raw))
	var doc yaml.Node
	err := dec.Decode(&doc)
	switch {
	case errors.Is(err, io.EOF):
		return &values{}, nil // nothing but comments
	case err != nil:
		return nil, errors.New(strings.Join(strings.Fields(err.Error()), " "))
	}
	if err := dec.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, errors.New("there is more than one document in it")
	}
	root := doc.Content[0]
	if root.Kind == yaml.ScalarNode && root.Tag == "!!null" {
		return &values{}, nil
	}
	if root.Kind != yaml.MappingNode {
		return nil, fmt.Errorf("line %d: write key: value", root.Line)
	}
	v := &values{byKey: map[string]any{}}
	for i := 0; i+1 < len(root.Content); i += 2 {
		key, val := root.Content[i], root.Content[i+1]
		if _, twice := v.byKey[key.Value]; twice {
			return nil, fmt.Errorf("line %d: %q stands there twice", key.Line, key.Value)
		}
		text, err := plain(val)
		if err != nil {
			return nil, fmt.Errorf("line %d: %q: %w", val.Line, key.Value, err)
		}
		v.byKey[key.Value] = text
		v.order = append(v.order, value{key.Value, key.Line, text})
	}
	return v, nil
}

// plain returns the text of a scalar as it was written, so that an account of twelve digits stays
// one, or the texts of a list.
func plain(n *yaml.Node) (any, error) {
	switch {
	case n.Kind == yaml.ScalarNode && n.Tag == "!!null":
		return nil, errors.New("has no value: give one or leave the key out")
	case n.Kind == yaml.ScalarNode:
		return n.Value, nil
	case n.Kind == yaml.SequenceNode:
		list := make([]any, len(n.Content))
		for i, each := range n.Content {
			if each.Kind != yaml.ScalarNode {
				return nil, errors.New("a list holds plain values only")
			}
			list[i] = each.Value
		}
		return list, nil
	}
	return nil, errors.New("is neither a plain value nor a list of them")
}
