package cli

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/opensearch"
	"github.com/aws/aws-sdk-go-v2/service/opensearch/types"

	"github.com/searchpack/searchpack"
)

// pushVersion is a version of the extension API, or an attempt at one.
type pushVersion struct {
	versionLine
	Source searchpack.Source `json:"source"`
}

func (v *pushVersion) importing() bool {
	s := searchpack.PackageStatus(v.Status)
	return s == searchpack.PackageCopying || s == searchpack.PackageValidating
}

// imported finds the package's newest version with the bytes of the file, or makes it.
func (s *push) imported() error {
	switch found := s.same; len(found) {
	case 0:
		if err := s.upload(); err != nil {
			return err
		}
		return s.create()
	case 1:
		s.PackageID = found[0].ID
	default:
		return fmt.Errorf("%d packages are named %s: push needs one that is the only one of its name: %s", len(found), s.Name, idsOf(found))
	}
	vs, err := s.idle()
	if err != nil {
		return err
	}
	for _, v := range vs { // the last one that became available counts
		if v.Version != "" {
			s.Version, s.Imported = v.Version, !s.holds(&v)
		}
	}
	if s.Version != "" && !s.Imported {
		s.said.step("%s %s holds these bytes already: nothing to import", s.Name, s.Version)
		return nil
	}
	s.Version, s.Imported = "", false
	if err := s.nobodyFollows(); err != nil {
		return err
	}
	if err := s.upload(); err != nil {
		return err
	}
	return s.update(len(vs))
}

// named are the packages that the push may be of. Of plugins there is one for each EngineVersion.
func (s *push) named() ([]packageLine, error) {
	found, err := s.cl.packages(s.c, []string{s.Name})
	for _, p := range found {
		if p.Name == s.Name && p.Type != string(s.packageType()) {
			return nil, fmt.Errorf("package %s (%s) is a %s, and the file would be a version of a %s: give it another --name", s.Name, p.ID, p.Type, s.packageType())
		}
	}
	if s.plugin {
		found = slices.DeleteFunc(found, func(p packageLine) bool { return p.EngineVersion != s.EngineVersion })
	}
	return found, err
}

// reference is by what other commands know the package: plugins of several versions of OpenSearch share a name.
func (s *push) reference() string {
	if s.plugin {
		return s.PackageID
	}
	return s.Name
}

// holds: the version is what a push would make. A kind that is declared must be what it is now; checks
// are always said, also that there are none.
func (s *push) holds(v *pushVersion) bool {
	return v.Digest == s.file.digest && v.Source.Signature == s.signature && v.ChecksDigest == s.checksDigest() && (s.Kind == "" || s.Kind == v.Kind)
}

// idle waits until no import is under way, and returns the versions, oldest first.
func (s *push) idle() ([]pushVersion, error) {
	for {
		vs, err := s.versions()
		if err != nil || len(vs) == 0 || !vs[len(vs)-1].importing() {
			return vs, err
		}
		s.said.waits("%s: another import is under way (%s)", s.Name, vs[len(vs)-1].Status)
		if err := s.pause(); err != nil {
			return nil, err
		}
	}
}

func (s *push) versions() ([]pushVersion, error) {
	var answer struct {
		Versions []pushVersion `json:"versions"`
	}
	_, err := s.cl.call(s.c, "GET", "/packages/"+url.PathEscape(s.PackageID)+"/versions", nil, &answer)
	return answer.Versions, err
}

func (s *push) source() *types.PackageSource {
	return &types.PackageSource{S3BucketName: &s.Bucket, S3Key: aws.String(s.key())}
}

