package extapi

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/auth/sigv4"
	"github.com/searchpack/searchpack/internal/catalog"
	"github.com/searchpack/searchpack/internal/inspect/diff"
	"github.com/searchpack/searchpack/internal/rollout"
)

// The values that the fake catalog answers with. Every member of every document is set somewhere.
var (
	moment = time.Date(2026, 3, 4, 5, 6, 7, 8000, time.UTC)
	key    = searchpack.DomainKey{Account: "000000000000", Region: "us-east-1", Name: "shop"}
	digest = searchpack.DigestOf([]byte("laptop, notebook\n"))

	good = &searchpack.Version{
		ID: "ver-1", PackageID: "F111111111", Number: 1, Status: searchpack.PackageAvailable, Digest: digest, Size: 17,
		Source: searchpack.Source{Bucket: "dictionaries", Key: "synonyms.txt", VersionID: "s3-version", ETag: "s3-etag", Signature: "searchpack-ed25519-1 …"},
		Kind:   searchpack.KindSynonyms, KindDeclared: true, KindConfidence: 100, Identical: true, FindingCount: 2,
		CheckCount: 2, ChecksDigest: searchpack.DigestOf([]byte("checks")),
		CommitMessage: "more <words>", CreatedAt: moment, ImportedAt: moment.Add(time.Second),
	}
	bad = &searchpack.Version{
		ID: "ver-2", PackageID: "F111111111", Status: searchpack.PackageValidationFailed,
		Error: &searchpack.ErrorDetails{Type: "ValidationFailed", Message: "Line 1: no"}, CreatedAt: moment.Add(time.Minute),
	}
	manifest = []searchpack.ManifestEntry{
		{Path: "plugin-descriptor.properties", Size: 131, Digest: searchpack.DigestOf([]byte("descriptor")), Mode: 0o644},
		{Path: "bin/lemmas", Size: 20, Digest: searchpack.DigestOf([]byte("script")), Mode: 0o755},
	}
	verifyChecks = []searchpack.Check{
		{
			Name: "laptop finds notebook", Index: "products", Analyze: &searchpack.AnalyzeCheck{Analyzer: "search", Text: "laptop"},
			Expect: searchpack.Expectation{Contains: []string{"notebook"}, Excludes: []string{"tablet"}},
		},
		{Name: "no stop words", Index: "products", Analyze: &searchpack.AnalyzeCheck{Field: "title", Text: "the"}, Expect: searchpack.Expectation{Equals: []string{}}},
		{
			Name: "match", Index: "products", Search: &searchpack.SearchCheck{Match: map[string]searchpack.CheckQuery{
				"title": {Query: "laptop", Analyzer: "search", Operator: "and", MinimumShouldMatch: "2"}}},
			Expect: searchpack.Expectation{MinHits: ptr(int64(1)), MaxHits: ptr(int64(3))},
		},
		{
			Name: "phrase", Index: "products", Search: &searchpack.SearchCheck{MatchPhrase: map[string]searchpack.CheckQuery{"title": {Query: "a b", Slop: 1}}},
			Expect: searchpack.Expectation{IDs: []string{"1"}, ExcludesIDs: []string{"2"}},
		},
		{
			Name: "multi", Index: "products", Search: &searchpack.SearchCheck{MultiMatch: &searchpack.CheckMultiMatch{
				Query: "laptop", Fields: []string{"title", "body"}, Type: "phrase", Analyzer: "search", Operator: "or", MinimumShouldMatch: "1"}},
			Expect: searchpack.Expectation{MinHits: ptr(int64(1))},
		},
	}
	findings = []searchpack.Finding{
		{Rule: "synonyms.two-arrows", Severity: searchpack.SeverityError, Line: 3, Column: 8, Text: "a => b => c", Message: "two", Remedy: "one"},
		{Rule: "words.odd", Severity: searchpack.SeverityMostly, Path: "en_US.dic", Line: 4, OpenSearchLine: 3, Message: "odd"},
	}
	proof = &searchpack.Proof{
		Domain: key, AgentID: "agent-1", NodeName: "n1", PackageID: "F111111111", VersionID: "ver-1", Version: 1,
		Level: searchpack.LevelLoaded, Digest: digest, Probe: "3 chains of 2 indices", Witness: "2 analyzers matched, 1 analyzer indistinguishable", At: moment,
	}
	nodes = &catalog.NodesView{Domain: "shop", Frozen: "two clusters", Nodes: []catalog.NodeView{
		{
			AgentID: "agent-1", Name: "n1", NodeID: "node-1", State: catalog.NodeProves, Note: "note", Do: "searchpack nodes retire shop n1", Manager: true, Speaker: true,
			OpenSearch: "3.8.0", NodeError: "connection refused", AgentVersion: "1.2.3", ReportedAt: &moment,
			Files: []catalog.NodeFile{
				{PackageID: "F111111111", State: searchpack.FileLive, Path: "analysis/synonyms.txt", Digest: digest, Version: 1, Error: "read-only", Proof: proof},
			},
			Problems: []string{"analyzers/ is read-only"},
			Plugins: []catalog.NodePlugin{
				{
					PackageID: "F333333333", Name: "lemmas", State: rollout.PluginWaits, Version: 1, VersionOf: "F999999999", Wanted: 2, WantedOf: "F999999999", Digest: digest, Loaded: "1.0",
					Staged: true, Why: "somebody else restarts this node", Do: "restart OpenSearch there", Proof: proof,
				},
				{PackageID: "F555555555", Name: "lemmas", Part: searchpack.PartLicense, State: rollout.PluginRuns, Version: 1, Wanted: 1, Digest: digest},
				{PackageID: "F444444444", Name: "stems", State: rollout.PluginRuns, Version: 3, Wanted: 3, Digest: digest, Loaded: "3.8.0.1"},
				{PackageID: "F555555555", State: rollout.PluginRefused, Wanted: 1, Why: "the allow file does not name it"},
			},
			Restart: catalog.RestartsExternal, Permit: &catalog.NodePermit{ID: "roll-2/1", RolloutID: "roll-2", Since: moment, Do: "start OpenSearch there"},
			Incidents: []*searchpack.NodeIncident{{Domain: key, AgentID: "agent-1", Incident: searchpack.Incident{
				ID: "inc-1", Kind: searchpack.IncidentChanged, PackageID: "F111111111", Found: digest, Wanted: digest, Healed: true, At: moment,
				HealedAt: moment.Add(time.Second),
			}}, {Domain: key, AgentID: "agent-1", Incident: searchpack.Incident{
				ID: "turned-back-1", Kind: searchpack.IncidentTurnedBack, PackageID: "F111111111", Wanted: digest, At: moment,
				Index: "products", Analyzer: "search", Text: "sofa",
			}}},
			Owes: []catalog.NodeDebt{
				{PackageID: "F111111111", Version: 2, Behind: true, Why: "it has another version in place"},
				{PackageID: "F222222222", Version: 1, Why: "its file is not there yet"},
			},
		},
		{Name: "n2", State: catalog.NodeBlocks, Files: []catalog.NodeFile{}},
	}}
	rollouts = []*searchpack.Rollout{
		{
			ID: "roll-2", Restart: &searchpack.Restart{AgentID: "agent-1", Stage: searchpack.StageOffer, OfferID: "roll-2/1"}, Domain: key, State: searchpack.RolloutRunning, Phase: searchpack.PhaseProbe, Waiting: "n2 is silent", Reason: "reason",
			Paused: "kim", Abort: "kim",
			Steps: []searchpack.RolloutStep{
				{PackageID: "F111111111", Action: searchpack.ActionAssociate, VersionID: "ver-3", FormerID: "ver-1"},
				{PackageID: "F222222222", Action: searchpack.ActionDissociate, FormerID: "gone"},
			},
			CreatedAt: moment, StartedAt: moment, EndedAt: moment,
		},
		{ID: "roll-1", Domain: key, State: searchpack.RolloutQueued, Steps: []searchpack.RolloutStep{}, CreatedAt: moment},
	}
	associations = []*catalog.AssociationView{
		{
			Association: searchpack.Association{
				Domain: key, PackageID: "F111111111", Status: searchpack.AssociationFailed, ServingID: "ver-1", WantedID: "ver-3",
				Error: &searchpack.ErrorDetails{Type: "ProbeFailed", Message: "Node n2 refuses v3 of synonyms"}, Note: "waiting for n2", Track: searchpack.TrackPinned,
				Findings:  []searchpack.Finding{{Rule: "association.reload", Severity: searchpack.SeverityWarning, Message: "reopen needed: index products", Remedy: "close and open the index"}},
				CreatedAt: moment, UpdatedAt: moment,
			},
			Package: searchpack.Package{Name: "synonyms", Type: searchpack.TypeDictionary}, ServingNumber: 1, WantedNumber: 3,
		},
		{
			Association: searchpack.Association{PackageID: "F222222222", Status: searchpack.Associating, CreatedAt: moment, UpdatedAt: moment},
			Package:     searchpack.Package{Name: "stop-words", Type: searchpack.TypeDictionary},
		},
	}
	uses = &searchpack.Usage{
		ClusterUUID: "uuid", Term: 1, Version: 42, At: moment, Truncated: true,
		Uses: []searchpack.Use{{
			PackageID: "F111111111", Path: "analysis/synonyms.txt", UserKind: searchpack.UserIndex, Name: "products", Closed: true, Component: "filter.synonyms",
			Key: "synonyms_path", Type: "synonym_graph", FileKind: searchpack.KindSynonyms, Updateable: true,
			Analyzers: []string{"search"}, Fields: []string{"title (search)"}, HotReload: true,
			Chains:    []searchpack.Chain{{Analyzer: "search", Body: "{}"}},
			Witnesses: []searchpack.WitnessPoint{{Analyzer: "search", Field: "title", Body: "{}", Blind: "why"}},
		}},
	}
	token = &searchpack.JoinToken{
		ID: "tok-1", Domain: key, SecretHash: searchpack.DigestOf([]byte("secret")), Uses: 3, CIDR: "10.0.0.0/8",
		CreatedAt: moment, ExpiresAt: moment.Add(time.Hour),
	}
	event = &searchpack.Event{
		ID: 7, At: moment, Account: key.Account, Region: key.Region, Actor: "arn:aws:iam::000000000000:user/admin",
		Action: "CreatePackage", Subject: "F111111111", Detail: "s3://dictionaries/synonyms.txt",
		Result: "ok", AccessKey: "SPKAEXAMPLE", SourceIP: "192.0.2.7", RequestID: "req-1",
	}
	credential = &searchpack.Credential{
		AccessKey: "SPKAEXAMPLE", Account: key.Account, Name: "kim", Sealed: []byte("sealed"), CreatedAt: moment,
		Policies: []string{`{"Version":"2012-10-17","Statement":[]}`}, Operator: true,
	}
	temporary = &searchpack.Credential{
		AccessKey: "SPKTEXAMPLE", Account: key.Account, Name: "ci", Sealed: []byte("sealed"), CreatedAt: moment, Inactive: true,
		SessionHash: digest, ExpiresAt: moment.Add(time.Hour),
	}
)

