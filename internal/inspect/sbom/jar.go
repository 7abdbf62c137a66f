package sbom

import (
	"cmp"
	"io"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/searchpack/searchpack/internal/inspect/archive"
)

// Bounds on what is read of a jar. Metadata files are a page or two each, and one at a time is in
// memory.
const (
	maxMetadata = 256 << 10
	maxBundled  = 200
	maxUnpacked = 4 << 30 // bytes that a jar may say that it unpacks to
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

// read says what a jar is. A jar that cannot be read is known by its file name. The error is that of
// open, or of the readers that it returns.
func read(fileName string, open func() (io.ReadCloser, error), left *budget) (Component, error) {
	var failed error // of the file, not of the jar in it
	list, err := archive.OpenJar(func() (io.ReadCloser, error) {
		in, err := open()
		if err != nil {
			failed = err
			return nil, err
		}
		return &observed{in, &failed}, nil
	}, archive.Limits{Unpacked: maxUnpacked})
	in := metadata{libraries: map[string]*Component{}, left: left}
	if err == nil {
		// What was read before a damaged entry stands; an error of the file is in failed.
		_ = list.Walk(in.wants, in.visit)
	}
	if failed != nil {
		return Component{}, failed
	}
	return in.component(fileName), nil
}

// observed remembers why a file could not be read.
type observed struct {
	io.ReadCloser
	failed *error
}

// Read implements io.Reader.
func (o *observed) Read(p []byte) (int, error) {
	n, err := o.ReadCloser.Read(p)
	if err != nil && err != io.EOF {
		*o.failed = err
	}
	return n, err
}

// metadata is what the small files of a jar say.
type metadata struct {
	main      map[string]string     // of the manifest
	apache    bool                  // the jar has the text of the Apache License
	libraries map[string]*Component // by their folders below META-INF/maven
	left      *budget
}

// wants chooses what to read.
func (m *metadata) wants(e archive.JarEntry) bool {
	switch {
	case e.Size > maxMetadata:
		return false // too large to be what it should
	case e.Name == manifestName || slices.Contains(licenseFiles, e.Name):
		return true
	}
	ok, _ := path.Match(mavenFolder+"*/*/pom.*", e.Name)
	if !ok || !slices.Contains([]string{"pom.properties", "pom.xml"}, path.Base(e.Name)) {
		return false
	}
	folder := path.Dir(e.Name)
	if m.libraries[folder] == nil {
		if len(m.libraries) == maxBundled || m.left.libraries == 0 {
			return false
		}
		m.left.libraries--
		m.libraries[folder] = &Component{Source: FromMaven}
	}
	if m.left.text < int(e.Size) {
		return false
	}
	m.left.text -= int(e.Size)
	return true
}

// visit reads one file.
func (m *metadata) visit(e archive.JarEntry, r io.Reader) error {
	b, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	switch path.Base(e.Name) {
	case path.Base(manifestName):
		m.main = manifest(b)
	case "pom.properties":
		p, l := properties(b), m.libraries[path.Dir(e.Name)]
		l.Group, l.Name, l.Version = p["groupId"], p["artifactId"], p["version"]
	case "pom.xml":
		m.libraries[path.Dir(e.Name)].Licenses = pomLicenses(b)
	default:
		m.apache = m.apache || apacheText.Match(b)
	}
	return nil
}

// component puts together what the files say.
func (m *metadata) component(fileName string) Component {
	var c Component
	libraries := m.sorted()
	at := slices.IndexFunc(libraries, func(l Component) bool {
		return strings.HasPrefix(fileName, l.Name+"-"+l.Version) || fileName == l.Name+".jar"
	})
	if at < 0 && len(libraries) == 1 && strings.HasPrefix(fileName, libraries[0].Name) {
		at = 0
	}
	if at < 0 {
		c.byManifest(fileName, m.main)
		c.Bundled = libraries
	} else {
		c = libraries[at]
		c.Bundled = slices.Delete(libraries, at, at+1)
	}
	if len(c.Bundled) == 0 {
		c.Bundled = nil
	}
	c.Module = m.main["Automatic-Module-Name"]
	if len(c.Licenses) == 0 {
		c.Licenses = bundleLicenses(m.main["Bundle-License"])
	}
	if len(c.Licenses) == 0 && c.Bundled == nil && m.apache { // else the text may be that of a library inside
		c.Licenses = []License{{ID: "Apache-2.0"}}
	}
	return c
}

// sorted are the libraries that the jar has Maven metadata of, the same one once.
func (m *metadata) sorted() []Component {
	out := []Component{}
	for _, folder := range slices.Sorted(maps.Keys(m.libraries)) {
		l := *m.libraries[folder]
		if l.Name == "" || l.Group == "" {
			continue
		}
		if !slices.ContainsFunc(out, func(o Component) bool {
			return o.Group == l.Group && o.Name == l.Name && o.Version == l.Version
		}) {
			out = append(out, l)
		}
	}
	return out
}

var (
	// versioned is how Maven names a jar.
	versioned = regexp.MustCompile(`^(.+?)-(\d.*)\.(?i:jar)$`)
	groupID   = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+)+$`)
	// gradleTitle is the title that the build of OpenSearch, and other builds by Gradle, write:
	// "org.opensearch.plugin#analysis-icu;3.8.0". The jar's name in Maven may be another.
	gradleTitle = regexp.MustCompile(`^([^#;]+)#[^#;]+;[^#;]+$`)
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

// lucene is Maven's group of Lucene's jars, and the title of each.
const lucene = "org.apache.lucene"

// byManifest names the component by its file and what the manifest adds: its titles are written for
// people, and one of Lucene's stands in all its jars.
func (c *Component) byManifest(fileName string, main map[string]string) {
	c.byFileName(fileName)
	id, title := main["Implementation-Vendor-Id"], main["Implementation-Title"]
	if m := gradleTitle.FindStringSubmatch(title); m != nil {
		id = m[1]
	} else if title == lucene {
		id = title
	}
	if groupID.MatchString(id) {
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
