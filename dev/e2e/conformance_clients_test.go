package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/elasticsearchservice"
	"github.com/aws/aws-sdk-go-v2/service/opensearch"
	"github.com/aws/smithy-go"

	"github.com/searchpack/searchpack/dev/internal/stack"
)

// call is one call of one of the two services: "opensearch" is 2021-01-01, "es" 2015-01-01.
type call struct {
	Service   string         `json:"service"`
	Operation string         `json:"operation"`
	Input     map[string]any `json:"input"`
}

// answer is what a client made of the server's answer with its own model.
type answer struct {
	Output map[string]any `json:"output,omitempty"`
	Error  *refusal       `json:"error,omitempty"`
}

// refusal is an error as a client shows it. Status is 0 where the client does not tell.
type refusal struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Status  int    `json:"status,omitempty"`
}

// caller is a client under test.
type caller interface {
	call(t *testing.T, c call) answer
}

// environment points a client at the stack and at nothing else.
func environment(d *stack.Document) []string {
	return append(os.Environ(), "AWS_ENDPOINT_URL="+d.Endpoint, "AWS_REGION="+d.Region, "AWS_DEFAULT_REGION="+d.Region,
		"AWS_ACCESS_KEY_ID="+d.AccessKeyID, "AWS_SECRET_ACCESS_KEY="+d.SecretAccessKey,
		"AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null", "AWS_MAX_ATTEMPTS=1", "AWS_PAGER=")
}

// absent skips the test of a client that is not installed, unless clients are required.
func absent(t *testing.T, what string, err error) {
	t.Helper()
	if os.Getenv("SEARCHPACK_REQUIRE_CLIENTS") != "" {
		t.Fatalf("%s is not installed: %v", what, err)
	}
	t.Skipf("%s is not installed: %v", what, err)
}

// lines is a client in a process of its own that is told calls line by line.
type lines struct {
	in  io.Writer
	out *bufio.Reader
	log *lockedBuffer
}

// startLines starts the process; the test's end ends it.
func startLines(t *testing.T, d *stack.Document, program string, args ...string) *lines {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = environment(d)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	l := &lines{in: in, out: bufio.NewReader(out), log: &lockedBuffer{}}
	cmd.Stderr = l.log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = cmd.Wait()
	})
	return l
}

func (l *lines) call(t *testing.T, c call) answer {
	t.Helper()
	text, err := json.Marshal(c)
	if err == nil {
		_, err = l.in.Write(append(text, '\n'))
	}
	if err != nil {
		t.Fatalf("%s: %v\n%s", c.Operation, err, l.log)
	}
	line, err := l.out.ReadBytes('\n')
	var a answer
	if err == nil {
		err = json.Unmarshal(line, &a)
	}
	if err != nil {
		t.Fatalf("%s: the client ended: %v\n%s", c.Operation, err, l.log)
	}
	return a
}

func boto3Client(t *testing.T, d *stack.Document) caller {
	return startLines(t, d, boto3(t), "testdata/conformance/boto3_calls.py")
}

// jsClient needs node and, in SEARCHPACK_JS, a folder with the SDK in its node_modules.
func jsClient(t *testing.T, d *stack.Document) caller {
	dir := os.Getenv("SEARCHPACK_JS")
	if _, err := os.Stat(filepath.Join(dir, "node_modules", "@aws-sdk")); dir == "" || err != nil {
		absent(t, "the AWS SDK for JavaScript", fmt.Errorf("SEARCHPACK_JS names no folder with it: %w", err))
	}
	node, err := exec.LookPath("node")
	if err != nil {
		absent(t, "node", err)
	}
	return startLines(t, d, node, "testdata/conformance/js_calls.mjs", dir)
}

// awsCLI is the AWS command line: one process a call.
type awsCLI struct {
	program string
	env     []string
}

func cliClient(t *testing.T, d *stack.Document) caller {
	program := os.Getenv("SEARCHPACK_AWS")
	if program == "" {
		program = "aws"
	}
	path, err := exec.LookPath(program)
	if err != nil {
		absent(t, "the AWS CLI", err)
	}
	return awsCLI{path, environment(d)}
}

