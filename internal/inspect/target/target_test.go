package target

import "testing"

func TestParse(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"3.8.0": "3.8.0", "3.8": "3.8.0", "OpenSearch_2.19": "2.19.0", "2.19.1": "2.19.1",
		"": "!", "3": "!", "3.8.x": "!", "Elasticsearch_7.10": "!", "3.8.0-SNAPSHOT": "!", "3.99999999999": "!",
	} {
		v, err := Parse(text)
		got := v.String()
		if err != nil {
			got = "!"
		}
		if got != want {
			t.Errorf("Parse(%q) = %s, want %s", text, got, want)
		}
	}
}

func TestBefore(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		v            Version
		major, minor int
		want         bool
	}{
		{Version{2, 19, 0}, 3, 7, true},
		{Version{3, 7, 0}, 3, 7, false},
		{Version{3, 6, 9}, 3, 7, true},
		{Version{3, 8, 0}, 3, 7, false},
		{Version{4, 0, 0}, 3, 7, false},
	} {
		if got := c.v.Before(c.major, c.minor); got != c.want {
			t.Errorf("%s.Before(%d, %d) = %v", c.v, c.major, c.minor, got)
		}
	}
}