// fake is a Catalog that answers with these values, or with nothing, or with an error, and notes
// what it was asked.
type fake struct {
	plugin  bool // who needs a plugin is asked
	nothing bool
	err     error
	panics  any
	asked   []any
}

func (f *fake) note(asked ...any) error {
	if f.panics != nil {
		panic(f.panics)
	}
	f.asked = asked
	return f.err
}

func list[T any](f *fake, values ...T) []T {
	if f.nothing {
		return nil
	}
	return values
}

func (f *fake) Versions(_ context.Context, _ searchpack.Caller, id string) ([]*searchpack.Version, error) {
	return list(f, good, bad), f.note(id)
}

func (f *fake) Findings(_ context.Context, _ searchpack.Caller, id string, number int) (*searchpack.Version, []searchpack.Finding, error) {
	err := f.note(id, number)
	if err != nil {
		return nil, nil, err
	}
	return good, list(f, findings...), nil
}

func (f *fake) Manifest(_ context.Context, _ searchpack.Caller, id string, number int) (*searchpack.Version, []searchpack.ManifestEntry, error) {
	err := f.note(id, number)
	if err != nil {
		return nil, nil, err
	}
	return good, list(f, manifest...), nil
}

func (f *fake) Checks(_ context.Context, _ searchpack.Caller, id string, number int) (*searchpack.Version, []searchpack.Check, error) {
	err := f.note(id, number)
	if err != nil {
		return nil, nil, err
	}
	return good, list(f, verifyChecks...), nil
}