var (
	upper    = regexp.MustCompile(`[A-Z]`)
	cliError = regexp.MustCompile(`(?s)An error occurred \((\w+)\) when calling the \w+ operation[^:]*: (.*)\n$`)
)

func (c awsCLI) call(t *testing.T, one call) answer {
	t.Helper()
	input, err := json.Marshal(one.Input)
	if err != nil {
		t.Fatal(err)
	}
	name := strings.TrimPrefix(upper.ReplaceAllStringFunc(one.Operation, func(s string) string { return "-" + strings.ToLower(s) }), "-")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, c.program, one.Service, name, "--cli-input-json", string(input), "--output", "json", "--no-paginate")
	cmd.Env = c.env
	var stdout, stderr lockedBuffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err = cmd.Run()
	if m := cliError.FindStringSubmatch(stderr.String()); err != nil && m != nil {
		return answer{Error: &refusal{Code: m[1], Message: m[2]}}
	}
	var a answer
	if err == nil && strings.TrimSpace(stdout.String()) != "" {
		err = json.Unmarshal([]byte(stdout.String()), &a.Output)
	}
	if err != nil {
		t.Fatalf("aws %s %s: %v\n%s%s", one.Service, name, err, stdout.String(), stderr.String())
	}
	return a
}

// goSDK calls the AWS SDK for Go's methods by their names.
type goSDK map[string]reflect.Value

func goClient(_ *testing.T, d *stack.Document) caller {
	cfg := aws.Config{
		Region: d.Region, BaseEndpoint: aws.String(d.Endpoint), RetryMaxAttempts: 1, HTTPClient: wholeBodies{awshttp.NewBuildableClient()},
		Credentials: credentials.NewStaticCredentialsProvider(d.AccessKeyID, d.SecretAccessKey, ""),
	}
	return goSDK{
		"opensearch": reflect.ValueOf(opensearch.NewFromConfig(cfg)),
		"es":         reflect.ValueOf(elasticsearchservice.NewFromConfig(cfg)),
	}
}

// wholeBodies sends request bodies as bytes in memory. Of any other reader net/http looks for more
// after the last byte has gone out; the SDK closes the body as soon as an answer begins, and when
// that comes between the two, net/http closes the connection while the answer is still being read.
// Only a server on the same machine is that fast.
type wholeBodies struct{ aws.HTTPClient }

// Do sends the request.
func (c wholeBodies) Do(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	return c.HTTPClient.Do(r)
}

func (g goSDK) call(t *testing.T, c call) answer {
	t.Helper()
	method := g[c.Service].MethodByName(c.Operation)
	if !method.IsValid() {
		t.Fatalf("the SDK for Go has no %s %s", c.Service, c.Operation)
	}
	text, err := json.Marshal(c.Input)
	in := reflect.New(method.Type().In(1).Elem())
	if err == nil {
		err = json.Unmarshal(text, in.Interface())
	}
	if err != nil {
		t.Fatal(err)
	}
	out := method.Call([]reflect.Value{reflect.ValueOf(t.Context()), in})
	if failed, ok := out[1].Interface().(error); ok {
		return answer{Error: goRefusal(t, failed)}
	}
	var a answer
	if text, err = json.Marshal(out[0].Interface()); err == nil {
		err = json.Unmarshal(text, &a.Output)
	}
	if err != nil {
		t.Fatal(err)
	}
	delete(a.Output, "ResultMetadata")
	return a
}

func goRefusal(t *testing.T, err error) *refusal {
	t.Helper()
	var api smithy.APIError
	var response *awshttp.ResponseError
	if !errors.As(err, &api) || !errors.As(err, &response) {
		t.Fatalf("no API error: %v", err)
	}
	return &refusal{Code: api.ErrorCode(), Message: api.ErrorMessage(), Status: response.HTTPStatusCode()}
}
