package cli

import (
	"testing"
	"time"

	"github.com/searchpack/searchpack"
)

func TestSpan(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{"0": 0, "90d": 2160 * time.Hour, "36h": 36 * time.Hour, "1h30m": 90 * time.Minute, "0d": 0} {
		var d Span
		if err := d.UnmarshalText([]byte(text)); err != nil || time.Duration(d) != want {
			t.Errorf("%q: %v, %v", text, time.Duration(d), err)
		}
	}
	for _, text := range []string{"", "d", "-1d", "1.5d", "90", "-1h", "99999999999d", "1d2h"} {
		var d Span
		if err := d.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is %v", text, time.Duration(d))
		}
	}
}

// Sizes have their unit; a failed copy stored nothing, which is not a file of 0 bytes.
func TestSize(t *testing.T) {
	t.Parallel()
	digest := searchpack.Digest("5440992d407f")
	for want, v := range map[string]versionLine{
		"":           {},
		"0 B":        {Digest: digest},
		"1023 B":     {Digest: digest, Size: 1023},
		"1.0 KiB":    {Digest: digest, Size: 1 << 10},
		"1.5 MiB":    {Digest: digest, Size: 3 << 19},
		"2.0 GiB":    {Digest: digest, Size: 2 << 30},
		"2048.0 TiB": {Digest: digest, Size: 1 << 51},
	} {
		if got := size(v); got != want {
			t.Errorf("%d bytes: %q, want %q", v.Size, got, want)
		}
	}
}
