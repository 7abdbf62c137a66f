package cli

import (
	"archive/zip"
	"bufio"
	"errors"
	"io"
	"io/fs"
	"os"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/opensearch/types"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/signature"
)

// maxDescriptor bounds what is read of a plugin's descriptor, in bytes.
const maxDescriptor = 64 << 10

var openSearchVersion = regexp.MustCompile(`^([0-9]{1,2}\.[0-9]{1,2})\.[0-9]+$`)

// pluginEngine peeks into a file: the EngineVersion that a plugin's descriptor names, "" if the file is
// no plugin's zip. Only the server's inspection says whether it is a good one.
func pluginEngine(f io.ReaderAt, size int64) (engine string, plugin bool) {
	z, err := zip.NewReader(f, size)
	if err != nil {
		return "", false
	}
	for _, e := range z.File {
		if e.Name != "plugin-descriptor.properties" {
			continue
		}
		r, err := e.Open()
		if err != nil {
			return "", true
		}
		defer func() { _ = r.Close() }()
		lines := bufio.NewScanner(io.LimitReader(r, maxDescriptor))
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
	if p.plugin {
		return types.PackageTypeZipPlugin
	}
	return types.PackageTypeTxtDictionary
}

// look finds out what the file is, where the flags do not say.
func (p *PushCmd) look(file *pushFile) error {
	engine, plugin := pluginEngine(file.File, file.size)
	p.plugin = plugin || p.EngineVersion != ""
	switch {
	case p.plugin && p.Kind != "":
		return usagef("--kind is for dictionaries, and %s is a plugin", p.File)
	case p.plugin && p.EngineVersion == "" && engine == "":
		return usagef("the descriptor in %s does not say for which OpenSearch the plugin is: give --engine-version OpenSearch_X.Y", p.File)
	case p.EngineVersion == "":
		p.EngineVersion = engine
	}
	return nil
}

// readSignature reads what `searchpack sign` has written beside the zip; "" = it is not signed.
func (p *PushCmd) readSignature() (string, error) {
	if !p.plugin {
		return "", nil
	}
	f, err := os.Open(p.File + ".sig")
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", usagef("%w", err)
	}
	defer func() { _ = f.Close() }()
	text, err := io.ReadAll(io.LimitReader(f, searchpack.MaxSignature+1))
	if err != nil {
		return "", err
	}
	line := strings.TrimSpace(string(text))
	if len(line) > searchpack.MaxSignature {
		return "", usagef("%s.sig is longer than a signature", p.File)
	}
	if _, err := signature.Parse(line); err != nil {
		return "", usagef("%s.sig: %w", p.File, err)
	}
	return line, nil
}
