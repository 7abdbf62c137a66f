package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/opensearch"
	"github.com/aws/aws-sdk-go-v2/service/opensearch/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/searchpack/searchpack/dev/internal/distro"
	"github.com/searchpack/searchpack/dev/internal/nodeload"
	"github.com/searchpack/searchpack/dev/internal/stack"
	"github.com/searchpack/searchpack/dev/internal/tagplugin"
)

const (
	// pluginNodes is the size of the cluster: the smallest that goes on while a node is away.
	pluginNodes = "3"
	// restartTime bounds one restart, and a tenth of it what a rollout takes: machines are busy.
	restartTime = 5 * time.Minute
	// loadIndex is searched and written to all the time.
	loadIndex = "busy"
	// lookEvery is how often it is asked how far things are: often enough for what takes seconds.
	lookEvery = 200 * time.Millisecond
	allocate  = "cluster.routing.allocation.enable"
)

// pluginRollouts measures on a cluster of three nodes what the versions of a plugin take until the last
// node has proven them, and what bare restarts of the same nodes take in turn with them, while somebody
// searches and somebody writes.
func pluginRollouts(ctx context.Context, program string, o options) error {
	args := []string{"--opensearch", engine, "--nodes", pluginNodes, "--plugin-rules", "cluster"}
	return onStack(ctx, program, o, args, func(b *bench, ctx context.Context) error {
		return (&pluginTrial{bench: b, program: program}).run(ctx)
	})
}

// pluginTrial is a plugin, and the load beside it.
type pluginTrial struct {
	*bench
	program string
	jar     []byte
	id      string
	version int
	loads   map[string]*nodeload.Load
	spent   map[string]time.Duration // by what a rollout waits for
}

func (t *pluginTrial) run(ctx context.Context) error {
	home, err := distro.Layout(ctx, engine, filepath.Join(t.dir, "home"), distro.Options{Log: func(string) {}})
	if err != nil {
		return err
	}
	if t.jar, err = tagplugin.Jar(ctx, home); err != nil {
		return err
	}
	if err := t.busyIndex(ctx); err != nil {
		return err
	}
	t.startLoad()
	defer t.endLoad()
	var bare, ours []time.Duration
	for range t.turns {
		took, err := t.bareRestarts(ctx)
		if err != nil {
			return err
		}
		bare = append(bare, took)
		if took, err = t.rollout(ctx); err != nil {
			return err
		}
		ours = append(ours, took)
	}
	t.print(bare, ours)
	return nil
}

// busyIndex has a copy on each node.
func (t *pluginTrial) busyIndex(ctx context.Context) error {
	node := t.doc.Domains[0].Nodes[0].HTTP
	if err := ask(ctx, http.MethodPut, node+"/"+loadIndex, `{"settings":{"index":{"number_of_shards":1,"number_of_replicas":2}}}`); err != nil {
		return err
	}
	return t.green(ctx, node)
}

func (t *pluginTrial) green(ctx context.Context, node string) error {
	return ask(ctx, http.MethodGet, node+"/_cluster/health?wait_for_status=green&wait_for_nodes="+pluginNodes+"&wait_for_no_initializing_shards=true&timeout=150s", "")
}

// startLoad begins to search and to write, as clients that know all nodes.
func (t *pluginTrial) startLoad() {
	nodes := func() (all []nodeload.Node, err error) {
		for _, n := range t.doc.Domains[0].Nodes {
			all = append(all, nodeload.Node{Name: n.Name, HTTP: n.HTTP})
		}
		return all, nil
	}
	t.loads = map[string]*nodeload.Load{
		"searches": nodeload.Start(nodeload.Config{Nodes: nodes, Pause: 10 * time.Millisecond, Ask: func(ctx context.Context, n nodeload.Node, _ int) error {
			return askFresh(ctx, http.MethodPost, n.HTTP+"/"+loadIndex+"/_search?request_cache=false&allow_partial_search_results=false", `{"size":1}`)
		}}),
		"writes": nodeload.Start(nodeload.Config{Nodes: nodes, Pause: 10 * time.Millisecond, Ask: func(ctx context.Context, n nodeload.Node, turn int) error {
			return askFresh(ctx, http.MethodPut, fmt.Sprintf("%s/%s/_doc/%d", n.HTTP, loadIndex, turn), `{"title":"fox"}`)
		}}),
	}
}

