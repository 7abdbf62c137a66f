package cli

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// pages answers one page after the other, and none when they are used up.
func pages(answers ...string) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, _ *http.Request) bool {
		answer := `{"events":[]}`
		if len(answers) > 0 {
			answer, answers = answers[0], answers[1:]
		}
		_, _ = w.Write([]byte(answer))
		return true
	}
}

func eventText(id int) string {
	return fmt.Sprintf(`{"id":%d,"at":"2026-03-04T05:06:07Z","actor":"arn:aws:iam::1:user/kim","action":"A%d","subject":"S","result":"ok"}`, id, id)
}

// More events than one answer holds come in several.
func TestEventsInPages(t *testing.T) {
	t.Parallel()
	s := newServer(t, pages(`{"events":[`+eventText(9)+`,`+eventText(8)+`],"next_before":8}`, `{"events":[],"next_before":5}`, `{"events":[`+eventText(4)+`]}`))
	out, err := s.run(t, &EventsCmd{Limit: 1500}, "table", Terminal{})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"limit=1000", "before=8&limit=1000", "before=5&limit=1000"} {
		if i >= len(s.requests) || !strings.HasSuffix(s.requests[i], "/events?"+want) {
			t.Fatalf("asked %q", s.requests)
		}
	}
	if len(s.requests) != 3 || strings.Count(out, "\n") != 4 || !strings.Contains(out, "\n4 ") {
		t.Errorf("asked %q: %s", s.requests, out)
	}
}

// written tells of each line that is written.
type written struct {
	text bytes.Buffer
	line chan struct{}
}

func (w *written) Write(b []byte) (int, error) {
	n, err := w.text.Write(b)
	for range bytes.Count(b, []byte("\n")) {
		w.line <- struct{}{}
	}
	return n, err
}

// Following prints what is there, oldest first, then what comes, each event once, until stopped.
func TestFollow(t *testing.T) {
	t.Parallel()
	for format, want := range map[string]string{
		"table": "7  2026-03-04T05:06:07Z  arn:aws:iam::1:user/kim  -  -  A7  S  ok  -  \n",
		"json":  eventText(7) + "\n",
	} {
		s := newServer(t, pages(
			`{"events":[`+eventText(8)+`,`+eventText(7)+`],"next_before":7,"newest":11}`, // filtered: others are newer
			`{"events":[]}`,
			`{"events":[`+eventText(12)+`],"newest":12}`,
		))
		ctx, cancel := context.WithCancel(t.Context())
		out := &written{line: make(chan struct{}, 10)}
		ended := make(chan error, 1)
		go func() {
			ended <- (&EventsCmd{Limit: 2, Action: "A", Follow: true, Every: time.Millisecond}).Run(&Context{
				Context: ctx, Out: out, Now: time.Now, Globals: &Globals{EndpointURL: s.URL, Region: "eu-central-1", Output: format},
			})
		}()
		for range 3 {
			select {
			case <-out.line:
			case err := <-ended:
				t.Fatalf("ended: %v", err)
			case <-time.After(30 * time.Second):
				t.Fatal("three lines do not come")
			}
		}
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("stopped: %v", err)
		}
		s.Close() // waits for what is under way
		var asked []string
		for _, r := range s.requests[:3] {
			_, query, _ := strings.Cut(r, "?")
			asked = append(asked, query)
		}
		if got := strings.Join(asked, " "); got != "action=A&limit=2 action=A&after=11&limit=1000 action=A&after=11&limit=1000" {
			t.Errorf("asked %s", got)
		}
		got := out.text.String()
		if !strings.HasPrefix(got, want) || strings.Index(got, "A7") > strings.Index(got, "A8") || strings.Count(got, "A12") != 1 {
			t.Errorf("printed %s", got)
		}
	}
}
