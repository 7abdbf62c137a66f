package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/opensearch/types"

	"github.com/searchpack/searchpack"
)

// PushCmd makes a file the newest version of a package and rolls it out.
type PushCmd struct {
	File          string   `arg:"" help:"The file."`
	Name          string   `required:"" env:"-" placeholder:"NAME" help:"Of the package, which is made if it is not there."`
	Domain        []string `env:"-" placeholder:"DOMAIN" help:"Roll it out in this domain; may be repeated. Without one it is imported only, and reaches the domains that follow the latest version."`
	Kind          string   `env:"-" placeholder:"KIND" help:"What the file holds: solr-synonyms, words, ... (docs/dictionaries.md); else it is learnt or guessed."`
	EngineVersion string   `env:"-" placeholder:"X.Y" help:"Of a plugin: the version of OpenSearch that it is for, as 3.8 or OpenSearch_3.8; else its descriptor says it."`
	For           string   `env:"-" placeholder:"PLUGIN" help:"The file is the configuration (.zip) or the license (.json, .xml) of this plugin, a package's name or id."`
	Checks        string   `env:"-" placeholder:"FILE" help:"Verify checks of this version, a JSON document (docs/dictionaries.md): run at the end of a rollout, and one that fails brings the former version back. Without it the version has none."`
	Message       string   `env:"-" placeholder:"TEXT" help:"The commit message; of a new package its description."`
	Wait          bool     `env:"-" help:"Wait until every domain has proven it, and show the proof of each node; without --domain, every domain that follows the latest version."`
	Plan          bool     `env:"-" help:"Upload and import the file, then show what rolling it out would do. Nothing is associated."`
	Timeout       Span     `env:"-" default:"10m" help:"How long all of it may take. What has begun goes on."`
	Bucket        string   `env:"SEARCHPACK_BUCKET" placeholder:"BUCKET" help:"Where the file is uploaded to: searchpack/NAME/SHA-256 in this S3 bucket, which the server reads."`
	S3Profile     string   `name:"s3-profile" env:"SEARCHPACK_S3_PROFILE" placeholder:"PROFILE" help:"An AWS profile with the credentials for S3, if they are not those for the server."`

	Every time.Duration `kong:"-"` // how often a server is asked; 0 = pushEvery

	plugin bool              // what the file is; see look
	part   types.PackageType // of what belongs to a plugin; "" = it is none
	suffix string            // of the key of such a file
	signer string            // the id of the key that FILE.sig is by; "" = there is none
	path   string            // of AdoptCmd: where the file lies
}

// pushEvery is how often a server is asked how far it is: a small file is imported in less.
const pushEvery = 500 * time.Millisecond

// maxMessage is AWS's bound of a CommitMessage, in characters.
const maxMessage = 160

// packageName is AWS's PackageName; the name is part of the key of the upload.
var packageName = regexp.MustCompile(`^[a-z][a-z0-9-]{2,255}$`)

// Help stands below the flags.
func (*PushCmd) Help() string {
	return "Repeat it as you like: a file that the newest version holds already, with the same checks, is not imported again,\nand a domain " +
		"that has it is left alone. A zip with a plugin-descriptor.properties is a plugin; its signature, FILE.sig, goes along.\n" +
		"Plugins of one name for several versions of OpenSearch are a line: push each build, and nodes take the one for theirs.\nS3 is found as the AWS SDKs do: AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, else AWS.\n\n" +
		"Examples:\n  searchpack push synonyms.txt --name synonyms --domain products --bucket dictionaries --wait\n" +
		"  searchpack push synonyms.txt --name synonyms --domain products --bucket dictionaries --plan"
}

func (p *PushCmd) check() error {
	switch {
	case p.Bucket == "":
		return usagef("no bucket named: give --bucket, or set SEARCHPACK_BUCKET")
	case !packageName.MatchString(p.Name):
		return usagef("%q is no name of a package: write 3 or more lower-case letters, digits and hyphens, a letter first", p.Name)
	case p.Kind != "" && !slices.Contains(searchpack.Kinds, searchpack.Kind(p.Kind)):
		return usagef("%q is no kind of dictionary: it is one of %s", p.Kind, strings.Trim(fmt.Sprint(searchpack.Kinds), "[]"))
	case utf8.RuneCountInString(p.Message) > maxMessage:
		return usagef("the message has more than %d characters", maxMessage)
	case !p.engine():
		return usagef("--engine-version %s is no version of OpenSearch: write it as OpenSearch_3.8 or 3.8", p.EngineVersion)
	case p.Plan && p.Wait:
		return usagef("--plan rolls nothing out, so there is nothing to --wait for: give one of them")
	case p.Plan && len(p.Domain) == 0:
		return usagef("--plan shows what would happen in a domain: name one with --domain")
	case p.Timeout == 0:
		return usagef("--timeout 0s leaves no time")
	}
	return nil
}

// push is one push under way.
type push struct {
	*PushCmd
	c    *Context // with the time limit
	cl   *client
	file *pushFile
	// checks is the document of verify checks; "" = there is none.
	checks []byte
	// signature of a plugin; "" = there is none.
	signature string
	said      *progress
	// same are the packages that the push may be of; see named.
	same []packageLine
	made bool // the package, by this push
	// hosts are the packages of the plugin of --for, by domain; see lookFirst.
	hosts map[string]string
	pushResult
}

