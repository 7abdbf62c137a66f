package xmlbound

import (
	"encoding/xml"
	"errors"
	"strings"
	"testing"
)

// TestTokens: the bytes of each token are what the decoder made the token of.
func TestTokens(t *testing.T) {
	t.Parallel()
	want := []string{"<a b='c'>", "", "<b/>", "", "<!-- x -->", "", "</a>"} // texts end at a byte that is the next token's
	r := NewReader(strings.NewReader("<a b='c'>text<b/><!-- x -->more</a>"), 20)
	d := xml.NewDecoder(r)
	var got []string
	for {
		begin := d.InputOffset()
		r.Begin(begin)
		token, err := d.RawToken()
		if err != nil {
			break
		}
		raw := string(r.Token(begin, d.InputOffset()))
		if _, text := token.(xml.CharData); text {
			raw = ""
		}
		got = append(got, raw)
	}
	if strings.Join(got, "|") != strings.Join(want, "|") {
		t.Errorf("tokens %q, want %q", got, want)
	}
}

func TestBounds(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]error{
		"<a>" + strings.Repeat("x", 1000) + "</a>":               nil,
		"<a>" + strings.Repeat("x", 2000) + "</a>":               ErrTooLong,
		"<a " + strings.Repeat("x", 2000):                        ErrTooLong,
		strings.Repeat("<a>"+strings.Repeat("x", 900)+"</a>", 9): nil,
	} {
		r := NewReader(strings.NewReader(text), 0)
		r.MaxToken = 1500
		d := xml.NewDecoder(r)
		var err error
		for err == nil {
			r.Begin(d.InputOffset())
			_, err = d.RawToken()
		}
		if want != nil && !errors.Is(err, want) || want == nil && err.Error() != "EOF" {
			t.Errorf("%.20q: %v, want %v", text, err, want)
		}
	}
}
