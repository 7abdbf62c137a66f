package cli

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/opensearch"
	"github.com/aws/aws-sdk-go-v2/service/opensearch/types"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/catalog"
)

// pushDomain is what came of a push in one domain.
type pushDomain struct {
	Domain  string `json:"domain"`
	Status  string `json:"status,omitempty"`
	Serving string `json:"serving,omitempty"`
	Asked   bool   `json:"associated"` // by this push; false: the domain had it, or was about to
	// Namesake is the package of the same name, for another OpenSearch, that the domain has: by that its
	// nodes take this version when they have the OpenSearch that it is for.
	Namesake string               `json:"namesake,omitempty"`
	Error    string               `json:"error,omitempty"`
	Findings []searchpack.Finding `json:"findings,omitempty"`
	Proofs   []searchpack.Proof   `json:"proofs,omitempty"`
	Owed     []pushOwed           `json:"owed,omitempty"`
	follows  bool                 // it was not named: it follows the latest version
}

// pushOwed is a node that has not proven it yet.
type pushOwed struct {
	Node string `json:"node"`
	Note string `json:"note,omitempty"`
}

// pushAssociation is an association with how its domain follows versions.
type pushAssociation struct {
	associationLine
	Track    string `json:"track"`
	namesake string // if there is no association: of the package of the same name that there is one of
}

// association of the package with a domain; the zero value if there is none.
func (s *push) association(domain string) (pushAssociation, error) {
	all, err := associationsOf[pushAssociation](s.cl, s.c, domain)
	none := pushAssociation{}
	for _, a := range all {
		switch {
		case a.PackageID == s.PackageID:
			return a, err
		case s.plugin && a.Name == s.Name:
			none.namesake = a.PackageID
		}
	}
	return none, err
}

// associate has the version rolled out unless the domain has it, or is getting it.
func (s *push) associate(d *pushDomain) error {
	for {
		a, err := s.association(d.Domain)
		if err != nil {
			return err
		}
		d.Status, d.Serving = a.Status, a.Serving
		if d.Namesake = a.namesake; d.Namesake != "" {
			s.said.step("%s: it has %s (%s): its nodes take %s of %s when they are upgraded to %s", d.Domain, s.Name, d.Namesake, s.Version, s.PackageID, s.EngineVersion)
			return nil
		}
		rolling := a.Status == string(searchpack.Associating)
		switch {
		case s.elsewhere(&a): // the server says what is in the way, if anything is
		case a.Status == string(searchpack.Active) && a.Serving == s.Version:
			s.said.step("%s: %s is %s already: nothing to do", d.Domain, s.Version, a.Status)
			return nil
		case rolling && a.Wanted == s.Version:
			s.said.step("%s: %s is being rolled out already", d.Domain, s.Version)
			return nil
		case rolling && s.Wait:
			s.said.waits("%s: %s is being rolled out first%s", d.Domain, a.Wanted, after(a.Note))
			if err := s.pause(); err != nil {
				return err
			}
			continue
		}
		if s.path != "" {
			return s.adopt(d)
		}
		in := &opensearch.AssociatePackageInput{DomainName: &d.Domain, PackageID: &s.PackageID}
		if s.part != "" {
			in.PrerequisitePackageIDList = []string{s.hosts[d.Domain]}
		}
		out, err := s.cl.aws().AssociatePackage(s.c, in)
		if err != nil {
			return s.notAssociated(d, err)
		}
		d.Asked = true
		if got := out.DomainPackageDetails; got != nil {
			d.Status = string(got.DomainPackageStatus)
		}
		s.said.step("%s: %s is being rolled out", d.Domain, s.Version)
		return nil
	}
}

