package rollout

import (
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// TestQuote: whatever a node says becomes one bounded line of valid text.
func TestQuote(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		said := string(rapid.SliceOfN(rapid.Byte(), 0, 2000).Draw(t, "said"))
		got := quote(said)
		if len(got) > maxWords+3 || !utf8.ValidString(got) || strings.ContainsAny(got, "\n\r\t") {
			t.Fatalf("%q becomes %q", said, got)
		}
	})
	if got := quote(strings.Repeat("ü", 400)); got != strings.Repeat("ü", 250)+"..." {
		t.Errorf("got %q", got)
	}
}

// TestQuoteLog: of a long log both how it begins and the cause, which stands last, are kept.
func TestQuoteLog(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		said := string(rapid.SliceOfN(rapid.Byte(), 0, 3000).Draw(t, "said"))
		got := quoteLog(said)
		if len(got) > maxLogHead+maxLogTail+6 || !utf8.ValidString(got) || strings.ContainsAny(got, "\n\r\t") || !strings.HasSuffix(got, ".") {
			t.Fatalf("%q becomes %q", said, got)
		}
	})
	got := quoteLog("it ended: uncaught exception\n" + strings.Repeat("Caused by: ü\n", 400) + "Caused by: boom\n")
	if !strings.HasPrefix(got, "it ended: uncaught exception Caused by: ü ") || !strings.HasSuffix(got, "ü Caused by: boom.") || !strings.Contains(got, " ... ") {
		t.Errorf("got %q", got)
	}
	if got := quoteLog("it ended."); got != "it ended." {
		t.Errorf("got %q", got)
	}
}

func TestList(t *testing.T) {
	t.Parallel()
	if got := list(strings.Fields("a b c d e f g h i j k l")); got != "a, b, c, d, e, f, g, h, i, j and 2 more" {
		t.Errorf("got %q", got)
	}
}

// TestBatches: every name once, in order, no batch over the bound unless one name alone is.
func TestBatches(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		names := rapid.SliceOf(rapid.StringMatching(`[a-z]{1,255}`)).Draw(t, "names")
		var all []string
		for _, b := range batches(names) {
			if size := len(strings.Join(b, ",")); size > maxNames || len(b) == 0 {
				t.Fatalf("a batch has %d bytes", size)
			}
			all = append(all, b...)
		}
		if strings.Join(all, ",") != strings.Join(names, ",") {
			t.Fatalf("%v becomes %v", names, all)
		}
	})
}
