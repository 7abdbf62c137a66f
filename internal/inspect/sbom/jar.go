package sbom

import (
	"archive/zip"
	"bytes"
	"cmp"
	"errors"
	"io"
	"math"
	"path"
	"regexp"
	"slices"
	"strings"
)

// Bounds on what is read of a jar. Each entry of its list costs memory; each metadata file is a page
// or two.
const (
	maxList     = 6 << 20 // bytes: some fifty thousand classes
	maxMetadata = 256 << 10
	maxBundled  = 200
	// maxLibraries and maxAllMetadata (bytes) bound what all jars of a plugin say of their libraries
	// together: what a jar unpacks to costs nothing to pack. OpenSearch's own lib/ has some hundred
	// libraries and a few megabytes.
	maxLibraries   = 5000
	maxAllMetadata = 32 << 20
)

// budget is what is left of the bounds. Jars for which nothing is left are known by their manifests.
type budget struct{ libraries, text int }

const (
	mavenFolder  = "META-INF/maven/"
	manifestName = "META-INF/MANIFEST.MF"
)

// read says what a jar is. A jar that cannot be read is known by its file name.
func read(fileName string, jar []byte, left *budget) Component {
	var c Component
	list := &listReader{r: bytes.NewReader(jar), left: maxList}
	z, err := zip.NewReader(list, int64(len(jar)))
	if err != nil {
		c.byFileName(fileName)
		return c
	}
	list.left = math.MaxInt64 // what follows is bounded by maxMetadata and maxBundled
	files := map[string]*zip.File{}
	var poms []string
	for _, f := range z.File {
		if f.Name == manifestName {
			files[f.Name] = cmp.Or(files[f.Name], f)
		}
		if ok, _ := path.Match(mavenFolder+"*/*/pom.*", f.Name); ok {
			files[f.Name] = cmp.Or(files[f.Name], f)
			if path.Base(f.Name) == "pom.properties" && len(poms) < maxBundled {
				poms = append(poms, f.Name)
			}
		}
	}
	in := metadata(files)
	main := manifest(in.read(manifestName))
	libraries := in.libraries(poms, left)
	at := slices.IndexFunc(libraries, func(l Component) bool {
		return strings.HasPrefix(fileName, l.Name+"-"+l.Version) || fileName == l.Name+".jar"
	})
	if at < 0 && len(libraries) == 1 && strings.HasPrefix(fileName, libraries[0].Name) {
		at = 0
	}
	if at < 0 {
		c.byManifest(fileName, main)
		c.Bundled = libraries
	} else {
		c = libraries[at]
		c.Bundled = slices.Delete(libraries, at, at+1)
	}
	if len(c.Bundled) == 0 {
		c.Bundled = nil
	}
	c.Module = main["Automatic-Module-Name"]
	if len(c.Licenses) == 0 {
		c.Licenses = bundleLicenses(main["Bundle-License"])
	}
	return c
}

// metadata reads small files of a jar.
type metadata map[string]*zip.File

// read returns nil for what is not there, cannot be unpacked, or is too large to be what it should.
func (m metadata) read(name string) []byte {
	f := m[name]
	if f == nil {
		return nil
	}
	in, err := f.Open()
	if err != nil {
		return nil
	}
	defer in.Close()
	b, err := io.ReadAll(io.LimitReader(in, maxMetadata+1))
	if err != nil || len(b) > maxMetadata {
		return nil
	}
	return b
}

// libraries are those that the jar has Maven metadata of, the same one once.
func (m metadata) libraries(poms []string, left *budget) []Component {
	slices.Sort(poms)
	out := []Component{}
	read := func(name string) []byte {
		b := m.read(name)
		left.text -= len(b)
		return b
	}
	for _, name := range poms {
		if left.libraries <= 0 || left.text <= 0 {
			break
		}
		p := properties(read(name))
		l := Component{Group: p["groupId"], Name: p["artifactId"], Version: p["version"], Source: FromMaven}
		if l.Name == "" || l.Group == "" {
			continue
		}
		l.Licenses = pomLicenses(read(path.Dir(name) + "/pom.xml"))
		if !slices.ContainsFunc(out, func(o Component) bool {
			return o.Group == l.Group && o.Name == l.Name && o.Version == l.Version
		}) {
			out = append(out, l)
			left.libraries--
		}
	}
	return out
}

var (
	// versioned is how Maven names a jar.
	versioned = regexp.MustCompile(`^(.+?)-(\d.*)\.(?i:jar)$`)
	groupID   = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+)+$`)
)

// byFileName names the component by its file.
func (c *Component) byFileName(fileName string) {
	c.Source = FromFileName
	if m := versioned.FindStringSubmatch(fileName); m != nil {
		c.Name, c.Version = m[1], m[2]
		return
	}
	c.Name = fileName[:len(fileName)-len(path.Ext(fileName))]
}

// byManifest names the component by its file and what the manifest adds: its titles are written for
// people, and one of Lucene's stands in all its jars.
func (c *Component) byManifest(fileName string, main map[string]string) {
	c.byFileName(fileName)
	if id := main["Implementation-Vendor-Id"]; groupID.MatchString(id) {
		c.Group, c.Source = id, FromManifest
	}
	if c.Version == "" {
		// "10.5.0 1a2b3c - user - 2026": only the first word is the version.
		v, _, _ := strings.Cut(cmp.Or(main["Implementation-Version"], main["Bundle-Version"]), " ")
		if v != "" {
			c.Version, c.Source = v, FromManifest
		}
	}
}

var errBudget = errors.New("the list of the jar is too long")

// listReader bounds what is read of a jar to list it.
type listReader struct {
	r    *bytes.Reader
	left int64
}

// ReadAt implements io.ReaderAt.
func (l *listReader) ReadAt(p []byte, off int64) (int, error) {
	if l.left -= int64(len(p)); l.left < 0 {
		return 0, errBudget
	}
	return l.r.ReadAt(p, off)
}