func ptr[T any](v T) *T { return &v }

func (f *fake) SBOM(_ context.Context, _ searchpack.Caller, id string, number int) ([]byte, error) {
	return []byte(`{"bomFormat":"CycloneDX","specVersion":"1.6","version":1,"components":[{"type":"library","name":"log4j"}]}`), f.note(id, number)
}

func (f *fake) Diff(_ context.Context, _ searchpack.Caller, id string, from, to int) (*catalog.Diff, error) {
	d := &catalog.Diff{From: good, To: good, Result: diff.Identical()}
	if !f.nothing {
		d.Result = diff.Result{
			Way: diff.ByMeaning, Note: "note", Added: 1, Removed: 1, Changed: 302, Same: 5,
			Changes: []diff.Change{
				{Sort: diff.Changed, Key: "laptop", Old: []string{"notebook"}, OldCount: 1, New: []string{"notebook", "tablet"}, NewCount: 12, OldLine: 1, NewLine: 2},
				{Sort: diff.Removed, Key: "tv", Old: []string{"television"}, OldCount: 1, OldLine: 2},
				{Sort: diff.Added, Key: "the", NewLine: 3},
			},
			Descriptor: []diff.Change{{Sort: diff.Changed, Key: "version", Old: []string{"1"}, OldCount: 1, New: []string{"2"}, NewCount: 1}},
		}
	}
	return d, f.note(id, from, to)
}

