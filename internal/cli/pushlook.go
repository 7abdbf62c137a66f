package cli

import (
	"fmt"
	"slices"

	"github.com/searchpack/searchpack"
)

// domainLooked is what a push finds in a domain before anything is sent.
type domainLooked struct {
	name         string
	associations []pushAssociation
}

// lookFirst looks at what the push names besides the file, so that a typing error leaves nothing behind: no
// upload, no package. What is found may change until it is needed; the server decides then.
func (s *push) lookFirst() error {
	var err error
	if s.same, err = s.named(); err != nil {
		return err
	}
	plugins, err := s.plugins()
	if err != nil {
		return err
	}
	s.hosts = map[string]string{}
	for _, name := range s.Domain {
		all, err := associationsOf[pushAssociation](s.cl, s.c, name)
		if err != nil {
			return err
		}
		if err := s.lookAt(domainLooked{name, all}, plugins); err != nil {
			return err
		}
	}
	return nil
}

// lookAt looks whether the domain has what the file belongs to, or has something else where it is to lie.
func (s *push) lookAt(d domainLooked, plugins []packageLine) error {
	if s.For != "" {
		host, err := pluginOf(d, plugins)
		s.hosts[d.name] = host
		return err
	}
	if s.path == "" {
		return nil
	}
	for _, a := range d.associations {
		mine := slices.ContainsFunc(s.same, func(p packageLine) bool { return p.ID == a.PackageID })
		switch {
		case !mine && a.File == s.path:
			return fmt.Errorf("%s in domain %s is the file of package %s (%s) already", s.path, d.name, a.Name, a.PackageID)
		case mine && a.File != s.path && (a.Serving != "" || !a.Adopted || a.Status != string(searchpack.AssociationFailed)):
			return fmt.Errorf("package %s (%s) is associated with domain %s already, and its file there is %s: dissociate it first, then adopt %s",
				a.Name, a.PackageID, d.name, a.File, s.path)
		}
	}
	return nil
}

// plugins are those that --for may mean. Of a plugin there is one for each EngineVersion.
func (s *push) plugins() ([]packageLine, error) {
	if s.For == "" {
		return nil, nil
	}
	found, err := s.cl.packages(s.c, []string{s.For})
	if err != nil {
		return nil, err
	}
	found = slices.DeleteFunc(found, func(p packageLine) bool { return p.Type != string(searchpack.TypePlugin) })
	if len(found) == 0 {
		return nil, fmt.Errorf("there is no plugin %s: --for names the package of the plugin that the file belongs to", s.For)
	}
	return found, nil
}

// pluginOf is the id of the plugin's package that the domain has.
func pluginOf(d domainLooked, plugins []packageLine) (string, error) {
	for _, a := range d.associations {
		if slices.ContainsFunc(plugins, func(p packageLine) bool { return p.ID == a.PackageID }) {
			return a.PackageID, nil
		}
	}
	return "", fmt.Errorf("domain %s does not have the plugin %s: associate it first, or push without --domain and associate both by one AssociatePackages", d.name, idsOf(plugins))
}
