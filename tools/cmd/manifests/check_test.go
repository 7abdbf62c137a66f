package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func shipped(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "..", "..", "packaging", "kubernetes", "*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no manifests: %v", err)
	}
	out := map[string]string{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		out[filepath.Base(file)] = string(text)
	}
	return out
}

func TestShippedManifests(t *testing.T) {
	t.Parallel()
	for name, text := range shipped(t) {
		for _, problem := range check([]byte(text)) {
			t.Errorf("%s: %s", name, problem)
		}
	}
}

// Each mistake in a shipped manifest is seen.
func TestMistakesAreSeen(t *testing.T) {
	t.Parallel()
	text := shipped(t)["opensearch.yaml"]
	for name, c := range map[string]struct{ was, is, says string }{
		"a misspelt word":        {"serviceName:", "serviceNam:", "serviceNam"},
		"a word of another kind": {"podManagementPolicy: Parallel", "strategy: {}", "strategy"},
		"a value of no kind":     {"replicas: 3", "replicas: three", "int32"},
		"a word twice":           {"replicas: 3", "replicas: 3\n  replicas: 4", "replicas"},
		"an unknown kind":        {"kind: StatefulSet", "kind: StatefulSets", "does not know"},
		"an old version":         {"apiVersion: apps/v1", "apiVersion: apps/v1beta1", "does not know"},
		"other labels":           {"matchLabels: {app: opensearch}", "matchLabels: {app: other}", "does not match"},
		"a volume not there":     {"- {name: own, secret:", "- {name: owned, secret:", "mounts own"},
		"a name that is none":    {"name: searchpack-sync", "name: searchpack_sync", "searchpack_sync"},
		"a container twice":      {"name: searchpack-sync", "name: config", "stands twice"},
		"no such port":           {"tcpSocket: {port: transport}", "tcpSocket: {port: transports}", "transports"},
		"no image":               {"- name: searchpack-agent\n          image: opensearch-searchpack:3.8.0", "- name: searchpack-agent", "no image"},
		"no size":                {"resources: {requests: {storage: 5Gi}}", "resources: {}", "a size"},
		"a size of no kind":      {"storage: 5Gi", "storage: 5Gigs", "quantities"},
		"two at one place":       {"mountPath: /etc/searchpack/opensearch,", "mountPath: /etc/searchpack/token,", "two volumes"},
		"a probe of two ways":    {"startupProbe:\n", "startupProbe:\n            httpGet: {port: http}\n", "2 ways"},
		"no volume for plugins":  {"- {name: plugins, emptyDir: {}}", "# ", "mounts plugins"},
		"plugins over the home":  {"mountPath: /usr/share/opensearch/plugins,", "mountPath: /usr/share/opensearch/config,", "two volumes"},
		"a key of no kind":       {"  agent.yml: |", "  agent/yml: |", "agent/yml"},
	} {
		if !strings.Contains(text, c.was) {
			t.Errorf("%s: the manifest has no %q", name, c.was)
			continue
		}
		problems := strings.Join(check([]byte(strings.Replace(text, c.was, c.is, 1))), "\n")
		if !strings.Contains(problems, c.says) {
			t.Errorf("%s: %q", name, problems)
		}
	}
	for name, text := range map[string]string{"nothing": "", "no YAML": "a: [", "a list": "- a\n"} {
		if len(check([]byte(text))) == 0 {
			t.Errorf("%s: nothing is wrong", name)
		}
	}
}
