package parts

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/searchpack/searchpack/dev/internal/distro"
	"github.com/searchpack/searchpack/dev/internal/stack"
)

// offer is one OpenSearch that domains may have.
type offer struct {
	engine string     // "OpenSearch_3.8"
	what   string     // version or path, as distro.Layout takes it
	jdk    distro.JDK // zero: distro chooses (an installation may bring its own)
}

// clusters makes clusters of the OpenSearch versions asked for.
type clusters struct {
	offers []offer
	log    func(string)
}

// openClusters finds out what can run here, and fetches or starts nothing yet.
func openClusters(ctx context.Context, o stack.Options, log func(string)) (stack.Clusters, error) {
	if o.FilesOnly() {
		return stack.FilesOnly{}, nil
	}
	jdks := distro.FindJDKs(ctx, nil)
	c := &clusters{log: log}
	if len(o.OpenSearch) == 0 {
		choice, err := distro.Choose(distro.Offered(), jdks)
		if err != nil {
			return nil, fmt.Errorf("%w; or use --opensearch none, which needs no Java", err)
		}
		log(choice.Reason)
		c.offers = []offer{{engineOf(choice.Version), choice.Version, choice.JDK}}
		return c, nil
	}
	for _, what := range o.OpenSearch {
		next, err := offerOf(what, jdks)
		if err != nil {
			return nil, err
		}
		for _, have := range c.offers {
			if have.engine == next.engine {
				return nil, fmt.Errorf("--opensearch %s and %s are both %s: name one of them", have.what, what, next.engine)
			}
		}
		c.offers = append(c.offers, next)
	}
	return c, nil
}

func offerOf(what string, jdks []distro.JDK) (offer, error) {
	if !distro.IsVersion(what) {
		inst, err := distro.FromHome(what)
		if err != nil {
			return offer{}, err
		}
		abs, err := filepath.Abs(what)
		return offer{engine: engineOf(inst.Version), what: abs}, err
	}
	jdk, err := distro.ChooseJDK(what, jdks)
	return offer{engineOf(what), what, jdk}, err
}

// engineOf turns "3.8.0" into "OpenSearch_3.8".
func engineOf(version string) string {
	p := strings.SplitN(version, ".", 3)
	if len(p) < 2 {
		return "OpenSearch_" + version
	}
	return "OpenSearch_" + p[0] + "." + p[1]
}

func (c *clusters) Engines() []string {
	var all []string
	for _, o := range c.offers {
		all = append(all, o.engine)
	}
	return all
}

// offered returns the offer of an engine.
func (c *clusters) offered(engine string) (offer, error) {
	for _, o := range c.offers {
		if o.engine == engine {
			return o, nil
		}
	}
	return offer{}, fmt.Errorf("the domain is %s, offered now is %s: start searchpack-dev with --opensearch for it, too", engine, strings.Join(c.Engines(), ", "))
}
