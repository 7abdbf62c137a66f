package awsapi

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/searchpack/searchpack"
)

// frontDoor are the types that no operation declares.
var frontDoor = []string{typeSerialization, typeUnknownOperation, typeTooLarge}

// servedOperations of both versions, in the order of the model.
func servedOperations(m *model) []*operation {
	return slices.DeleteFunc(slices.Clone(m.Operations), func(op *operation) bool { return operations()[op.Version][op.Name].run == nil })
}

// checkAnswer says what no answer may be, whatever was asked.
func checkAnswer(t testing.TB, m *model, op *operation, w *httptest.ResponseRecorder) {
	t.Helper()
	kind := w.Header().Get("X-Amzn-Errortype")
	switch {
	case w.Code >= 500 || w.Code >= 300 && w.Code < 400:
		t.Errorf("%s of %s: %d %s", op.Name, op.Version, w.Code, w.Body)
	case !json.Valid(w.Body.Bytes()) || w.Header().Get("X-Amzn-Requestid") == "":
		t.Errorf("%s of %s: %v %q", op.Name, op.Version, w.Header(), w.Body)
	case w.Code == http.StatusOK:
		if problems := conforms(m, op, w.Body.Bytes()); len(problems) > 0 || kind != "" {
			t.Errorf("%s of %s: %s %q", op.Name, op.Version, kind, problems)
		}
	case !op.declares(kind) && !slices.Contains(frontDoor, kind):
		t.Errorf("%s of %s: %d %s is not declared: %s", op.Name, op.Version, w.Code, kind, w.Body)
	}
}

// Thousands of requests made from the model, valid and spoiled, for every operation of both versions
// on a real catalog: valid ones break no constraint, nothing breaks the server, and every answer is
// one that the model describes.
func TestRandomRequests(t *testing.T) {
	t.Parallel()
	for name, local := range map[string]bool{"our cluster": true, "somebody's cluster": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rounds := 40
			if testing.Short() {
				rounds = 4
			}
			randomRequests(t, newWorld(t, local), 1, rounds)
		})
	}
}

// randomRequests sends two requests per operation and round.
func randomRequests(t *testing.T, w *world, seed uint64, rounds int) {
	m := mustModel(t)
	samplers := map[string]*sampler{version: newSampler(m.Shapes[version], seed), legacy: newSampler(m.Shapes[legacy], seed)}
	answered := map[string]int{}
	for round := range rounds {
		for _, op := range servedOperations(m) {
			s := samplers[op.Version]
			if strings.HasPrefix(op.Name, "Delete") && round%4 > 0 {
				continue // else nothing lives long enough
			}
			c := s.sample(op)
			got := httptest.NewRecorder()
			w.ServeHTTP(got, c.request(s.shapes))
			checkAnswer(t, m, op, got)
			text := got.Body.String()
			if strings.Contains(text, "failed to satisfy constraint") || strings.Contains(got.Header().Get("X-Amzn-Errortype"), "Serialization") {
				t.Errorf("%s of %s: valid, and refused: %v: %s", op.Name, op.Version, c.input, text)
			}
			if got.Code == http.StatusOK {
				answered[op.Version+" "+op.Name]++
			}
			learn(samplers, got.Body.Bytes())

			c = s.sample(op)
			for range s.IntN(3) + 1 {
				s.spoil(&c)
			}
			got = httptest.NewRecorder()
			w.ServeHTTP(got, c.request(s.shapes))
			checkAnswer(t, m, op, got)
			if t.Failed() {
				t.Fatalf("seed %d", seed)
			}
		}
		w.progress()
	}
	// Requests that all fail would prove little.
	var never []string
	for _, op := range servedOperations(m) {
		if answered[op.Version+" "+op.Name] == 0 {
			never = append(never, op.Version+" "+op.Name)
		}
	}
	if len(never) > len(servedOperations(m))/4 && rounds >= 40 {
		t.Errorf("never succeeded: %q", never)
	}
}

// learn keeps ids and tokens of an answer, so that later requests name what is there.
func learn(samplers map[string]*sampler, body []byte) {
	var got struct {
		PackageDetails struct{ PackageID string }
		NextToken      string
	}
	if json.Unmarshal(body, &got) != nil {
		return
	}
	for _, s := range samplers {
		for name, value := range map[string]string{"PackageID": got.PackageDetails.PackageID, "NextToken": got.NextToken} {
			if value != "" {
				s.known[name] = append(s.known[name], value)
				s.known[name] = s.known[name][max(0, len(s.known[name])-mostKnown):]
			}
		}
	}
}

// mostKnown: older ones are probably gone.
const mostKnown = 8

// progress lets imports, rollouts and nodes go on.
func (w *world) progress() {
	w.t.Helper()
	w.importAll()
	var names []string
	w.update(func(tx searchpack.Tx) error {
		domains, err := tx.Domains(w.t.Context(), testCaller.Account, testCaller.Region)
		names = nil
		for _, d := range domains {
			names = append(names, d.Name)
		}
		return err
	})
	for _, name := range names {
		w.rollOut(name)
		w.report(name, "n1")
	}
}
