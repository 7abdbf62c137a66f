package cli

import (
	"archive/zip"
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/opensearch/types"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/inspect/plugin"
	"github.com/searchpack/searchpack/internal/inspect/target"
	"github.com/searchpack/searchpack/internal/signature"
)

var openSearchVersion = regexp.MustCompile(`^([0-9]{1,2}\.[0-9]{1,2})\.[0-9]+$`)

// pluginEngine peeks into a file: the EngineVersion that a plugin's descriptor names, "" if the file is
// no plugin's zip. Only the server's inspection says whether it is a good one, so this takes what that would
// refuse with a better reason.
func pluginEngine(f io.ReaderAt, size int64) (engine string, is bool) {
	z, err := zip.NewReader(f, size)
	if err != nil {
		return "", false
	}
	for _, e := range z.File {
		if e.Name != plugin.DescriptorName {
			continue
		}
		r, err := e.Open()
		if err != nil {
			return "", true
		}
		defer func() { _ = r.Close() }()
		lines := bufio.NewScanner(io.LimitReader(r, plugin.MaxDescriptor))
		for lines.Scan() {
			key, value, _ := strings.Cut(lines.Text(), "=")
			if m := openSearchVersion.FindStringSubmatch(strings.TrimSpace(value)); strings.TrimSpace(key) == "opensearch.version" && m != nil {
				return "OpenSearch_" + m[1], true
			}
		}
		return "", true
	}
	return "", false
}

// packageType is what the file becomes a version of.
func (p *PushCmd) packageType() types.PackageType {
	switch {
	case p.part != "":
		return p.part
	case p.plugin:
		return types.PackageTypeZipPlugin
	}
	return types.PackageTypeTxtDictionary
}

// look finds out what the file is, where the flags do not say.
func (p *PushCmd) look(file *pushFile) error {
	if p.For != "" {
		return p.lookPart(file)
	}
	engine, is := pluginEngine(file.File, file.size)
	p.plugin = is || p.EngineVersion != ""
	if !p.plugin && p.Kind == "" && strings.EqualFold(filepath.Ext(p.File), ".zip") {
		return p.otherZip(file)
	}
	switch {
	case p.plugin && p.Kind != "":
		return usagef("--kind is for dictionaries, and %s is a plugin", p.File)
	case p.plugin && p.Checks != "":
		return usagef("--checks are for dictionaries, and %s is a plugin", p.File)
	case p.plugin && p.path != "":
		return usagef("only dictionaries are adopted, and %s is a plugin", p.File)
	case p.plugin && p.EngineVersion == "" && engine == "":
		return usagef("the descriptor in %s does not say for which OpenSearch the plugin is: give --engine-version OpenSearch_X.Y", p.File)
	case p.EngineVersion == "":
		p.EngineVersion = engine
	}
	return nil
}

// otherZip refuses a zip without a kind that is no plugin's, as lint has it: a server would take it for a
// dictionary that nobody looks into.
func (p *PushCmd) otherZip(file *pushFile) error {
	as, folder := zipHolds(file.File, file.size)
	switch {
	case p.path != "":
		return usagef("only dictionaries of one file are adopted, and %s is a zip (if that is what indices read: --kind opaque)", p.File)
	case folder:
		return usagef("%s holds Hunspell files: say that with --kind hunspell", p.File)
	case as == searchpack.TypePlugin:
		return usagef("%s is no zip that can be read, or one of a plugin without a %s at its root: searchpack lint %s says what is wrong", p.File, plugin.DescriptorName, p.File)
	}
	return usagef("%s is a zip of neither a plugin nor Hunspell files: give --for PLUGIN if it is the configuration of one, or --kind if it is a dictionary (--kind opaque: its own format)", p.File)
}

// engine writes --engine-version as AWS does; false: it is none.
func (p *PushCmd) engine() bool {
	if p.EngineVersion == "" {
		return true
	}
	v, err := target.Parse(p.EngineVersion)
	if err != nil || v.Impossible() != "" {
		return false
	}
	p.EngineVersion = fmt.Sprintf("OpenSearch_%d.%d", v.Major, v.Minor)
	return true
}

// readSignature reads what `searchpack sign` has written beside the zip; "" = it is not signed.
func (p *PushCmd) readSignature() (string, error) {
	if !p.plugin && p.part == "" {
		return "", nil
	}
	name := p.File + ".sig"
	text, err := readSmall(name)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", usage{err}
	}
	line := strings.TrimSpace(string(text))
	parsed, err := signature.Parse(line)
	if err != nil {
		return "", usagef("%s: %w", name, err)
	}
	p.signer = parsed.KeyID
	return line, nil
}
