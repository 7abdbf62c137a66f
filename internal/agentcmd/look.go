package agentcmd

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/agent"
	"github.com/searchpack/searchpack/internal/agentapi"
	"github.com/searchpack/searchpack/internal/agentcmd/doctor"
	"github.com/searchpack/searchpack/internal/opensearch"
)

// lookTime bounds all that is asked of others: somebody waits in front of a terminal.
const lookTime = time.Minute

// look sees what there is to be seen, here, at the server and in OpenSearch, and changes nothing.
func (c *DoctorCmd) look(ctx context.Context) *doctor.Seen {
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	s := &doctor.Seen{Me: me(), Enforcing: enforcing()}
	c.lookFolders(s)
	c.lookServer(ctx, s)
	c.lookNode(ctx, s)
	c.lookStart(s)
	c.lookPlugins(ctx, s)
	return s
}

// lookFolders looks at the folders on this machine.
func (c *DoctorCmd) lookFolders(s *doctor.Seen) {
	s.Config = folder(c.Config)
	s.YML = folder(filepath.Join(c.Config, "opensearch.yml"))
	s.Analyzers = within(c.Config, searchpack.AnalyzersDir)
	s.Candidates = within(c.Config, searchpack.CandidateDir)
	for _, name := range c.Adopt {
		s.Adopt = append(s.Adopt, adoptable(c.Config, name))
	}
	s.State = folder(c.State)
	above := c.State
	for !s.StateAbove.There && above != filepath.Dir(above) {
		above = filepath.Dir(above)
		s.StateAbove = folder(above)
	}
	s.ConfigInUse, _ = agent.ConfigInUse(c.Config) // one that cannot be opened is said of the folder
}

// adoptable looks at a path of --adopt, and at each part of it for links, as the agent does.
func adoptable(dir, name string) doctor.Adoptable {
	a := doctor.Adoptable{Name: name}
	if err := searchpack.CheckAdoptable(name); err != nil {
		a.Error = searchpack.ErrorMessage(err)
		return a
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return a // which is said of the configuration folder
	}
	defer root.Close()
	for _, at := range searchpack.PathsTo(name) {
		info, err := root.Lstat(at)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return a
		case err != nil:
			a.Error = err.Error()
			return a
		case info.Mode()&fs.ModeSymlink != 0:
			a.Link = at
			return a
		}
		a.There = at == name
		if info.IsDir() {
			a.Place = folder(filepath.Join(dir, at))
		}
	}
	if a.Place.Path == "" { // a file in the configuration folder itself
		a.Place = folder(dir)
	}
	return a
}

// within looks at a folder in another one, and says whether it leads out of it.
func within(dir, name string) doctor.Folder {
	f := folder(filepath.Join(dir, name))
	root, err := os.OpenRoot(dir)
	if err != nil {
		return f
	}
	defer root.Close()
	if _, err := root.Stat(name); err != nil && strings.Contains(err.Error(), "path escapes from parent") {
		f.Outside, f.There = true, true
	}
	return f
}

// lookServer asks the server what an agent asks, and puts the clocks side by side.
func (c *DoctorCmd) lookServer(ctx context.Context, s *doctor.Seen) {
	e, v := &s.Enrolment, &s.Server
	v.Address = c.Server
	var (
		cert      tls.Certificate
		authority []byte
	)
	status, err := agent.Status(c.State)
	if err == nil {
		s.StateInUse = status.Running
		if status.SyncedAt != nil {
			s.Start.Synced = *status.SyncedAt
		}
		if e.Enrolled = status.AgentID != ""; e.Enrolled {
			e.Name, e.Domain = status.Name, status.Domain.String()
			if cert, authority, err = agent.Certificate(c.State); err == nil {
				e.CertUntil = cert.Leaf.NotAfter
			}
		}
	}
	if err != nil && searchpack.ErrorCode(err) != searchpack.ErrNotFound {
		e.Error = err.Error()
	}
	e.TokenGiven = c.TokenFile != ""
	token, tokenErr := agent.ReadToken(c.TokenFile)
	if e.TokenGiven && tokenErr != nil {
		e.TokenError = tokenErr.Error()
	}
	sight, err := agentapi.Look(ctx, c.Server)
	s.Now = time.Now()
	if err != nil {
		v.Error = err.Error()
		return
	}
	v.Known, v.Protocol, v.Date = sight.Protocol == agentapi.Protocol, sight.Protocol, sight.Date
	then := v.Date
	if then.IsZero() {
		then = s.Now
	}
	switch {
	case len(authority) > 0:
		v.Distrust, v.DistrustThen = words(sight.Trusted(authority, s.Now)), words(sight.Trusted(authority, then))
	case tokenErr == nil:
		v.Distrust, v.DistrustThen = words(sight.TrustedBy(token, s.Now)), words(sight.TrustedBy(token, then))
	default:
		v.Unchecked = true
	}
	if v.Unchecked || v.Distrust != "" || !v.Known || e.Error != "" {
		return
	}
	if !e.Enrolled {
		err := agentapi.TryToken(ctx, c.Server, token, time.Now)
		e.Tried = err == nil || searchpack.ErrorCode(err) != searchpack.ErrUnavailable
		e.Refused = words(err)
		return
	}
	v.Refused = words(askOrder(ctx, c.Server, authority, cert, status.Generation))
}