// notAssociated looks whether the domain has come to what is wanted by itself: it may follow the
// latest version, or somebody else was quicker.
func (s *push) notAssociated(d *pushDomain, refused error) error {
	var conflict *types.ConflictException
	if errors.As(refused, &conflict) {
		a, err := s.association(d.Domain)
		if err != nil {
			return err
		}
		if a.Wanted == s.Version && (a.Status == string(searchpack.Active) || a.Status == string(searchpack.Associating)) {
			d.Status, d.Serving = a.Status, a.Serving
			s.said.step("%s: %s is %s already", d.Domain, s.Version, aws.ToString(&a.Status))
			return nil
		}
	}
	return s.cl.plain(refused)
}

// after is what is waited for, to be written behind something.
func after(note string) string {
	if note == "" {
		return ""
	}
	return ": " + note
}

// proven waits until the rollout has ended, and reads the proofs. What went wrong is the domain's
// error; the error returned is that of asking.
func (s *push) proven(d *pushDomain) error {
	if d.follows {
		if err := s.begun(d); err != nil {
			return err
		}
	}
	for {
		a, err := s.association(d.Domain)
		if err != nil {
			return err
		}
		d.Status, d.Serving, d.Findings = a.Status, a.Serving, a.Findings
		switch {
		case a.Status == string(searchpack.Active) && a.Serving == s.Version:
			return s.proofs(d)
		case a.Status == string(searchpack.Associating) && a.Wanted == s.Version:
			s.said.waits("%s: %s%s", d.Domain, a.Status, after(a.Note))
		case a.Error != nil && a.Wanted == s.Version:
			d.Error = a.Status + ": " + a.Error.Message
		default:
			d.Error = fmt.Sprintf("somebody changed it meanwhile: it is %s with %s", cmp.Or(a.Status, "dissociated"), cmp.Or(a.version(), "no version"))
		}
		if d.Error != "" {
			s.said.step("%s: %s", d.Domain, d.Error)
			return nil
		}
		if err := s.pause(); err != nil {
			return err
		}
	}
}

// proofs reads what each node has proven, and which node owes it.
func (s *push) proofs(d *pushDomain) error {
	var answer struct {
		Proofs []searchpack.Proof `json:"proofs"`
	}
	domain := "/domains/" + url.PathEscape(d.Domain)
	if _, err := s.cl.call(s.c, "GET", domain+"/proofs?package_id="+url.QueryEscape(s.PackageID), nil, &answer); err != nil {
		return err
	}
	var nodes catalog.NodesView
	if _, err := s.cl.call(s.c, "GET", domain+"/nodes", nil, &nodes); err != nil {
		return err
	}
	proven := map[string]bool{}
	for _, p := range answer.Proofs {
		if fmt.Sprintf("v%d", p.Version) == s.Version {
			d.Proofs, proven[p.AgentID] = append(d.Proofs, p), true
		}
	}
	for _, n := range nodes.Nodes {
		if !proven[n.AgentID] && n.State != catalog.NodeRetired && n.State != catalog.NodeIgnored {
			d.Owed = append(d.Owed, pushOwed{n.Name, n.Note})
		}
	}
	s.said.step("%s: %s is %s, proven by %s%s", d.Domain, s.Version, d.Status, counted(len(d.Proofs), "node"), owedText(d.Owed))
	return nil
}

func owedText(owed []pushOwed) string {
	if len(owed) == 0 {
		return ""
	}
	var names []string
	for _, o := range owed {
		names = append(names, strings.TrimSuffix(o.Node+" ("+o.Note+")", " ()"))
	}
	return ", owed by " + strings.Join(names, ", ")
}

// show puts findings and proofs on a page; what was said under way stands above.
func (d *pushDomain) show(p *page) {
	for _, f := range d.Findings {
		p.line("%s: %s: %s", d.Domain, f.Severity, f.Message)
	}
	if len(d.Proofs) == 0 {
		return
	}
	t := newTable("DOMAIN", "NODE", "VERSION", "LEVEL", "DIGEST", "PROOF")
	for _, x := range d.Proofs {
		t.row(d.Domain, x.NodeName, fmt.Sprintf("v%d", x.Version), x.Level, x.Digest.Short(), proofText(&x))
	}
	p.table(t)
}