// pushResult is what --output json prints.
type pushResult struct {
	PackageID string            `json:"package_id,omitempty"`
	Package   string            `json:"name"`
	Version   string            `json:"version,omitempty"`
	Digest    searchpack.Digest `json:"digest"`
	Imported  bool              `json:"imported"` // false: the newest version holds these bytes already
	Error     string            `json:"error,omitempty"`
	SignedBy  string            `json:"signed_by,omitempty"` // the id of the key that FILE.sig names
	Findings  json.RawMessage   `json:"findings,omitempty"`  // of the import of this push
	Domains   []*pushDomain     `json:"domains"`
	Followers []string          `json:"followers,omitempty"` // domains that get it by themselves, and are not waited for
	Plans     []json.RawMessage `json:"plans,omitempty"`
	found     *findingsLine
	plans     []*planLine
}

var errLate = errors.New("the time is up")

// Run pushes.
func (p *PushCmd) Run(c *Context) error {
	if err := p.check(); err != nil {
		return err
	}
	file, err := openPushFile(p.File)
	if err != nil {
		return err
	}
	defer file.Close()
	if err := p.look(file); err != nil {
		return err
	}
	checks, err := p.readChecks()
	if err != nil {
		return err
	}
	signed, err := p.readSignature()
	if err != nil {
		return err
	}
	cl, err := c.client()
	if err != nil {
		return err
	}
	limited := *c
	var cancel context.CancelFunc
	limited.Context, cancel = context.WithTimeoutCause(c.Context, time.Duration(p.Timeout), errLate)
	defer cancel()
	s := &push{PushCmd: p, c: &limited, cl: cl, file: file, checks: checks, signature: signed, said: &progress{c: c}}
	s.pushResult = pushResult{Package: p.Name, Digest: file.digest, Domains: []*pushDomain{}}
	s.SignedBy = p.signer
	err = s.run()
	if errors.Is(context.Cause(limited.Context), errLate) {
		err = fmt.Errorf("not done within %v: %s. What has begun goes on; the same command again waits for it", time.Duration(p.Timeout), s.said.last)
	}
	s.said.clear()
	if err != nil {
		s.Error = err.Error()
	}
	if failed := c.print(s.pushResult, s.show); failed != nil {
		return failed
	}
	return err
}

// run imports the file, then plans or rolls out.
func (s *push) run() error {
	if err := s.lookFirst(); err != nil {
		return fmt.Errorf("%w. Nothing was uploaded", err)
	}
	if err := s.imported(); err != nil {
		return err
	}
	if s.Plan {
		return s.planned()
	}
	if err := s.followed(); err != nil {
		return err
	}
	var failed []string
	for _, name := range s.Domain {
		d := &pushDomain{Domain: name}
		s.Domains = append(s.Domains, d)
		if err := s.associate(d); err != nil {
			if s.c.Err() != nil {
				return err
			}
			d.Error = err.Error()
			s.said.step("%s: %s", name, d.Error)
		}
	}
	for _, d := range s.Domains {
		if s.Wait && d.Error == "" && d.Namesake == "" {
			if err := s.proven(d); err != nil {
				return err
			}
		}
		if d.Error != "" {
			failed = append(failed, d.Domain)
		}
	}
	if len(failed) > 0 {
		return fmt.Errorf("%s %s is not rolled out in %s", s.Name, s.Version, strings.Join(failed, ", "))
	}
	return nil
}

// planned asks what would happen in each domain.
func (s *push) planned() error {
	for _, name := range s.Domain {
		plan, document, err := s.cl.plan(s.c, name, s.PackageID, s.planQuery(name))
		if err != nil {
			return err
		}
		s.plans, s.Plans = append(s.plans, plan), append(s.Plans, document)
	}
	return nil
}

// planQuery asks for the plan of the very call that a push without --plan makes.
func (s *push) planQuery(domain string) string {
	query := url.Values{"version": {strings.TrimPrefix(s.Version, "v")}}
	if host := s.hosts[domain]; host != "" {
		query.Set("prerequisite", host)
	}
	return "?" + query.Encode()
}

// pause lets some time go by before a server is asked again.
func (s *push) pause() error {
	every := s.Every
	if every == 0 {
		every = pushEvery
	}
	t := time.NewTimer(every)
	defer t.Stop()
	select {
	case <-s.c.Done():
		return s.c.Err()
	case <-t.C:
		return nil
	}
}

// show puts what came of it on a page, below what was said under way.
func (r *pushResult) show(p *page) {
	if r.found != nil && r.found.Count > 0 {
		r.found.show(p)
	}
	for i, plan := range r.plans {
		if i > 0 {
			p.line("")
		}
		plan.show(p)
	}
	if r.plans != nil {
		p.line("")
		if slices.ContainsFunc(r.plans, func(x *planLine) bool { return x.Refused != nil }) {
			p.line("Nothing was associated; see above what would be refused.")
		} else {
			p.line("Nothing was associated. The same command without --plan does.")
		}
	}
	for _, d := range r.Domains {
		d.show(p)
	}
}