// askOrder asks as the agent does, and throws the answer away.
func askOrder(ctx context.Context, server string, authority []byte, cert tls.Certificate, generation int64) error {
	client, err := agentapi.NewClient(server, authority, cert, time.Now)
	if err != nil {
		return err
	}
	defer client.Close()
	_, err = client.Order(ctx, generation, 0)
	if agentapi.IsExpired(err) {
		return nil // said of the enrolment
	}
	return err
}

// lookNode asks OpenSearch.
func (c *DoctorCmd) lookNode(ctx context.Context, s *doctor.Seen) {
	n := &s.Node
	n.Address, n.Skipped = c.OpenSearch, c.FilesOnly
	if n.Skipped {
		return
	}
	client, err := opensearch.New(opensearch.Config{URL: c.OpenSearch, CAFile: c.CA, CredentialsFile: c.Credentials})
	if err != nil {
		n.Error = err.Error()
		return
	}
	defer client.Close()
	if u, err := url.Parse(c.OpenSearch); err == nil {
		n.Local = local(u.Hostname())
		n.Plain = u.Scheme == "http" && c.Credentials != "" && !n.Local
	}
	facts, err := client.Facts(ctx)
	switch searchpack.ErrorCode(err) {
	case "":
		n.Name, n.Cluster, n.Version, n.RefreshAPI = facts.Name, facts.ClusterName, facts.Version, facts.RefreshAPI
		s.Start.Started = facts.StartedAt
	case searchpack.ErrDenied:
		n.Denied = err.Error()
		return
	default:
		n.Unreachable = err.Error()
		return
	}
	for _, p := range client.Permissions(ctx, c.Home != "") {
		n.Permissions = append(n.Permissions, doctor.Permission{Call: p.Call, Name: p.Name, Refused: p.Refused, Error: words(p.Err)})
	}
	n.ConfigPath, _ = client.ConfigPath(ctx) // "" is a check of its own
	n.SameFolder = n.ConfigPath != "" && resolved(n.ConfigPath) == resolved(c.Config)
	n.YMLCluster, n.YMLName = names(s.YML.Path)
}

// local reports whether a host's name or address is this machine's own.
func local(host string) bool {
	if ip := net.ParseIP(host); ip != nil {
		return ip.IsLoopback()
	}
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}

func resolved(path string) string {
	if followed, err := filepath.EvalSymlinks(path); err == nil {
		return followed
	}
	return filepath.Clean(path)
}

// maxYML bounds opensearch.yml; a real one has some KB.
const maxYML = 1 << 20

// names reads cluster.name and node.name out of opensearch.yml; "" for one that does not stand there
// or is made of the environment (${…}).
func names(file string) (cluster, node string) {
	info, err := os.Stat(file)
	if err != nil || info.Size() > maxYML {
		return "", ""
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return "", ""
	}
	var doc map[string]any
	if yaml.Unmarshal(b, &doc) != nil {
		return "", ""
	}
	return setting(doc, "cluster"), setting(doc, "node")
}

// setting reads <group>.name, written flat or nested.
func setting(doc map[string]any, group string) string {
	flat, _ := doc[group+".name"].(string)
	below, _ := doc[group].(map[string]any)
	nested, _ := below["name"].(string)
	if name := cmp.Or(flat, nested); !strings.Contains(name, "${") {
		return name
	}
	return ""
}

// words are those of an error, "" without one.
func words(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
