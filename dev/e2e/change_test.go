package e2e

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/opensearch"
	"github.com/aws/aws-sdk-go-v2/service/opensearch/types"

	"github.com/searchpack/searchpack/dev/internal/stack"
)

// resize asks for that many nodes of domain demo.
func resize(t *testing.T, u *up, nodes int) {
	t.Helper()
	es, _ := clients(u.document())
	if _, err := es.UpdateDomainConfig(t.Context(), &opensearch.UpdateDomainConfigInput{
		DomainName: aws.String("demo"), ClusterConfig: &types.ClusterConfig{InstanceCount: aws.Int32(int32(nodes))},
	}); err != nil {
		t.Fatal(err)
	}
}

// upgradeTo asks for another engine of domain demo.
func upgradeTo(t *testing.T, u *up, engine string) {
	t.Helper()
	es, _ := clients(u.document())
	if _, err := es.UpgradeDomain(t.Context(), &opensearch.UpgradeDomainInput{DomainName: aws.String("demo"), TargetVersion: aws.String(engine)}); err != nil {
		t.Fatal(err)
	}
}

// changed waits until the newest change of domain demo is done.
func changed(t *testing.T, u *up, patience time.Duration) {
	t.Helper()
	es, _ := clients(u.document())
	began, last := time.Now(), ""
	eventuallyWithin(t, patience, func() string {
		out, err := es.DescribeDomainChangeProgress(t.Context(), &opensearch.DescribeDomainChangeProgressInput{DomainName: aws.String("demo")})
		if err != nil {
			t.Fatal(err)
		}
		p := out.ChangeProgressStatus
		now := string(p.Status)
		for _, s := range p.ChangeProgressStages {
			now += fmt.Sprintf("; %s %s: %s", aws.ToString(s.Name), aws.ToString(s.Status), aws.ToString(s.Description))
		}
		if now != last {
			t.Logf("%5.1f s: %s", time.Since(began).Seconds(), now)
			last = now
		}
		switch p.Status {
		case types.OverallChangeStatusCompleted:
			return ""
		case types.OverallChangeStatusFailed:
			t.Fatalf("the change failed: %s", now)
		}
		return "the change does not end: " + now
	})
}

// hasNodes checks that stack.json names n1 to that number, each of the engine, all of them running,
// and that the domain says the same.
func hasNodes(t *testing.T, u *up, nodes int, engine string) {
	t.Helper()
	eventually(t, func() string {
		e := u.document().Domains[0]
		if len(e.Nodes) != nodes || e.EngineVersion != engine {
			return fmt.Sprintf("stack.json has %d nodes of %s, want %d of %s", len(e.Nodes), e.EngineVersion, nodes, engine)
		}
		for i, n := range e.Nodes {
			if n.Name != fmt.Sprintf("n%d", i+1) || n.EngineVersion != engine || n.NodeID == "" || n.AgentPID == 0 || (n.HTTP != "") != (n.PID != 0) {
				return fmt.Sprintf("%+v", n)
			}
		}
		return ""
	})
	es, _ := clients(u.document())
	eventually(t, func() string {
		d, err := es.DescribeDomain(t.Context(), &opensearch.DescribeDomainInput{DomainName: aws.String("demo")})
		if err != nil {
			t.Fatal(err)
		}
		s := d.DomainStatus
		if aws.ToString(s.EngineVersion) != engine || aws.ToInt32(s.ClusterConfig.InstanceCount) != int32(nodes) || aws.ToBool(s.Processing) {
			return fmt.Sprintf("DescribeDomain: %s, %d nodes, processing %v", aws.ToString(s.EngineVersion), aws.ToInt32(s.ClusterConfig.InstanceCount), aws.ToBool(s.Processing))
		}
		return ""
	})
	left, err := filepath.Glob(filepath.Join(u.data, "domains", "demo", "n*"))
	if err != nil || len(left) != nodes {
		t.Errorf("folders of nodes: %v, %v", left, err)
	}
}

// makeDemo makes domain demo of files-only nodes with an engine.
func makeDemo(t *testing.T, u *up, nodes int, engine string) {
	t.Helper()
	es, _ := clients(u.document())
	if _, err := es.CreateDomain(t.Context(), &opensearch.CreateDomainInput{
		DomainName: aws.String("demo"), EngineVersion: aws.String(engine),
		ClusterConfig: &types.ClusterConfig{InstanceCount: aws.Int32(int32(nodes))},
	}); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() string {
		d := u.document()
		if len(d.Domains) != 1 || len(d.Domains[0].Nodes) != nodes {
			return "the domain does not come up"
		}
		return ""
	})
	hasNodes(t, u, nodes, engine)
}