// optional leaves out what was not given.
func optional(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

func (s *push) create() error {
	out, err := s.cl.aws().CreatePackage(s.c, &opensearch.CreatePackageInput{
		PackageName: &s.Name, PackageType: s.packageType(), PackageSource: s.source(), PackageDescription: optional(s.Message),
		EngineVersion: optional(s.EngineVersion),
	})
	if err != nil {
		return s.cl.plain(err)
	}
	if out.PackageDetails == nil || aws.ToString(out.PackageDetails.PackageID) == "" {
		return fmt.Errorf("%s made a package and did not say which", s.cl.endpoint)
	}
	s.PackageID = aws.ToString(out.PackageDetails.PackageID)
	s.made = true
	s.said.step("package %s is %s", s.Name, s.PackageID)
	return s.available(0)
}

func (s *push) update(attempts int) error {
	_, err := s.cl.aws().UpdatePackage(s.c, &opensearch.UpdatePackageInput{
		PackageID: &s.PackageID, PackageSource: s.source(), CommitMessage: optional(s.Message),
	})
	if err != nil {
		return s.cl.plain(err)
	}
	return s.available(attempts)
}

// available waits until the import has ended that was begun after so many attempts at versions.
func (s *push) available(attempts int) error {
	for {
		vs, err := s.versions()
		if err != nil {
			return err
		}
		v := s.mine(vs, attempts)
		switch {
		case v == nil:
			return fmt.Errorf("package %s does not show the import of %s that was asked for: somebody deleted it meanwhile", s.Name, s.key())
		case v.importing():
			s.said.waits("importing: %s", v.Status)
		case v.Version == "":
			return s.refusedImport(v)
		case v.Digest != s.file.digest:
			return fmt.Errorf("%s %s has other bytes than %s had: somebody writes to s3://%s/%s", s.Name, v.Version, s.File, s.Bucket, s.key())
		case v.ChecksDigest != s.checksDigest():
			return fmt.Errorf("%s %s has other checks than %s had: somebody writes to s3://%s/%s, or the server is older than this program and knows none", s.Name, v.Version, cmp.Or(s.Checks, "none, which it"), s.Bucket, s.key())
		default:
			s.Version, s.Imported = v.Version, true
			s.said.step("%s %s is imported, %s", s.Name, v.Version, s.inspected(v))
			return nil
		}
		if err := s.pause(); err != nil {
			return err
		}
	}
}

// inspected says what the inspection found in the version that was imported, and keeps it to be shown.
func (s *push) inspected(v *pushVersion) string {
	if v.Findings == 0 {
		return "no findings"
	}
	var found findingsLine
	says := counted(v.Findings, "finding")
	// The version is there, whatever comes of this question.
	document, err := s.cl.call(s.c, "GET", "/packages/"+url.PathEscape(s.PackageID)+"/findings?version="+strings.TrimPrefix(v.Version, "v"), nil, &found)
	if err == nil && found.Count > 0 {
		says += ": " + found.severities()
		s.Findings, s.found = document, found.grave()
	}
	return fmt.Sprintf("%s (searchpack findings %s %s)", says, s.reference(), v.Version)
}

// mine is the attempt that this push began: the first of the upload's key after those that were there.
func (s *push) mine(vs []pushVersion, attempts int) *pushVersion {
	for i := attempts; i < len(vs); i++ {
		if vs[i].Source.Bucket == s.Bucket && vs[i].Source.Key == s.key() {
			return &vs[i]
		}
	}
	return nil
}

// toMend begins the remedy in a server's ErrorDetails.
const toMend = " To mend the first: "

// refusedImport shows what the inspection found.
func (s *push) refusedImport(v *pushVersion) error {
	var found findingsLine
	document, err := s.cl.call(s.c, "GET", "/packages/"+url.PathEscape(s.PackageID)+"/findings", nil, &found)
	if err != nil {
		return err
	}
	if found.Count > 0 {
		s.Findings, s.found = document, &found
	}
	why := searchpack.ErrorDetails{}
	if v.Error != nil {
		why = *v.Error
	}
	text := cmp.Or(why.Message, "the server does not say why")
	if found.Count > 0 { // what to write instead stands in the findings
		text, _, _ = strings.Cut(text, toMend)
	}
	return fmt.Errorf("%s is not imported (%s): %s", s.File, v.Status, strings.TrimSuffix(text, "."))
}