// askFresh is ask over a connection of its own: nodes come and go.
func askFresh(ctx context.Context, method, url, body string) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Close = true
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode >= 300 {
		return fmt.Errorf("%s %s: %s", method, url, res.Status)
	}
	return nil
}

func (t *pluginTrial) endLoad() {
	for _, l := range t.loads {
		l.End()
	}
}

// bareRestarts restarts one node after the other as a careful person does, and says what each took, from
// before the setting until the cluster is green again, in sum.
func (t *pluginTrial) bareRestarts(ctx context.Context) (sum time.Duration, err error) {
	for i, n := range t.doc.Domains[0].Nodes {
		other := t.doc.Domains[0].Nodes[(i+1)%len(t.doc.Domains[0].Nodes)]
		began := time.Now()
		if err := t.bareRestart(ctx, n, other.HTTP); err != nil {
			return 0, fmt.Errorf("%s: %w", n.Name, err)
		}
		sum += time.Since(began)
	}
	return sum, nil
}

func (t *pluginTrial) bareRestart(ctx context.Context, n stack.NodeEntry, other string) error {
	ctx, cancel := context.WithTimeout(ctx, restartTime)
	defer cancel()
	set := func(value string) error {
		return ask(ctx, http.MethodPut, other+"/_cluster/settings", fmt.Sprintf(`{"persistent":{%q:%s}}`, allocate, value))
	}
	if err := errors.Join(set(`"primaries"`), ask(ctx, http.MethodPost, other+"/_flush", "")); err != nil {
		return err
	}
	for _, action := range []string{"stop", "launch"} {
		out, err := exec.CommandContext(ctx, t.program, "node", action, domain+"/"+n.Name, "--data", t.data()).CombinedOutput() //nolint:gosec // our own program
		if err != nil {
			return fmt.Errorf("node %s: %w: %s", action, err, out)
		}
	}
	if err := pollEvery(ctx, lookEvery, restartTime, func() (bool, error) {
		return askFresh(ctx, http.MethodGet, n.HTTP+"/_cluster/health?wait_for_nodes="+pluginNodes+"&timeout=1s", "") == nil, nil
	}); err != nil {
		return err
	}
	if err := set("null"); err != nil {
		return err
	}
	return t.green(ctx, other)
}

// data is the stack's data folder: onStack has made it.
func (t *pluginTrial) data() string { return filepath.Join(t.dir, "data") }

// rollout brings the next version to all nodes, and takes the time until ACTIVE: then every node has been
// restarted, and has proven what it has loaded.
func (t *pluginTrial) rollout(ctx context.Context) (time.Duration, error) {
	t.version++
	zip, err := tagplugin.Zip(engine, t.jar, t.version, []string{"First", "Second"}[t.version%2])
	if err != nil {
		return 0, err
	}
	if err := t.publish(ctx, zip); err != nil {
		return 0, err
	}
	want, began := fmt.Sprintf("v%d", t.version), time.Now()
	if err := t.askAssociate(ctx, t.id); err != nil {
		return 0, err
	}
	last := began
	err = pollEvery(ctx, lookEvery, 10*restartTime, func() (bool, error) {
		done, err := t.active(ctx, t.id, want)
		now := time.Now()
		t.spend(t.waiting(ctx), now.Sub(last))
		last = now
		return done, err
	})
	return time.Since(began), err
}