// ListPackagesForDomain gives one association per page.
func (f *fake) ListPackagesForDomain(_ context.Context, _ searchpack.Caller, domain string, page catalog.Page) ([]*catalog.AssociationView, string, error) {
	if err := f.note(domain); err != nil || f.nothing {
		return nil, "", err
	}
	if page.After == "" {
		return associations[:1], associations[0].PackageID, nil
	}
	return associations[1:], "", nil
}

func (f *fake) AdoptPackage(_ context.Context, _ searchpack.Caller, domain string, in catalog.AdoptInput) (*catalog.AssociationView, error) {
	return &catalog.AssociationView{Association: searchpack.Association{
		PackageID: in.PackageID, Status: searchpack.Associating, Path: in.Path, CreatedAt: moment, UpdatedAt: moment,
	}, Package: searchpack.Package{ID: in.PackageID, Name: "words", Type: searchpack.TypeDictionary}, WantedNumber: 1}, f.note(domain, in)
}

func (f *fake) ChooseVersion(_ context.Context, _ searchpack.Caller, domain string, in catalog.ChooseInput) (*catalog.AssociationView, error) {
	return associations[0], f.note(domain, in)
}

func (f *fake) ControlRollout(_ context.Context, _ searchpack.Caller, domain, id string, o rollout.Command) (*searchpack.Rollout, error) {
	return &searchpack.Rollout{ID: id, State: searchpack.RolloutRunning, Paused: "kim", Abort: "kim"}, f.note(domain, id, o)
}

