package e2e

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/searchpack/searchpack/dev/internal/stack"
)

var updateConformance = flag.Bool("update-conformance", false, "write what the steps of testdata/conformance answered boto3")

// step is a line of testdata/conformance/lifecycle.json. Adding a step is adding a line;
// -update-conformance fills in Want.
type step struct {
	// Put stores Text as BUCKET/KEY; "file:NAME" is the content of that file of testdata/conformance.
	Put  string `json:"put,omitempty"`
	Text string `json:"text,omitempty"`
	// Do is "SERVICE OPERATION". ${…} in the input stands for what was saved, ${client} for the
	// client's name.
	Do    string         `json:"do,omitempty"`
	Input map[string]any `json:"input,omitempty"`
	// Until repeats the call until what stands at these places is so.
	Until map[string]any `json:"until,omitempty"`
	// Save keeps what stands at a place of the output under a name.
	Save map[string]string `json:"save,omitempty"`
	// Want is the answer in neutral form.
	Want any `json:"want,omitempty"`
}

// TestConformance drives the same life of packages and domains with four clients as they are, each
// parsing every answer with its own model, at once on one stack. All of them must see the same:
// what the file says.
func TestConformance(t *testing.T) {
	t.Parallel()
	path := filepath.Join("testdata", "conformance", "lifecycle.json")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var steps []step
	if err := json.Unmarshal(text, &steps); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	u := start(t, filepath.Join(t.TempDir(), "data"), "--domain", "demo", "--nodes", "1")
	d := u.document()
	t.Run("clients", func(t *testing.T) {
		for name, open := range map[string]func(*testing.T, *stack.Document) caller{
			"boto3": boto3Client, "cli": cliClient, "go": goClient, "js": jsClient,
		} {
			if *updateConformance && name != "boto3" {
				continue
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				_, store := clients(d)
				s := &scenario{t: t, client: open(t, d), store: store, saved: map[string]string{"client": name}}
				for i := range steps {
					s.run(i, &steps[i])
				}
			})
		}
	})
	if *updateConformance {
		writeSteps(t, path, steps)
	}
}

func writeSteps(t *testing.T, path string, steps []step) {
	t.Helper()
	text, err := json.MarshalIndent(steps, "", "  ")
	if err == nil {
		err = os.WriteFile(path, append(text, '\n'), 0o644) //nolint:gosec // a file of the repository
	}
	if err != nil {
		t.Fatal(err)
	}
}

// scenario is one client going through the steps.
type scenario struct {
	t      *testing.T
	client caller
	store  *s3.Client
	saved  map[string]string
}

func (s *scenario) run(i int, one *step) {
	s.t.Helper()
	if one.Put != "" {
		s.put(one)
		return
	}
	service, operation, _ := strings.Cut(one.Do, " ")
	input, _ := s.fill(one.Input).(map[string]any)
	if input == nil {
		input = map[string]any{}
	}
	c := call{Service: service, Operation: operation, Input: input}
	a := s.client.call(s.t, c)
	eventually(s.t, func() string {
		if unmet := s.unmet(one.Until, a); unmet != "" {
			a = s.client.call(s.t, c)
			return one.Do + " (step " + strconv.Itoa(i) + "): " + unmet
		}
		return ""
	})
	for name, place := range one.Save {
		text, ok := at(a.Output, place).(string)
		if !ok {
			s.t.Fatalf("step %d, %s: nothing at %s in %v, %+v", i, one.Do, place, a.Output, a.Error)
		}
		s.saved[name] = text
	}
	got := asJSON(s.neutral(a))
	if *updateConformance {
		one.Want = got
		return
	}
	if d := cmp.Diff(one.Want, got); d != "" {
		s.t.Errorf("step %d, %s (-want +got):\n%s", i, one.Do, d)
	}
}

func (s *scenario) put(one *step) {
	s.t.Helper()
	bucket, key, _ := strings.Cut(s.fill(one.Put).(string), "/")
	_, err := s.store.CreateBucket(s.t.Context(), &s3.CreateBucketInput{Bucket: &bucket})
	if err != nil && !strings.Contains(err.Error(), "BucketAlready") {
		s.t.Fatal(err)
	}
	body := strings.NewReader(one.Text)
	if name, ok := strings.CutPrefix(one.Text, "file:"); ok {
		content, err := os.ReadFile(filepath.Join("testdata", "conformance", name))
		if err != nil {
			s.t.Fatal(err)
		}
		body = strings.NewReader(string(content))
	}
	if _, err := s.store.PutObject(s.t.Context(), &s3.PutObjectInput{Bucket: &bucket, Key: aws.String(key), Body: body}); err != nil {
		s.t.Fatal(err)
	}
}

// unmet says what is not yet so; "" if all is.
func (s *scenario) unmet(until map[string]any, a answer) string {
	for place, want := range until {
		if got := at(a.Output, place); !cmp.Equal(got, s.fill(want)) {
			return place + " is " + show(got) + ", not " + show(want) + show(a.Error)
		}
	}
	return ""
}

func show(v any) string {
	text, _ := json.Marshal(v)
	return string(text)
}
