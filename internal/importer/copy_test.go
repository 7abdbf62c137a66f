package importer

import (
	"strings"
	"testing"
)

// What S3 says of an object is stored: PostgreSQL takes neither NUL nor broken UTF-8, and the import
// would never end.
func TestHeadersAreFit(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`"etag"`:                  `"etag"`,
		"nul\x00 bad\xff\xfe end": "nul\uFFFD bad\uFFFD end",
		strings.Repeat("x", maxHeader-1) + "é…":   strings.Repeat("x", maxHeader-1) + "\uFFFD",
		strings.Repeat("e", maxHeader) + "beyond": strings.Repeat("e", maxHeader),
	} {
		if got := firstBytes(in); got != want {
			t.Errorf("%.40q: %q", in, got)
		}
	}
}