func (f *fake) Plan(_ context.Context, _ searchpack.Caller, domain, id string, number int, prerequisites []string) (*catalog.PlanView, error) {
	if f.nothing {
		return planOfNothing, f.note(domain, id, number, strings.Join(prerequisites, " "))
	}
	if id == planOfPlugin.Package.ID {
		return planOfPlugin, f.note(domain, id, number, strings.Join(prerequisites, " "))
	}
	return plan, f.note(domain, id, number, strings.Join(prerequisites, " "))
}

func (f *fake) Preview(_ context.Context, _ searchpack.Caller, domain string, in catalog.PreviewInput) (*catalog.PreviewView, error) {
	if f.nothing {
		return previewOfTheFirst, f.note(domain, in)
	}
	return preview, f.note(domain, in)
}

func (f *fake) Nodes(_ context.Context, _ searchpack.Caller, domain string) (*catalog.NodesView, error) {
	if f.nothing {
		return &catalog.NodesView{Domain: domain, Nodes: []catalog.NodeView{}}, f.note(domain)
	}
	return nodes, f.note(domain)
}

func (f *fake) Proofs(_ context.Context, _ searchpack.Caller, domain, packageID string) ([]*searchpack.Proof, error) {
	return list(f, proof), f.note(domain, packageID)
}

func (f *fake) Rollouts(_ context.Context, _ searchpack.Caller, domain string, limit int) ([]*searchpack.Rollout, map[string]*searchpack.Version, error) {
	return list(f, rollouts...), map[string]*searchpack.Version{"ver-1": good, "ver-3": {Number: 3}}, f.note(domain, limit)
}

func (f *fake) Usage(_ context.Context, _ searchpack.Caller, domain, packageID string) (*searchpack.Usage, error) {
	if f.nothing {
		return nil, f.note(domain, packageID)
	}
	if f.plugin {
		return &searchpack.Usage{ClusterUUID: "uuid", Version: 42, At: moment, Needs: needed}, f.note(domain, packageID)
	}
	return uses, f.note(domain, packageID)
}

// needed is who needs a plugin.
var needed = &searchpack.NeedsReport{
	Truncated: true, MoreNeeds: 3, MoreDoubts: 1,
	Needs:  []searchpack.Need{{User: "index shop", Kind: "token filter", Name: "icu_folding"}, {User: "ingest pipeline mails", Kind: "ingest processor", Name: "attach"}},
	Doubts: []searchpack.Need{{User: "index logs", Kind: "analyzer", Name: "words", Other: "other-plugin"}, {User: "the cluster's settings", Kind: "cluster setting", Name: "icu.limit"}},
}

func (f *fake) Events(_ context.Context, _ searchpack.Caller, q catalog.EventQuery) (*catalog.EventPage, error) {
	if f.nothing {
		return &catalog.EventPage{Events: []*searchpack.Event{}}, f.note(q)
	}
	return &catalog.EventPage{Events: []*searchpack.Event{event}, Next: 7, Newest: 9}, f.note(q)
}

func (f *fake) CreateCredential(_ context.Context, _ searchpack.Caller, in catalog.CredentialInput) (*searchpack.Credential, error) {
	return temporary, f.note(in)
}

func (f *fake) Credentials(_ context.Context, _ searchpack.Caller, account string) ([]*searchpack.Credential, error) {
	return list(f, credential, temporary), f.note(account)
}

func (f *fake) Credential(_ context.Context, _ searchpack.Caller, accessKey string) (*searchpack.Credential, error) {
	return credential, f.note(accessKey)
}

func (f *fake) UpdateCredential(_ context.Context, _ searchpack.Caller, accessKey string, ch catalog.CredentialChange) (*searchpack.Credential, error) {
	return credential, f.note(accessKey, ch)
}

func (f *fake) RotateCredential(_ context.Context, _ searchpack.Caller, accessKey string, k catalog.SealedKey) (*searchpack.Credential, error) {
	return credential, f.note(accessKey, k)
}

func (f *fake) DeleteCredential(_ context.Context, _ searchpack.Caller, accessKey string) error {
	return f.note(accessKey)
}

func (f *fake) CreateJoinToken(_ context.Context, _ searchpack.Caller, in catalog.JoinTokenInput) (*searchpack.JoinToken, error) {
	if err := f.note(in); err != nil {
		return nil, err
	}
	return token, nil
}

