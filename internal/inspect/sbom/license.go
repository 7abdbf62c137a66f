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

// License is one that a jar states. ID is set only if its text or address says for certain which of
// SPDX's it is.
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
	if l.ID = idOf(name, url); l.ID != "" {
		l.Name = ""
	}
	return l
}

// apacheName is how libraries write the name of the licence that most of them have.
var apacheName = regexp.MustCompile(`^(?i:(The )?Apache( Software)?( License)?,?( Version| v\.?)? ?2(\.0)?)$`)

// several are words of a text that names more than one licence, or changes one.
var several = regexp.MustCompile(`(?i)\b(or|and|with|exception)\b|[/&+]`)

// idOf returns SPDX's identifier of a licence, by its name or else its address; "" if it is not known.
func idOf(name, url string) string {
	for id, full := range spdx {
		if name == id || name == full {
			return id
		}
	}
	if apacheName.MatchString(name) {
		return "Apache-2.0"
	}
	if name != url && several.MatchString(name) {
		return ""
	}
	m := address.FindStringSubmatch(url)
	if m == nil {
		return ""
	}
	return addresses[strings.ToLower(m[1])]
}

// address cuts from an address what differs between those of one text.
var address = regexp.MustCompile(`^https?://(?:www\.)?([^?#]+?)(?:\.txt|\.html|\.php)?/?$`)

// addresses are where libraries say that their licence is found, in lower case.
var addresses = map[string]string{
	"apache.org/licenses/license-2.0": "Apache-2.0", "opensource.org/licenses/apache-2.0": "Apache-2.0", "opensource.org/licenses/apache2.0": "Apache-2.0",
	"opensource.org/licenses/mit": "MIT", "opensource.org/licenses/mit-license": "MIT", "opensource.org/license/mit": "MIT",
	"opensource.org/licenses/bsd-2-clause": "BSD-2-Clause", "opensource.org/licenses/bsd-3-clause": "BSD-3-Clause",
	"eclipse.org/legal/epl-v10": "EPL-1.0", "eclipse.org/legal/epl-2.0": "EPL-2.0", "eclipse.org/legal/epl-v20": "EPL-2.0",
	"mozilla.org/mpl/2.0": "MPL-2.0", "mozilla.org/en-us/mpl/2.0": "MPL-2.0", "mozilla.org/mpl/mpl-1.1": "MPL-1.1",
	"creativecommons.org/publicdomain/zero/1.0": "CC0-1.0", "unlicense.org": "Unlicense",
}

// licenseFiles are where a jar has the text of its licence.
var licenseFiles = []string{"META-INF/LICENSE", "META-INF/LICENSE.txt", "META-INF/LICENSE.md"}

// apacheText is how the text of the Apache License begins. Other texts name no licence for certain.
var apacheText = regexp.MustCompile(`^\s*Apache License\s+Version 2\.0, January 2004\s`)

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
	if apacheName.MatchString(header) { // many forget the quotes around "Apache License, Version 2.0"
		return []License{newLicense(header, "")}
	}
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
