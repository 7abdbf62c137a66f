package cli

import (
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"time"

	"github.com/searchpack/searchpack"
)

// AdoptCmd makes a file that is on the nodes already a package's.
type AdoptCmd struct {
	File      string `arg:"" help:"A copy of the file, made on one of the nodes; - for standard input. No server ever reads files of nodes."`
	Path      string `required:"" env:"-" placeholder:"PATH" help:"Where the nodes have it, relative to their configuration folder, as indices name it: analysis/synonyms.txt."`
	Name      string `required:"" env:"-" placeholder:"NAME" help:"Of the package, which is made if it is not there."`
	Domain    string `required:"" env:"-" placeholder:"DOMAIN" help:"Whose nodes have the file."`
	Kind      string `env:"-" placeholder:"KIND" help:"What the file holds: solr-synonyms, words, ... (docs/dictionaries.md); else it is learnt or guessed."`
	Message   string `env:"-" placeholder:"TEXT" help:"The commit message; of a new package its description."`
	Wait      bool   `env:"-" help:"Wait until every node has proven it, and show the proof of each."`
	Timeout   Span   `env:"-" default:"10m" help:"How long all of it may take. What has begun goes on."`
	Bucket    string `env:"SEARCHPACK_BUCKET" placeholder:"BUCKET" help:"Where the copy is uploaded to: searchpack/NAME/SHA-256 in this S3 bucket, which the server reads."`
	S3Profile string `name:"s3-profile" env:"SEARCHPACK_S3_PROFILE" placeholder:"PROFILE" help:"An AWS profile with the credentials for S3, if they are not those for the server."`

	Every time.Duration `kong:"-"` // see PushCmd
}

// Help stands below the flags.
func (*AdoptCmd) Help() string {
	return "The file stays where it is, and indices go on naming it there: nothing is changed on disk, nothing is reindexed. Every\n" +
		"node must have exactly these bytes, and its agent must have been started with --adopt PATH or a folder above it; else\n" +
		"the nodes are named and the file is left alone. From then on push, rollback and pin change it in place, and the agents\n" +
		"watch and heal it: take it out of whatever else writes it. Dissociating the package later leaves the file where it\n" +
		"lies, with the bytes that serve, whoever uses it.\n\n" +
		"Example, with a copy made by scp node1:/etc/opensearch/analysis/synonyms.txt .:\n" +
		"  searchpack adopt synonyms.txt --path analysis/synonyms.txt --name synonyms --domain products --bucket dictionaries --wait"
}

// Run adopts.
func (a *AdoptCmd) Run(c *Context) error {
	if err := searchpack.CheckFilePath(a.Path); err != nil {
		return usagef("--path: %s", searchpack.ErrorMessage(err))
	}
	file, end, err := a.open(c)
	if err != nil {
		return err
	}
	defer end()
	p := &PushCmd{
		File: file, Name: a.Name, Domain: []string{a.Domain}, Kind: a.Kind, Message: a.Message, Wait: a.Wait,
		Timeout: a.Timeout, Bucket: a.Bucket, S3Profile: a.S3Profile, Every: a.Every, path: a.Path,
	}
	return p.Run(c)
}

// open puts standard input into a file, because what is pushed is read twice.
func (a *AdoptCmd) open(c *Context) (name string, end func(), err error) {
	if a.File != "-" {
		return a.File, func() {}, nil
	}
	f, err := os.CreateTemp("", "searchpack-adopt-")
	if err != nil {
		return "", nil, err
	}
	end = func() { _ = os.Remove(f.Name()) }
	_, err = io.Copy(f, c.In)
	if err = errors.Join(err, f.Close()); err != nil {
		end()
		return "", nil, fmt.Errorf("standard input: %w", err)
	}
	return f.Name(), end, nil
}

// elsewhere: the package is associated, and its file is not the one that is to be adopted.
func (s *push) elsewhere(a *pushAssociation) bool {
	return s.path != "" && a.Status != "" && a.File != s.path
}

// adopt has the domain adopt the file.
func (s *push) adopt(d *pushDomain) error {
	var a pushAssociation
	in := map[string]string{"path": s.path, "version": s.Version}
	_, err := s.cl.call(s.c, "POST", "/domains/"+url.PathEscape(d.Domain)+"/packages/"+url.PathEscape(s.PackageID)+"/adopt", in, &a)
	if err != nil {
		now, lost := s.association(d.Domain)
		if lost != nil || s.elsewhere(&now) || now.Wanted != s.Version || now.Status != string(searchpack.Active) && now.Status != string(searchpack.Associating) {
			return err
		}
		d.Status, d.Serving = now.Status, now.Serving // somebody else was quicker
		s.said.step("%s: %s is %s already", d.Domain, s.Version, now.Status)
		return nil
	}
	d.Asked, d.Status = true, a.Status
	s.said.step("%s: %s is being adopted as %s", d.Domain, s.path, s.Version)
	return nil
}