func (f *fake) JoinTokens(_ context.Context, _ searchpack.Caller, domain string) ([]*searchpack.JoinToken, error) {
	return list(f, token), f.note(domain)
}

func (f *fake) DeleteJoinToken(_ context.Context, _ searchpack.Caller, domain, id string) error {
	return f.note(domain, id)
}

func (f *fake) DomainPolicy(_ context.Context, _ searchpack.Caller, domain string) (*searchpack.DomainPolicy, error) {
	if f.nothing {
		return &searchpack.DomainPolicy{}, f.note(domain)
	}
	return &searchpack.DomainPolicy{Level: searchpack.LevelProbed, UnmanagedNodes: "ignore", AbsentNodes: "wait", Restart: "any"}, f.note(domain)
}

func (f *fake) UpdateDomainPolicy(_ context.Context, _ searchpack.Caller, domain string, ch catalog.PolicyChange) (*searchpack.DomainPolicy, error) {
	return &searchpack.DomainPolicy{AbsentNodes: "wait"}, f.note(domain, ch)
}

func (f *fake) RetireNode(_ context.Context, _ searchpack.Caller, domain, node string) (*searchpack.Agent, error) {
	return &searchpack.Agent{ID: "agent-1", Name: "n1", RetiredAt: moment}, f.note(domain, node)
}

// site is an edge on a fake catalog.
type site struct {
	t         *testing.T
	catalog   *fake
	refused   error // by authentication
	sick      error
	complaint string
	log       bytes.Buffer
	// authorize decides; nil: everything is allowed. events are those of failed calls.
	authorize searchpack.Authorizer
	events    []searchpack.Event
	handler   http.Handler
}

// caller is who sends the requests.
var caller = searchpack.Caller{
	Account: key.Account, Region: key.Region, AccessKey: "SPKAEXAMPLE", User: "kim", ARN: "arn:aws:iam::000000000000:user/kim", SourceIP: "192.0.2.7",
}

func newSite(t *testing.T) *site {
	s := &site{t: t, catalog: &fake{}}
	s.handler = New(Config{
		Catalog: s.catalog,
		Authenticate: func(*http.Request, []byte) (searchpack.Caller, error) {
			if s.refused != nil {
				return searchpack.Caller{}, s.refused
			}
			return caller, nil
		},
		Authorize: func(who searchpack.Caller, action, resource string, conditions map[string]string) error {
			if s.authorize == nil {
				return nil
			}
			return s.authorize(who, action, resource, conditions)
		},
		Refused: func(_ context.Context, e searchpack.Event) { s.events = append(s.events, e) },
		NewKey: func(temporary bool) Key {
			k := Key{Secret: "the-secret", SealedKey: catalog.SealedKey{AccessKey: "SPKAEXAMPLE", Sealed: []byte("sealed")}}
			if temporary {
				k.AccessKey, k.SessionToken, k.SessionHash = "SPKTEXAMPLE", "the-token", digest
			}
			return k
		},
		NewToken:  func() (string, string, searchpack.Digest, error) { return "tok-1", "the-secret-text", digest, nil },
		Healthy:   func(context.Context) error { return s.sick },
		Complaint: func() string { return s.complaint },
		Version:   "1.2.3",
		Logger:    slog.New(slog.NewTextHandler(&s.log, nil)),
	})
	return s
}

// ask sends "GET /events?limit=1"; the path is below Prefix, or a whole one that begins with "//"
// or "*".
func (s *site) ask(request, body string) *httptest.ResponseRecorder {
	s.t.Helper()
	method, path, _ := strings.Cut(request, " ")
	r := httptest.NewRequest(method, "http://searchpack"+Prefix+path, io.NopCloser(strings.NewReader(body)))
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	return w
}

var refusedSignature = &sigv4.Error{Code: "InvalidSignatureException", Status: http.StatusForbidden, Message: "The signature does not match."}
