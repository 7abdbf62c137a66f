package opensearch

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/searchpack/searchpack"
)

func TestTerms(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		status int
		body   string
		want   []string
		err    string
	}{
		{"terms", 200, `{"tokens":[{"token":"notebook","position":0},{"token":"laptop","position":0},{"token":"a","position":1},{"token":"a","position":2}]}`,
			[]string{"a", "a", "laptop", "notebook"}, ""},
		{"none left", 200, `{"tokens":[]}`, []string{}, ""},
		{"refused", 400, `{"error":{"type":"illegal_argument_exception","reason":"Failed to build synonyms"},"status":400}`, nil, "400: Failed to build synonyms"},
		{"not OpenSearch", 200, `{}`, nil, "holds no tokens"},
		{"busy", 429, `{"error":{"type":"x","reason":"rejected execution"},"status":429}`, nil, "429"},
	} {
		cl := client(t, says(c.status, c.body))
		got, err := cl.Terms(t.Context(), `{"text":"x"}`, []string{"x"})
		check(t, c.name, [][]string{c.want}, got, err, c.err)
	}
}

// listAnalyzer answers _analyze as OpenSearch does a list of texts: words of letters, each with "v2"
// where it begins, and how an odd chain may answer.
type listAnalyzer struct {
	calls   int
	gap     int                    // between texts; OpenSearch has 1
	cut     func(text string) int  // by how much a text ends too early
	offsets func(start, end *int)  // of each token
	refuse  func(texts int) string // why
}