// publish makes the zip the package's newest version.
func (t *pluginTrial) publish(ctx context.Context, zip []byte) error {
	const key = "tags.zip"
	if _, err := t.c.objects.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String(bucket), Key: aws.String(key), Body: bytes.NewReader(zip)}); err != nil {
		return err
	}
	from := &types.PackageSource{S3BucketName: aws.String(bucket), S3Key: aws.String(key)}
	if t.id == "" {
		made, err := t.c.packages.CreatePackage(ctx, &opensearch.CreatePackageInput{
			PackageName: aws.String("tags"), PackageType: types.PackageTypeZipPlugin, PackageSource: from,
			EngineVersion: aws.String("OpenSearch_" + engine[:strings.LastIndex(engine, ".")]),
		})
		if err != nil {
			return err
		}
		t.id = aws.ToString(made.PackageDetails.PackageID)
	} else if _, err := t.c.packages.UpdatePackage(ctx, &opensearch.UpdatePackageInput{PackageID: aws.String(t.id), PackageSource: from}); err != nil {
		return err
	}
	return poll(ctx, time.Minute, func() (bool, error) { return t.available(ctx, t.id) })
}

// waiting is what the rollout waits for, as `searchpack rollouts` says it; "" = it cannot be had.
func (t *pluginTrial) waiting(ctx context.Context) string {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, t.doc.Endpoint+"/searchpack/v1/domains/"+domain+"/rollouts?limit=1", nil)
	if err != nil {
		return ""
	}
	const emptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" // of no body
	key := aws.Credentials{AccessKeyID: t.doc.AccessKeyID, SecretAccessKey: t.doc.SecretAccessKey}
	if err := v4.NewSigner().SignHTTP(ctx, key, req, emptyHash, "es", t.doc.Region, time.Now()); err != nil {
		return ""
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return ""
	}
	defer func() { _ = res.Body.Close() }()
	var v struct {
		Rollouts []struct{ Waiting string }
	}
	if json.NewDecoder(io.LimitReader(res.Body, 4<<20)).Decode(&v) != nil || len(v.Rollouts) == 0 {
		return ""
	}
	return v.Rollouts[0].Waiting
}

// spend books time under what is waited for, nodes' names and numbers aside.
func (t *pluginTrial) spend(text string, d time.Duration) {
	if t.spent == nil {
		t.spent = map[string]time.Duration{}
	}
	t.spent[shape(text, t.doc.Domains[0].Nodes)] += d
}

// shape is a text without the names of nodes.
func shape(text string, nodes []stack.NodeEntry) string {
	for _, n := range nodes {
		text = strings.ReplaceAll(text, n.Name, "a node")
	}
	return text
}

// print compares the medians. Failed requests count over the whole run, the bare restarts too.
func (t *pluginTrial) print(bare, ours []time.Duration) {
	b, o := median(bare), median(ours)
	fmt.Printf("AssociatePackage of a plugin until proven, %s nodes of OpenSearch %s, %d times: %.1f s (%.1f to %.1f); bare restarts of the same nodes to green, in sum %.1f s (%.1f to %.1f); ratio %.2f; load %s\n",
		pluginNodes, engine, len(ours), o.Seconds(), slices.Min(ours).Seconds(), slices.Max(ours).Seconds(),
		b.Seconds(), slices.Min(bare).Seconds(), slices.Max(bare).Seconds(), o.Seconds()/b.Seconds(), load())
	for _, name := range []string{"searches", "writes"} {
		c := t.loads[name].End()
		fmt.Printf("%s meanwhile: %d, failed %d (%d done by another node than the first asked; the slowest took %.1f s)\n", name, c.Done+c.Failed, c.Failed, c.Retried, c.Slowest.Seconds())
		for _, why := range c.Failures {
			fmt.Println("  failed:", why)
		}
	}
	texts := make([]string, 0, len(t.spent))
	for text := range t.spent {
		texts = append(texts, text)
	}
	slices.SortFunc(texts, func(x, y string) int { return int(t.spent[y] - t.spent[x]) })
	for _, text := range texts[:min(len(texts), 12)] {
		fmt.Printf("  %5.1f s a rollout: %s\n", t.spent[text].Seconds()/float64(len(ours)), text)
	}
}
