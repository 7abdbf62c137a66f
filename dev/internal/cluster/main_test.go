package cluster

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"go.uber.org/goleak"
	"gopkg.in/yaml.v3"

	"github.com/searchpack/searchpack/dev/internal/distro"
)

// The test binary stands for the node's program: a home's bin/opensearch calls it with this
// variable set to how it is to behave.
const behaviour = "SEARCHPACK_FAKE_NODE"

func TestMain(m *testing.M) {
	switch how := os.Getenv(behaviour); how {
	case "":
	case "parent":
		parent()
	default:
		fakeNode(how)
	}
	goleak.VerifyTestMain(m)
}

// fakeNode reads its opensearch.yml and answers as a node does.
func fakeNode(how string) {
	home, err := os.Getwd()
	exitOn(err)
	if how == "dies" {
		fmt.Println("[INFO ] starting ...")
		fmt.Println("org.opensearch.bootstrap.StartupException: java.lang.IllegalArgumentException: unknown setting [bogus]")
		fmt.Println("\tat org.opensearch.bootstrap.OpenSearch.init(OpenSearch.java:185)")
		os.Exit(1)
	}
	text, err := os.ReadFile(filepath.Join(home, "config", "opensearch.yml"))
	exitOn(err)
	var conf struct {
		Cluster string `yaml:"cluster.name"`
		Node    string `yaml:"node.name"`
		Port    int    `yaml:"http.port"`
	}
	exitOn(yaml.Unmarshal(text, &conf))
	exitOn(os.WriteFile("data/environment", []byte(strings.Join(os.Environ(), "\n")), 0o600))
	groups, err := os.Getgroups()
	exitOn(err)
	exitOn(os.WriteFile("data/groups", []byte(fmt.Sprint(groups)), 0o600))
	if how == "deaf" { // to SIGTERM
		signal.Ignore(syscall.SIGTERM)
	}
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", conf.Port))
	exitOn(err)
	exitOn(http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" {
			_, _ = fmt.Fprintf(w, `{"name":%q,"cluster_name":%q}`, conf.Node, conf.Cluster)
			return
		}
		recite(w, r)
	})))
}

// parent runs a cluster until it is killed, as searchpack-dev does. The homes are there already.
func parent() {
	dir := os.Getenv(parentDir)
	home := distro.Home{Dir: filepath.Join(dir, "n1"), JDK: distro.JDK{Home: "/usr"}}
	c, err := Create(Options{Name: "shop", Dir: filepath.Join(dir, "state"), Homes: []distro.Home{home}})
	exitOn(err)
	exitOn(c.Start(context.Background()))
	fmt.Println(c.Node("n1").Pid())
	select {}
}

const parentDir = "SEARCHPACK_FAKE_PARENT_DIR"

func exitOn(err error) {
	if err != nil {
		fmt.Println(err)
		os.Exit(3)
	}
}
