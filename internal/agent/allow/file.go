//go:build unix

package allow

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"gopkg.in/yaml.v3"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/signature"
)

const (
	// maxFile bounds an allow file, in bytes: some hundred for each plugin.
	maxFile = 1 << 20
	// maxLists bounds each list in it.
	maxLists = 10_000
	schema   = 1
)

// Read reads a node's allow file. One that is not there allows nothing, and is no error. ErrInvalid: it
// is not understood, or others than root and this process's user can change it or its folder; then
// nothing must be installed.
func Read(name string) (*File, error) {
	f, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return &File{}, nil
	}
	if err != nil {
		return nil, refuse(name, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, refuse(name, err)
	}
	folder, err := os.Stat(filepath.Dir(name))
	switch {
	case err != nil:
		return nil, refuse(name, err)
	case !info.Mode().IsRegular():
		return nil, refuse(name, errors.New("it is not a regular file"))
	}
	if err := errors.Join(trusted("it", info), trusted("its folder", folder)); err != nil {
		return nil, refuse(name, err)
	}
	b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(b) > maxFile {
		err = fmt.Errorf("it has more than %d bytes", maxFile)
	}
	if err != nil {
		return nil, refuse(name, err)
	}
	out, err := Parse(b)
	if err != nil {
		return nil, refuse(name, err)
	}
	return out, nil
}

// trusted says who else could change what allows code to run on the node. In a folder like /tmp nobody
// can replace the files of others.
func trusted(what string, info fs.FileInfo) error {
	owner := -1
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		owner = int(st.Uid)
	}
	switch {
	case owner != 0 && owner != os.Geteuid():
		return fmt.Errorf("%s belongs to uid %d, who could allow itself everything: chown it to root", what, owner)
	case info.Mode().Perm()&0o022 != 0 && info.Mode()&fs.ModeSticky == 0:
		return fmt.Errorf("others than its owner can write %s: chmod go-w", what)
	}
	return nil
}

func refuse(name string, err error) error {
	return searchpack.Errorf(searchpack.ErrInvalid, "the allow file %s: %w", name, err)
}

// written is an allow file as it stands there.
type written struct {
	Schema      int    `yaml:"schema"`
	Permissions string `yaml:"permissions"`
	Keys        []struct {
		Name string `yaml:"name"`
		Key  string `yaml:"key"`
	} `yaml:"keys"`
	Plugins []writtenEntry `yaml:"plugins"`
}

type writtenEntry struct {
	Name        string   `yaml:"name"`
	SHA256      []string `yaml:"sha256"`
	SignedBy    []string `yaml:"signed_by"`
	Permissions string   `yaml:"permissions"`
	line        int
}

// UnmarshalYAML notes the line. Decoding a node is not strict, so names are looked at here.
func (w *writtenEntry) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind != yaml.MappingNode {
		return fmt.Errorf("line %d: a plugin is written as name: NAME, with sha256, signed_by and permissions below it", n.Line)
	}
	for i := 0; i < len(n.Content); i += 2 {
		if key := n.Content[i]; !slices.Contains([]string{"name", "sha256", "signed_by", "permissions"}, key.Value) {
			return fmt.Errorf("line %d: a plugin has no setting %.100q", key.Line, key.Value)
		}
	}
	type plain writtenEntry
	if err := n.Decode((*plain)(w)); err != nil {
		return err
	}
	w.line = n.Line
	return nil
}

// Parse reads the text of an allow file: YAML, strictly. An empty text allows nothing.
func Parse(text []byte) (*File, error) {
	var w written
	in := yaml.NewDecoder(bytes.NewReader(text))
	in.KnownFields(true)
	switch err := in.Decode(&w); {
	case errors.Is(err, io.EOF):
		return &File{}, nil
	case err != nil:
		return nil, errors.New(strings.TrimPrefix(err.Error(), "yaml: "))
	}
	if err := in.Decode(new(any)); !errors.Is(err, io.EOF) {
		return nil, errors.New("it has a second document")
	}
	if w.Schema != schema {
		return nil, fmt.Errorf("it has the schema %d, and this Searchpack knows %d: write schema: %d", w.Schema, schema, schema)
	}
	if len(w.Keys) > maxLists || len(w.Plugins) > maxLists {
		return nil, fmt.Errorf("it has more than %d keys or plugins", maxLists)
	}
	out := &File{}
	var err error
	if out.Permissions, err = ceiling(w.Permissions); err != nil {
		return nil, err
	}
	for _, k := range w.Keys {
		if err := out.addKey(k.Name, k.Key); err != nil {
			return nil, err
		}
	}
	for _, e := range w.Plugins {
		if err := out.addEntry(e); err != nil {
			return nil, fmt.Errorf("line %d: %w", e.line, err)
		}
	}
	return out, nil
}

func ceiling(word string) (Ceiling, error) {
	c, known := ceilings[word]
	if !known && word != "" {
		return 0, fmt.Errorf("permissions: %.100q is none of none, minor, notable, dangerous, total", word)
	}
	return c, nil
}

func (f *File) addKey(name, text string) error {
	if name == "" || slices.ContainsFunc(f.Keys, func(k Key) bool { return k.Name == name }) {
		return fmt.Errorf("the name %.100q of a key is empty, or comes twice", name)
	}
	key, err := signature.ParsePublic(text)
	if err != nil {
		return fmt.Errorf("the key %.100s: %w", name, err)
	}
	f.Keys = append(f.Keys, Key{name, key})
	return nil
}

func (f *File) addEntry(w writtenEntry) error {
	if w.Name == "" {
		return errors.New("the plugin has no name")
	}
	if _, err := path.Match(w.Name, ""); err != nil || strings.ContainsAny(w.Name, `[\`) {
		return fmt.Errorf("the name %.100q: only * and ? stand for other characters", w.Name)
	}
	e := Entry{Line: w.line, Name: w.Name, SHA256: w.SHA256, SignedBy: w.SignedBy}
	for _, d := range w.SHA256 {
		if _, err := searchpack.ParseDigest(d); err != nil {
			return fmt.Errorf("sha256 %.100q: %w", d, err)
		}
	}
	for _, name := range w.SignedBy {
		if !slices.ContainsFunc(f.Keys, func(k Key) bool { return k.Name == name }) {
			return fmt.Errorf("signed_by names the key %.100q, which is not among keys", name)
		}
	}
	var err error
	e.Permissions, err = ceiling(w.Permissions)
	f.Plugins = append(f.Plugins, e)
	return err
}
