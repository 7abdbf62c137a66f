package e2e

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// boto3 returns a Python that has it; tests without one are skipped unless clients are required.
func boto3(t *testing.T) string {
	t.Helper()
	python := os.Getenv("SEARCHPACK_PYTHON")
	if python == "" {
		python = "python3"
	}
	if err := exec.Command(python, "-c", "import boto3").Run(); err != nil {
		if os.Getenv("SEARCHPACK_REQUIRE_CLIENTS") != "" {
			t.Fatalf("%s has no boto3: %v", python, err)
		}
		t.Skipf("%s has no boto3", python)
	}
	return python
}

// TestBoto3 drives create, describe, update, associate, list, dissociate and delete with the real
// client against real agents, to each end state; and S3 and STS on the way.
func TestBoto3(t *testing.T) {
	t.Parallel()
	python := boto3(t)
	u := start(t, filepath.Join(t.TempDir(), "data"), "--domain", "demo", "--nodes", "2")
	d := u.document()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, python, "testdata/lifecycle.py", filepath.Join(u.data, "stack.json"))
	cmd.Env = append(os.Environ(), "AWS_ENDPOINT_URL="+d.Endpoint, "AWS_ACCESS_KEY_ID="+d.AccessKeyID,
		"AWS_SECRET_ACCESS_KEY="+d.SecretAccessKey, "AWS_DEFAULT_REGION="+d.Region, "AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null")
	out, err := cmd.CombinedOutput()
	if err != nil {
		log, _ := os.ReadFile(filepath.Join(u.data, "server.log"))
		t.Fatalf("%v\n%s\nserver.log:\n%.8000s", err, out, log)
	}
	t.Logf("%s", out)
}