// A domain grows and shrinks: a node that comes has the files of the packages, one that goes takes
// its agent along, and comes back as another.
func TestResizeFilesOnly(t *testing.T) {
	t.Parallel()
	u := start(t, filepath.Join(t.TempDir(), "data"), "--max-nodes", "4")
	makeDemo(t, u, 2, "OpenSearch_3.7")
	p := newPack(t, u, "synonyms", 10)
	p.askAssociate(t)
	p.active(t, 1)

	resize(t, u, 4)
	changed(t, u, patience)
	hasNodes(t, u, 4, "OpenSearch_3.7")
	if why := p.onDisk(1); why != "" {
		t.Error(why)
	}
	four := nodeOf(t, u, "n4")

	es, _ := clients(u.document())
	_, err := es.UpdateDomainConfig(t.Context(), &opensearch.UpdateDomainConfigInput{
		DomainName: aws.String("demo"), ClusterConfig: &types.ClusterConfig{InstanceCount: aws.Int32(5)}})
	if err == nil {
		t.Error("more nodes than --max-nodes were taken")
	}

	resize(t, u, 1)
	changed(t, u, patience)
	hasNodes(t, u, 1, "OpenSearch_3.7")
	if alive(four.AgentPID) {
		t.Error("the agent of a node that was removed runs")
	}
	p.update(t, 2) // none of those that went is waited for
	p.askAssociate(t)
	p.active(t, 2)

	resize(t, u, 4)
	changed(t, u, patience)
	hasNodes(t, u, 4, "OpenSearch_3.7")
	if again := nodeOf(t, u, "n4"); again.NodeID == four.NodeID {
		t.Errorf("n4 came back as the node that was removed: %s", again.NodeID)
	}
	if why := p.onDisk(2); why != "" {
		t.Error(why)
	}
}

func TestUpgradeFilesOnly(t *testing.T) {
	t.Parallel()
	u := start(t, filepath.Join(t.TempDir(), "data"))
	makeDemo(t, u, 2, "OpenSearch_2.19")
	p := newPack(t, u, "synonyms", 10)
	p.askAssociate(t)
	p.active(t, 1)
	before := u.document().Domains[0].Nodes
	upgradeTo(t, u, "OpenSearch_3.8")
	changed(t, u, patience)
	hasNodes(t, u, 2, "OpenSearch_3.8")
	for i, n := range u.document().Domains[0].Nodes {
		if n.AgentPID == before[i].AgentPID || n.NodeID != before[i].NodeID {
			t.Errorf("%s: agent %d, before %d; node id %s, before %s", n.Name, n.AgentPID, before[i].AgentPID, n.NodeID, before[i].NodeID)
		}
	}
	if why := p.onDisk(1); why != "" {
		t.Error(why)
	}
	es, _ := clients(u.document())
	got, err := es.GetUpgradeStatus(t.Context(), &opensearch.GetUpgradeStatusInput{DomainName: aws.String("demo")})
	if err != nil || got.StepStatus != types.UpgradeStatusSucceeded {
		t.Errorf("GetUpgradeStatus: %+v, %v", got, err)
	}
}

// AWS's quota of packages holds here, and without OpenSearch every version is offered.
func TestQuotaAndVersions(t *testing.T) {
	t.Parallel()
	u := start(t, filepath.Join(t.TempDir(), "data"))
	putObject(t, u, "small", []byte("laptop, notebook\n"))
	es, _ := clients(u.document())
	for i := range 26 {
		in := createInput(fmt.Sprintf("small-%d", i))
		in.PackageSource.S3Key = aws.String("small")
		_, err := es.CreatePackage(t.Context(), in)
		var limit *types.LimitExceededException
		if errors.As(err, &limit) != (i == 25) || i < 25 && err != nil {
			t.Fatalf("package %d: %v", i+1, err)
		}
	}
	all, err := es.ListVersions(t.Context(), &opensearch.ListVersionsInput{MaxResults: 100})
	if err != nil || len(all.Versions) < 30 || !slices.Contains(all.Versions, "Elasticsearch_5.1") {
		t.Errorf("ListVersions: %+v, %v", all, err)
	}
	to, err := es.GetCompatibleVersions(t.Context(), &opensearch.GetCompatibleVersionsInput{})
	if err != nil || len(to.CompatibleVersions) != len(all.Versions) {
		t.Errorf("GetCompatibleVersions: %+v, %v", to, err)
	}
}

// Whatever moment of a change searchpack-dev is killed at, the next one finishes it.
func TestKilledDuringChanges(t *testing.T) {
	t.Parallel()
	u := start(t, filepath.Join(t.TempDir(), "data"))
	makeDemo(t, u, 2, "OpenSearch_1.3")
	p := newPack(t, u, "synonyms", 10)
	p.askAssociate(t)
	p.active(t, 1)
	nodes, engine := 2, "OpenSearch_1.3"
	interrupted := 0
	for i, change := range []any{4, 2, "OpenSearch_2.19", 5, "OpenSearch_3.7", 1, 3, "OpenSearch_3.8", 2} {
		switch to := change.(type) {
		case int:
			nodes = to
			resize(t, u, to)
		case string:
			engine = to
			upgradeTo(t, u, to)
		}
		for range 2 {
			<-time.After(time.Duration(rand.IntN(60*(i+1))) * time.Millisecond) // the moments to be hit
			if e := u.document().Domains[0]; len(e.Nodes) != nodes || !isAll(e.Nodes, engine) {
				interrupted++
			}
			u = again(t, u)
			p.u = u
		}
		changed(t, u, patience)
		hasNodes(t, u, nodes, engine)
		eventually(t, func() string { return p.onDisk(1) })
		t.Logf("%v is done", change)
	}
	t.Logf("%d kills hit a change", interrupted)
	if interrupted == 0 {
		t.Error("no kill hit a change")
	}
	if entries, err := os.ReadDir(filepath.Join(u.data, "domains", "demo")); err != nil || len(entries) != nodes+2 { // and domain.json, folders.json
		t.Errorf("left in the domain's folder: %v, %v", entries, err)
	}
}

func isAll(nodes []stack.NodeEntry, engine string) bool {
	for _, n := range nodes {
		if n.EngineVersion != engine {
			return false
		}
	}
	return true
}
