package cli

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/opensearch"

	"github.com/searchpack/searchpack"
)

// DomainsCmd lists domains and sets their policies.
type DomainsCmd struct {
	List   DomainsListCmd   `cmd:"" default:"withargs" help:"List domains and what is associated with them (the default)."`
	Policy DomainsPolicyCmd `cmd:"" help:"Show or change how a domain treats nodes that cannot prove, and how certain a proof must be."`
}

// DomainsListCmd lists domains.
type DomainsListCmd struct {
	Name []string `arg:"" optional:"" help:"Only these domains."`
}

// Help stands below the flags.
func (*DomainsListCmd) Help() string {
	return "Examples:\n  searchpack domains\n  searchpack domains products"
}

type domainLine struct {
	Name       string            `json:"name"`
	Engine     string            `json:"engine_version,omitempty"`
	Processing bool              `json:"processing"`
	Endpoint   string            `json:"endpoint,omitempty"`
	Packages   []associationLine `json:"packages"`
}

// associationLine is an association of the extension API.
type associationLine struct {
	PackageID string                   `json:"package_id"`
	Name      string                   `json:"name"`
	Status    string                   `json:"status"`
	Serving   string                   `json:"serving,omitempty"`
	Wanted    string                   `json:"wanted,omitempty"`
	File      string                   `json:"file,omitempty"`
	Adopted   bool                     `json:"adopted,omitempty"`
	Error     *searchpack.ErrorDetails `json:"error,omitempty"`
	Note      string                   `json:"note,omitempty"`
	Findings  []searchpack.Finding     `json:"findings"`
}

// version is the one that serves and, beside it, another one that is wanted.
func (a associationLine) version() string {
	switch {
	case a.Serving == "" || a.Serving == a.Wanted || a.Wanted == "":
		return cmp.Or(a.Serving, a.Wanted)
	}
	return a.Serving + ", wanted " + a.Wanted
}

// note says what is wrong, or what is waited for.
func (a associationLine) note() string {
	texts := []string{a.Note}
	if a.Error != nil {
		texts[0] = a.Error.Message
	}
	if a.Adopted && a.Serving != "" { // before that it is only to be adopted, or was refused
		texts = append(texts, "adopted at "+a.File)
	}
	for _, f := range a.Findings {
		texts = append(texts, f.Message)
	}
	return strings.Join(slices.DeleteFunc(texts, func(s string) bool { return s == "" }), "; ")
}

// Run lists domains.
func (d *DomainsListCmd) Run(c *Context) error {
	cl, err := c.client()
	if err != nil {
		return err
	}
	names := d.Name
	if len(names) == 0 {
		all, err := cl.aws().ListDomainNames(c, &opensearch.ListDomainNamesInput{})
		if err != nil {
			return cl.plain(err)
		}
		for _, each := range all.DomainNames {
			names = append(names, aws.ToString(each.DomainName))
		}
	}
	lines := []domainLine{}
	for _, name := range names {
		line, err := cl.domain(c, name)
		if err != nil {
			return err
		}
		lines = append(lines, line)
	}
	return c.print(lines, func(p *page) {
		t := newTable("DOMAIN", "ENGINE", "STATE", "ENDPOINT", "PACKAGE", "NAME", "STATUS", "VERSION", "NOTE")
		for _, l := range lines {
			state := "ready"
			if l.Processing {
				state = "processing"
			}
			if len(l.Packages) == 0 {
				t.row(l.Name, l.Engine, state, l.Endpoint)
			}
			for _, a := range l.Packages {
				t.row(l.Name, l.Engine, state, l.Endpoint, a.PackageID, a.Name, a.Status, a.version(), a.note())
			}
		}
		p.table(t)
	})
}

func (cl *client) domain(c *Context, name string) (domainLine, error) {
	got, err := cl.aws().DescribeDomain(c, &opensearch.DescribeDomainInput{DomainName: &name})
	if err != nil {
		return domainLine{}, cl.plain(err)
	}
	s := got.DomainStatus
	if s == nil {
		return domainLine{}, fmt.Errorf("%s answers something that is not the OpenSearch service's API", cl.endpoint)
	}
	line := domainLine{
		Name: name, Engine: aws.ToString(s.EngineVersion), Processing: aws.ToBool(s.Processing),
		Endpoint: aws.ToString(s.Endpoint), Packages: []associationLine{},
	}
	all, err := associationsOf[associationLine](cl, c, name)
	line.Packages = append(line.Packages, all...)
	return line, err
}
