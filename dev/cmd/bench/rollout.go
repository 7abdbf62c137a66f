package main

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/opensearch"
	"github.com/aws/aws-sdk-go-v2/service/opensearch/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// bareScript is what a rollout is compared with.
//
//go:embed bare.sh
var bareScript []byte

const (
	// engine is the OpenSearch of the clusters: the one whose start and whose checks cost most.
	engine = "3.8.0"
	// repeated is how often rollout and script are run in turn; their medians count. Odd, so that the
	// median is one of them.
	repeated = 7
	// changedRules differ between one version and the next: as many as there can be texts of a witness.
	changedRules = 20
)

// rollouts measures on clusters of each size. By default a dictionary as people have them and one of
// 1 MB, which OpenSearch takes half a second to read, each time.
func rollouts(ctx context.Context, program string, o options) error {
	for _, n := range o.clusters {
		args := []string{"--opensearch", engine, "--nodes", strconv.Itoa(n)}
		if err := onStack(ctx, program, o, args, (*bench).rollouts); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) rollouts(ctx context.Context) error {
	script := filepath.Join(b.dir, "bare.sh")
	if err := os.WriteFile(script, bareScript, 0o700); err != nil { //nolint:gosec // a script is executed
		return err
	}
	for _, rules := range b.rules {
		if err := b.compare(ctx, script, rules); err != nil {
			return err
		}
	}
	return nil
}

// trial is one dictionary, as a package and as a file that the script looks after, each with an index
// of its own whose search analyzer reads it.
type trial struct {
	*bench
	size, version int    // of the dictionary in rules; of the package
	id            string // of the package
	bare          string // the script's file, and its index
	served        string // the package's index
	file          string // the bytes of the version
}

func (b *bench) compare(ctx context.Context, script string, rules int) error {
	t := &trial{bench: b, size: rules, file: filepath.Join(b.dir, "rules"), bare: fmt.Sprintf("bare-%d", rules), served: fmt.Sprintf("served-%d", rules)}
	if err := t.begin(ctx); err != nil {
		return err
	}
	var ours, theirs []time.Duration
	for range repeated {
		if err := t.next(ctx); err != nil {
			return err
		}
		took, err := t.associate(ctx)
		if err != nil {
			return err
		}
		ours = append(ours, took)
		if took, err = t.byHand(ctx, script); err != nil {
			return err
		}
		theirs = append(theirs, took)
	}
	o, h := median(ours), median(theirs)
	fmt.Printf("AssociatePackage until proven as loaded, %s of OpenSearch %s, %d rules: %.2f s (%.2f to %.2f); bare script %.2f s (%.2f to %.2f); ratio %.2f; load %s\n",
		count(len(b.doc.Domains[0].Nodes), "node"), engine, rules, o.Seconds(), slices.Min(ours).Seconds(), slices.Max(ours).Seconds(),
		h.Seconds(), slices.Min(theirs).Seconds(), slices.Max(theirs).Seconds(), o.Seconds()/h.Seconds(), load())
	return nil
}

// begin makes the first version serve, both ways, and the indices.
func (t *trial) begin(ctx context.Context) error {
	text := t.text()
	if err := t.put(ctx, text); err != nil {
		return err
	}
	var err error
	if t.id, err = t.create(ctx, t.served, t.served); err != nil {
		return err
	}
	t.version = 1
	if _, err := t.associate(ctx); err != nil {
		return err
	}
	for _, n := range t.doc.Domains[0].Nodes {
		if err := os.WriteFile(filepath.Join(n.Config, "analyzers", t.bare), text, 0o644); err != nil { //nolint:gosec // OpenSearch is another user
			return err
		}
	}
	for index, path := range map[string]string{t.served: t.id, t.bare: t.bare} {
		if err := t.index(ctx, index, "analyzers/"+path); err != nil {
			return err
		}
	}
	return nil
}

// text is a dictionary of which few rules differ from version to version.
func (t *trial) text() []byte {
	var b bytes.Buffer
	same := &rules{r: rand.New(rand.NewPCG(5, 6))} //nolint:gosec // not a secret: the same rules each run
	_, _ = io.CopyN(&b, same, int64(58*(t.size-changedRules)))
	b.Truncate(bytes.LastIndexByte(b.Bytes(), '\n') + 1)
	for i := range changedRules {
		fmt.Fprintf(&b, "changed%d => version%d, word%d\n", i, t.version, i)
	}
	return b.Bytes()
}

func (t *trial) put(ctx context.Context, text []byte) error {
	_, err := t.c.objects.PutObject(ctx, &s3.PutObjectInput{
		Bucket: aws.String(bucket), Key: aws.String(t.served), Body: bytes.NewReader(text), Metadata: map[string]string{"searchpack-kind": "solr-synonyms"},
	})
	return errors.Join(err, os.WriteFile(t.file, text, 0o600))
}

// next makes another version available.
func (t *trial) next(ctx context.Context) error {
	t.version++
	if err := t.put(ctx, t.text()); err != nil {
		return err
	}
	if _, err := t.c.packages.UpdatePackage(ctx, &opensearch.UpdatePackageInput{
		PackageID: aws.String(t.id), PackageSource: &types.PackageSource{S3BucketName: aws.String(bucket), S3Key: aws.String(t.served)},
	}); err != nil {
		return err
	}
	return poll(ctx, time.Minute, func() (bool, error) { return t.available(ctx, t.id) })
}

// associate takes the time from the call until ACTIVE: then every node has proven that it has loaded
// the version.
func (t *trial) associate(ctx context.Context) (time.Duration, error) {
	want := fmt.Sprintf("v%d", t.version)
	start := time.Now()
	if err := t.askAssociate(ctx, t.id); err != nil {
		return 0, err
	}
	err := poll(ctx, 5*time.Minute, func() (bool, error) { return t.active(ctx, t.id, want) })
	return time.Since(start), err
}

// byHand has the script bring the same bytes to the same nodes.
func (t *trial) byHand(ctx context.Context, script string) (time.Duration, error) {
	args := []string{script, t.file, t.bare, t.bare}
	for _, n := range t.doc.Domains[0].Nodes {
		args = append(args, n.Config+"="+n.HTTP)
	}
	start := time.Now()
	out, err := exec.CommandContext(ctx, "bash", args...).CombinedOutput() //nolint:gosec // our own script
	if err != nil {
		return 0, fmt.Errorf("the bare script: %w\n%s", err, out)
	}
	return time.Since(start), nil
}

// index makes an index with a copy on each node, and waits for them.
func (t *trial) index(ctx context.Context, name, path string) error {
	type object = map[string]any
	nodes := t.doc.Domains[0].Nodes
	body, err := json.Marshal(object{
		"settings": object{"index": object{
			"number_of_shards": 1, "number_of_replicas": len(nodes) - 1,
			"analysis": object{
				"filter":   object{"synonyms": object{"type": "synonym_graph", "synonyms_path": path, "updateable": true}},
				"analyzer": object{"with_synonyms": object{"type": "custom", "tokenizer": "standard", "filter": []string{"lowercase", "synonyms"}}},
			}}},
		"mappings": object{"properties": object{"title": object{"type": "text", "analyzer": "standard", "search_analyzer": "with_synonyms"}}},
	})
	if err != nil {
		return err
	}
	if err := ask(ctx, http.MethodPut, nodes[0].HTTP+"/"+name, string(body)); err != nil {
		return err
	}
	return ask(ctx, http.MethodGet, nodes[0].HTTP+"/_cluster/health/"+name+"?wait_for_status=green&timeout=120s", "")
}

// ask calls a node.
func ask(ctx context.Context, method, url, body string) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(res.Body, 64<<10))
	if err == nil && res.StatusCode >= 300 {
		err = fmt.Errorf("%s %s: %s: %.300s", method, url, res.Status, text)
	}
	return err
}

// median of an odd number of times.
func median(all []time.Duration) time.Duration {
	sorted := slices.Sorted(slices.Values(all))
	return sorted[len(sorted)/2]
}

// count writes "1 node" or "3 nodes".
func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
