package sbom

import (
	"bytes"
	"encoding/xml"
	"io"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/text/encoding/ianaindex"
)

// License is one that a jar states. ID is set only if the text is exactly one of SPDX's.
type License struct {
	ID, Name, URL string
}

// maxLicenses bounds those of one jar.
const maxLicenses = 20

// spdx are SPDX's identifiers of the licences that libraries for Java mostly have, with SPDX's full
// names.
var spdx = map[string]string{
	"0BSD": "BSD Zero Clause License", "Apache-1.1": "Apache License 1.1", "Apache-2.0": "Apache License 2.0",
	"BSD-2-Clause": `BSD 2-Clause "Simplified" License`, "BSD-3-Clause": `BSD 3-Clause "New" or "Revised" License`,
	"BSL-1.0": "Boost Software License 1.0", "CC0-1.0": "Creative Commons Zero v1.0 Universal",
	"CDDL-1.0": "Common Development and Distribution License 1.0", "CDDL-1.1": "Common Development and Distribution License 1.1",
	"CPL-1.0": "Common Public License 1.0", "EPL-1.0": "Eclipse Public License 1.0", "EPL-2.0": "Eclipse Public License 2.0",
	"AGPL-3.0-only": "GNU Affero General Public License v3.0 only",
	"GPL-2.0-only":  "GNU General Public License v2.0 only", "GPL-2.0-or-later": "GNU General Public License v2.0 or later",
	"GPL-3.0-only": "GNU General Public License v3.0 only", "GPL-3.0-or-later": "GNU General Public License v3.0 or later",
	"ICU": "ICU License", "ISC": "ISC License",
	"LGPL-2.1-only": "GNU Lesser General Public License v2.1 only", "LGPL-2.1-or-later": "GNU Lesser General Public License v2.1 or later",
	"LGPL-3.0-only": "GNU Lesser General Public License v3.0 only", "LGPL-3.0-or-later": "GNU Lesser General Public License v3.0 or later",
	"MIT": "MIT License", "MIT-0": "MIT No Attribution", "MPL-1.1": "Mozilla Public License 1.1", "MPL-2.0": "Mozilla Public License 2.0",
	"Unicode-3.0": "Unicode License v3", "Unlicense": "The Unlicense", "UPL-1.0": "Universal Permissive License v1.0", "Zlib": "zlib License",
}

var webAddress = regexp.MustCompile(`^https?://[A-Za-z0-9.:-]+(/[!-~]*)?$`)

func newLicense(name, url string) License {
	if name == "" {
		name = url
	}
	l := License{Name: name}
	if webAddress.MatchString(url) { // CycloneDX takes addresses only
		l.URL = url
	}
	for id, full := range spdx {
		if name == id || name == full {
			l.ID, l.Name = id, ""
		}
	}
	return l
}

// pomLicenses are those of a pom.xml. Those of its parent are not in the jar.
func pomLicenses(pom []byte) []License {
	d := xml.NewDecoder(bytes.NewReader(pom))
	d.Strict = false
	d.CharsetReader = func(label string, in io.Reader) (io.Reader, error) {
		e, err := ianaindex.IANA.Encoding(label)
		if err != nil || e == nil {
			return in, err
		}
		return e.NewDecoder().Reader(in), nil
	}
	var out []License
	var where []string
	var name, url string
	for len(out) < maxLicenses {
		token, err := d.RawToken()
		if err != nil {
			break // the end, or no XML: what was read so far stands
		}
		switch t := token.(type) {
		case xml.StartElement:
			where = append(where, t.Name.Local)
			if len(where) > maxPomDepth {
				return out
			}
			if slices.Equal(where, license) {
				name, url = "", ""
			}
		case xml.EndElement:
			if slices.Equal(where, license) && name+url != "" {
				out = append(out, newLicense(name, url))
			}
			where = where[:max(len(where)-1, 0)]
		case xml.CharData:
			if len(where) != len(license)+1 || !slices.Equal(where[:len(license)], license) {
				continue
			}
			switch where[len(license)] {
			case "name":
				name = clean(name + string(t))
			case "url":
				url = clean(url + string(t))
			}
		}
	}
	return out
}

var license = []string{"project", "licenses", "license"}

const maxPomDepth = 100

// bundleLicenses are those of the header Bundle-License (OSGi): parted by commas, each a name or URL
// with attributes behind semicolons.
func bundleLicenses(header string) []License {
	var out []License
	for part := range strings.SplitSeq(header, ",") {
		words := strings.Split(part, ";")
		name := strings.Trim(strings.TrimSpace(words[0]), `"`)
		url := ""
		for _, w := range words[1:] {
			if link, ok := strings.CutPrefix(strings.TrimSpace(w), "link="); ok {
				url = strings.Trim(link, `"`)
			}
		}
		if strings.HasPrefix(name, "http:") || strings.HasPrefix(name, "https:") {
			url = name
		}
		if name != "" && name != "<<EXTERNAL>>" && len(out) < maxLicenses {
			out = append(out, newLicense(name, url))
		}
	}
	return out
}
