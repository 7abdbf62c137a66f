package cli

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// Packages may share a name: builds of a plugin for several versions of OpenSearch do, and dictionaries of
// other accounts may. A command that is about a domain means the one that the domain has.

// packageID turns a name or an id into an id. Of several packages of the name it is the one that is
// associated with the domain; domain "" = none is named.
func (cl *client) packageID(c *Context, nameOrID, domain string) (string, error) {
	found, err := cl.packages(c, []string{nameOrID})
	if err != nil {
		return "", err
	}
	switch len(found) {
	case 0:
		return "", noPackage(nameOrID)
	case 1:
		return found[0].ID, nil
	}
	if domain == "" {
		return "", fmt.Errorf("%d packages are named %s: give the id of one, %s", len(found), nameOrID, idsOf(found))
	}
	of, err := cl.ofDomain(c, domain, found)
	if err != nil {
		return "", err
	}
	switch len(of) {
	case 0:
		return "", fmt.Errorf("%d packages are named %s, and domain %s has none of them: give the id of one, %s", len(found), nameOrID, domain, idsOf(found))
	case 1:
		return of[0].ID, nil
	}
	return "", fmt.Errorf("%d packages are named %s, and domain %s has more than one of them: give the id of one, %s", len(found), nameOrID, domain, idsOf(of))
}

// ofDomain are those of the packages that are associated with a domain.
func (cl *client) ofDomain(c *Context, domain string, found []packageLine) ([]packageLine, error) {
	all, err := associationsOf[associationLine](cl, c, domain)
	return slices.DeleteFunc(slices.Clone(found), func(p packageLine) bool {
		return !slices.ContainsFunc(all, func(a associationLine) bool { return a.PackageID == p.ID })
	}), err
}

// associationsOf lists those of a domain, each as far as the caller wants to know.
func associationsOf[T any](cl *client, c *Context, domain string) ([]T, error) {
	var answer struct {
		Associations []T `json:"associations"`
	}
	_, err := cl.call(c, "GET", "/domains/"+url.PathEscape(domain)+"/associations", nil, &answer)
	return answer.Associations, err
}

// idsOf tells packages of one name apart, for a person who has to choose.
func idsOf(found []packageLine) string {
	var ids []string
	for _, p := range found {
		ids = append(ids, fmt.Sprintf("%s (%s)", p.ID, p.what()))
	}
	return strings.Join(ids, ", ")
}

// what the package is: its type, and for which OpenSearch if it is a plugin.
func (p packageLine) what() string {
	return strings.TrimSpace(p.Type + " " + strings.TrimPrefix(p.EngineVersion, "OpenSearch_"))
}

func noPackage(nameOrID string) error {
	return fmt.Errorf("there is no package %s: searchpack packages lists them", nameOrID)
}

// inDomain is the flag of commands that are about a package only.
type inDomain struct {
	Domain string `env:"-" placeholder:"DOMAIN" help:"Of several packages of the name, the one that this domain has."`
}
