package sbom

import (
	"bytes"
	"net/url"
	"strings"
	"time"

	cdx "github.com/CycloneDX/cyclonedx-go"

	"github.com/searchpack/searchpack"
)

// Document writes the bill of materials of a plugin in JSON. at is when it was made; zero leaves the
// time out.
func Document(p searchpack.PluginProperties, components []Component, at time.Time) ([]byte, error) {
	bom := cdx.NewBOM()
	bom.Metadata = &cdx.Metadata{
		Component: &cdx.Component{
			BOMRef: "plugin", Type: cdx.ComponentTypeApplication, Name: p.Name, Version: p.Version, Description: p.Description,
			PackageURL: purl("generic", "", p.Name, p.Version),
		},
		Lifecycles: &[]cdx.Lifecycle{{Phase: cdx.LifecyclePhasePostBuild}},
	}
	if !at.IsZero() {
		bom.Metadata.Timestamp = at.UTC().Format(time.RFC3339)
	}
	list := make([]cdx.Component, len(components))
	for i, c := range components {
		list[i] = written(c, c.Path)
	}
	bom.Components = &list
	var out bytes.Buffer
	err := cdx.NewBOMEncoder(&out, cdx.BOMFileFormatJSON).SetEscapeHTML(false).EncodeVersion(bom, cdx.SpecVersion1_6)
	return bytes.TrimSpace(out.Bytes()), err
}

// written is a component as CycloneDX has it. ref tells it from others.
func written(c Component, ref string) cdx.Component {
	out := cdx.Component{
		BOMRef: ref, Type: cdx.ComponentTypeLibrary, Group: c.Group, Name: c.Name, Version: c.Version,
		PackageURL: PackageURL(c), Properties: &[]cdx.Property{},
	}
	if c.SHA1 != "" {
		out.Hashes = &[]cdx.Hash{{Algorithm: cdx.HashAlgoSHA1, Value: c.SHA1}, {Algorithm: cdx.HashAlgoSHA256, Value: c.SHA256}}
	}
	note := func(name, value string) {
		if value != "" {
			*out.Properties = append(*out.Properties, cdx.Property{Name: name, Value: value})
		}
	}
	note("searchpack:path", c.Path)
	note("searchpack:named-by", string(c.Source))
	note("searchpack:module", c.Module)
	var licenses cdx.Licenses
	for _, l := range c.Licenses {
		licenses = append(licenses, cdx.LicenseChoice{License: &cdx.License{
			ID: l.ID, Name: l.Name, URL: l.URL, Acknowledgement: cdx.LicenseAcknowledgementDeclared,
		}})
	}
	if len(licenses) > 0 {
		out.Licenses = &licenses
	}
	if len(c.Bundled) > 0 {
		var inside []cdx.Component
		for _, b := range c.Bundled {
			inside = append(inside, written(b, ref+"!/"+b.Group+":"+b.Name+":"+b.Version))
		}
		out.Components = &inside
	}
	return out
}

// PackageURL is the component's purl: of the type maven if its group is known.
func PackageURL(c Component) string {
	if c.Group == "" {
		return purl("generic", "", c.Name, c.Version)
	}
	return purl("maven", c.Group, c.Name, c.Version)
}

func purl(kind, group, name, version string) string {
	var b strings.Builder
	b.WriteString("pkg:" + kind + "/")
	if group != "" {
		b.WriteString(escaped(group) + "/")
	}
	b.WriteString(escaped(name))
	if version != "" {
		b.WriteString("@" + escaped(version))
	}
	return b.String()
}

// escaped is percent-encoded as the purl specification has it: all but letters, digits and .-_~, and
// the colon.
func escaped(s string) string {
	return strings.NewReplacer("+", "%20", "%3A", ":").Replace(url.QueryEscape(s))
}