func (l *listAnalyzer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l.calls++
	var in struct {
		Text  any      `json:"text"`
		Other []string `json:"filter"`
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil || len(in.Other) != 1 {
		http.Error(w, "bad", http.StatusTeapot)
		return
	}
	texts, list := in.Text.([]any)
	if !list {
		texts = []any{in.Text}
	}
	if l.refuse != nil {
		if why := l.refuse(len(texts)); why != "" {
			says(http.StatusBadRequest, `{"error":{"type":"illegal_state_exception","reason":"`+why+`"},"status":400}`)(w, r)
			return
		}
	}
	tokens, base := []map[string]any{}, 0
	for _, x := range texts {
		text, _ := x.(string)
		units := utf16.Encode([]rune(text))
		for at, word := range words(units) {
			start, end := base+at, base+at+len(utf16.Encode([]rune(word)))
			if l.offsets != nil {
				l.offsets(&start, &end)
			}
			for _, term := range []string{word, "v2"} {
				tokens = append(tokens, map[string]any{"token": term, "start_offset": start, "end_offset": end})
			}
		}
		base += len(units) + l.gap
		if l.cut != nil {
			base -= l.cut(text)
		}
	}
	b, _ := json.Marshal(map[string]any{"tokens": tokens})
	says(http.StatusOK, string(b))(w, r)
}

// words of a text in their order, by the unit at which they begin.
func words(units []uint16) func(yield func(int, string) bool) {
	return func(yield func(int, string) bool) {
		from := 0
		for i := range len(units) + 1 {
			if i < len(units) && units[i] != ' ' {
				continue
			}
			if i > from && !yield(from, string(utf16.Decode(units[from:i]))) {
				return
			}
			from = i + 1
		}
	}
}

// Many texts take one call, and each gets its own terms.
func TestTermsOfManyTexts(t *testing.T) {
	t.Parallel()
	l := &listAnalyzer{gap: 1}
	texts := []string{"laptop", "  ", "dell \U0001F4BB laptop", "", "é x", "laptop"}
	got, err := client(t, l.ServeHTTP).Terms(t.Context(), `{"filter":["x"],"text":"y"}`, texts)
	check(t, "terms", [][]string{
		{"laptop", "v2"}, {}, {"dell", "laptop", "v2", "v2", "v2", "\U0001F4BB"}, {}, {"v2", "v2", "x", "é"}, {"laptop", "v2"},
	}, got, err, "")
	if l.calls != 1 {
		t.Errorf("%d calls for %d texts", l.calls, len(texts))
	}
}

// Where it cannot be told which term is of which text, each text goes alone, and the terms are right.
func TestTermsThatCannotBeToldApart(t *testing.T) {
	t.Parallel()
	texts := []string{"a b", "c", "dd e"}
	for name, l := range map[string]*listAnalyzer{
		"another gap":                 {gap: 100},
		"no gap":                      {gap: 0},
		"a text ends too early":       {gap: 1, cut: func(text string) int { return len(text) - 1 }},
		"a text in between does":      {gap: 1, cut: func(text string) int { return strings.Count(text, "c") }},
		"no offsets":                  {gap: 1, offsets: func(start, end *int) { *start, *end = 0, 0 }},
		"offsets past everything":     {gap: 1, offsets: func(_, end *int) { *end += 1000 }},
		"offsets that are turned":     {gap: 1, offsets: func(start, end *int) { *start, *end = *end, *start }},
		"too many tokens together":    {gap: 1, refuse: func(n int) string { return strings.Repeat("too many", n-1) }},
		"the answer is of other text": {gap: 1, offsets: func(start, end *int) { *start, *end = *start+7, *end+7 }},
	} {
		got, err := client(t, l.ServeHTTP).Terms(t.Context(), `{"filter":["x"]}`, texts)
		check(t, name, [][]string{{"a", "b", "v2", "v2"}, {"c", "v2"}, {"dd", "e", "v2", "v2"}}, got, err, "")
		if want := 1 + len(texts); l.calls != want {
			t.Errorf("%s: %d calls, want %d", name, l.calls, want)
		}
	}
}

// Without a token in the first text nothing tells whether the others lie where they should.
func TestTermsWithoutAFirstToken(t *testing.T) {
	t.Parallel()
	l := &listAnalyzer{gap: 1}
	got, err := client(t, l.ServeHTTP).Terms(t.Context(), `{"filter":["x"]}`, []string{" ", "c"})
	check(t, "terms", [][]string{{}, {"c", "v2"}}, got, err, "")
	if l.calls != 3 {
		t.Errorf("%d calls", l.calls)
	}
	for _, body := range []string{"", "null", "[]"} {
		_, err := client(t, l.ServeHTTP).Terms(t.Context(), body, []string{"a", "b"})
		check(t, body, nil, nil, err, "no JSON object")
	}
}

// A node that is busy is asked again later, not once for each text.
func TestTermsOfABusyNode(t *testing.T) {
	t.Parallel()
	calls := 0
	cl := client(t, func(w http.ResponseWriter, r *http.Request) {
		calls++
		says(http.StatusTooManyRequests, `{"error":{"type":"x","reason":"rejected execution"},"status":429}`)(w, r)
	})
	_, err := cl.Terms(t.Context(), `{}`, []string{"a", "b", "c"})
	if searchpack.ErrorCode(err) != searchpack.ErrUnavailable || calls != 1 {
		t.Errorf("%v after %d calls", err, calls)
	}
}

func TestTokens(t *testing.T) {
	t.Parallel()
	cl := client(t, says(200, `{"tokens":[{"token":"tv","start_offset":0,"end_offset":2,"type":"word","position":1,"positionLength":2},{"token":"a","type":"SYNONYM","position":0}]}`))
	got, err := cl.Tokens(t.Context(), `{"text":"x"}`)
	check(t, "in their order", []searchpack.Token{{Text: "tv", Position: 1, Length: 2, Type: "word"}, {Text: "a", Type: "SYNONYM"}}, got, err, "")
	for status, code := range map[int]searchpack.Code{
		400: searchpack.ErrInvalid, 500: searchpack.ErrInvalid, 429: searchpack.ErrUnavailable, 503: searchpack.ErrUnavailable,
		401: searchpack.ErrUnavailable, 403: searchpack.ErrUnavailable,
	} {
		cl := client(t, says(status, `{"error":{"type":"x","reason":"why"},"status":1}`))
		if _, err := cl.Tokens(t.Context(), `{}`); searchpack.ErrorCode(err) != code || status != 401 && !strings.Contains(err.Error(), "why") {
			t.Errorf("%d: %v", status, err)
		}
	}
}
