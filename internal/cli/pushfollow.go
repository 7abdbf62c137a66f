package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/opensearch"

	"github.com/searchpack/searchpack"
)

// followers are the domains that follow the latest version of the package: the import alone rolls it out
// there.
func (s *push) followers() ([]string, error) {
	var out []string
	pages := opensearch.NewListDomainsForPackagePaginator(s.cl.aws(), &opensearch.ListDomainsForPackageInput{PackageID: &s.PackageID})
	for pages.HasMorePages() {
		page, err := pages.NextPage(s.c)
		if err != nil {
			return nil, s.cl.plain(err)
		}
		for _, d := range page.DomainPackageDetailsList {
			name := aws.ToString(d.DomainName)
			a, err := s.association(name)
			if err != nil {
				return nil, err
			}
			if a.Track == string(searchpack.TrackLatest) {
				out = append(out, name)
			}
		}
	}
	return out, nil
}

// nobodyFollows refuses a plan whose import alone would roll the version out.
func (s *push) nobodyFollows() error {
	if !s.Plan {
		return nil
	}
	names, err := s.followers()
	if err != nil || len(names) == 0 {
		return err
	}
	return fmt.Errorf("domain %s follows the latest version of %s: importing the file would roll it out there at once. Pin the domain first (searchpack pin %s --domain %s), or push without --plan",
		names[0], s.Name, s.Name, names[0])
}

// followed names the domains that get the version without being named. They are waited for if no domain is
// named.
func (s *push) followed() error {
	waited := s.Wait && len(s.Domain) == 0
	if s.made || !s.Imported && !waited { // a new package has no domain
		if waited {
			s.said.step("%s is new, and no domain follows it: there is nothing to wait for", s.Name)
		}
		return nil
	}
	names, err := s.followers()
	switch {
	case err != nil && (waited || s.c.Err() != nil):
		return fmt.Errorf("%s %s is there, but which domains follow its package cannot be asked, so that none is waited for: %w", s.Name, s.Version, err)
	case err != nil: // only to be told
		return nil
	case waited && len(names) == 0:
		s.said.step("no domain follows the latest version of %s: there is nothing to wait for", s.Name)
	}
	for _, name := range names {
		switch {
		case slices.Contains(s.Domain, name):
			continue
		case waited:
			s.said.step("%s: it follows the latest version of %s", name, s.Name)
			s.Domains = append(s.Domains, &pushDomain{Domain: name, follows: true})
			continue
		}
		s.Followers = append(s.Followers, name)
	}
	switch {
	case len(s.Followers) > 0 && s.Wait:
		s.said.step("%s %s is rolled out in %s, too, by itself: that is not waited for", s.Name, s.Version, strings.Join(s.Followers, ", "))
	case len(s.Followers) > 0:
		s.said.step("%s %s is rolled out in %s by itself", s.Name, s.Version, strings.Join(s.Followers, ", "))
	}
	return nil
}

// begun waits until a domain that follows the package has begun with the version, or will not.
func (s *push) begun(d *pushDomain) error {
	mine, err := versionNumber(s.Version)
	if err != nil {
		return err
	}
	for {
		a, err := s.association(d.Domain)
		if err != nil {
			return err
		}
		wanted, _ := versionNumber(a.Wanted)
		switch {
		case wanted >= mine || a.Track != string(searchpack.TrackLatest):
			return nil
		case a.Status == string(searchpack.Associating):
			s.said.waits("%s: %s is being rolled out first%s", d.Domain, a.Wanted, after(a.Note))
		default:
			s.said.waits("%s: %s is about to begin", d.Domain, s.Version)
		}
		if err := s.pause(); err != nil {
			return err
		}
	}
}
