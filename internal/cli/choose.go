package cli

import (
	"net/url"

	"github.com/searchpack/searchpack/internal/extapi"
)

// RollbackCmd goes back to an older version.
type RollbackCmd struct {
	Package string `arg:"" help:"Name or id."`
	Domain  string `required:"" env:"-" placeholder:"DOMAIN" help:"In this domain."`
	Version string `env:"-" placeholder:"V" help:"To this version, as v3 or 3; without it, to the one that served before."`
}

// Help stands below the flags.
func (*RollbackCmd) Help() string {
	return "The older version is rolled out like a new one: checked on every node, placed, loaded, proven. A later\n" +
		"AssociatePackage brings the newest again, unless the version is pinned (searchpack pin).\n\n" +
		"Examples:\n  searchpack rollback synonyms --domain products\n  searchpack rollback synonyms --domain products --version v3"
}

// Run rolls back.
func (r *RollbackCmd) Run(c *Context) error {
	body := map[string]string{"version": "former"}
	if r.Version != "" {
		name, err := versionName(r.Version)
		if err != nil {
			return err
		}
		body["version"] = name
	}
	return c.choose(r.Package, r.Domain, body)
}

// PinCmd says how a domain follows a package's versions.
type PinCmd struct {
	Package string `arg:"" help:"Name or id."`
	Domain  string `required:"" env:"-" placeholder:"DOMAIN" help:"In this domain."`
	Version string `env:"-" placeholder:"V" help:"Pin to this version, as v3 or 3, which is rolled out if it does not serve; without it, to the one that serves."`
	Latest  bool   `env:"-" xor:"track" help:"Follow the latest version: each is rolled out as soon as it is available."`
	Off     bool   `env:"-" xor:"track" help:"As AWS: a new version comes when AssociatePackage is called."`
}

// Help stands below the flags.
func (*PinCmd) Help() string {
	return "While a version is pinned AssociatePackage is refused with a ConflictException.\n\n" +
		"Examples:\n  searchpack pin synonyms --domain products\n  searchpack pin synonyms --domain products --version v3\n" +
		"  searchpack pin synonyms --domain products --latest\n  searchpack pin synonyms --domain products --off"
}

// Run pins.
func (p *PinCmd) Run(c *Context) error {
	body := map[string]string{"track": "pinned"}
	switch {
	case p.Version != "" && (p.Latest || p.Off):
		return usagef("--version goes with pinning only")
	case p.Version != "":
		name, err := versionName(p.Version)
		if err != nil {
			return err
		}
		body["version"] = name
	case p.Latest:
		body["track"] = "latest"
	case p.Off:
		body["track"] = "calls"
	}
	return c.choose(p.Package, p.Domain, body)
}

// versionName is how the extension API names the version that "v3" and "3" stand for.
func versionName(s string) (string, error) {
	n, err := versionNumber(s)
	return extapi.VersionName(n), err
}

// choose asks for a version, and says what the association is now.
func (c *Context) choose(nameOrID, domain string, body map[string]string) error {
	cl, err := c.client()
	if err != nil {
		return err
	}
	id, err := cl.packageID(c, nameOrID, domain)
	if err != nil {
		return err
	}
	var a struct {
		associationLine
		Track string `json:"track"`
	}
	path := "/domains/" + url.PathEscape(domain) + "/associations/" + url.PathEscape(id) + "/version"
	document, err := cl.call(c, "PUT", path, body, &a)
	if err != nil {
		return err
	}
	return c.print(document, func(p *page) {
		t := newTable("DOMAIN", "PACKAGE", "NAME", "STATUS", "VERSION", "TRACK", "NOTE")
		t.row(domain, a.PackageID, a.Name, a.Status, a.version(), a.Track, a.note())
		p.table(t)
	})
}

// RolloutCmd tells an open rollout what to do.
type RolloutCmd struct {
	Pause  RolloutPauseCmd  `cmd:"" help:"Hold a rollout where it is: nothing more is placed or reloaded."`
	Resume RolloutResumeCmd `cmd:"" help:"Let a paused rollout go on."`
	Abort  RolloutAbortCmd  `cmd:"" help:"End a rollout; what it placed goes back first."`
}

type rolloutArgs struct {
	Domain string `arg:"" help:"The domain."`
	ID     string `arg:"" help:"The rollout's id: searchpack rollouts DOMAIN shows it."`
}

// RolloutPauseCmd pauses.
type RolloutPauseCmd struct{ rolloutArgs }

// RolloutResumeCmd resumes.
type RolloutResumeCmd struct{ rolloutArgs }

// RolloutAbortCmd aborts.
type RolloutAbortCmd struct{ rolloutArgs }

// Help stands below the flags.
func (*RolloutPauseCmd) Help() string { return "Example:\n  searchpack rollout pause products ID" }

// Help stands below the flags.
func (*RolloutResumeCmd) Help() string { return "Example:\n  searchpack rollout resume products ID" }

// Help stands below the flags.
func (*RolloutAbortCmd) Help() string { return "Example:\n  searchpack rollout abort products ID" }

// Run pauses.
func (r *RolloutPauseCmd) Run(c *Context) error { return r.tell(c, "pause") }

// Run resumes.
func (r *RolloutResumeCmd) Run(c *Context) error { return r.tell(c, "resume") }

// Run aborts.
func (r *RolloutAbortCmd) Run(c *Context) error { return r.tell(c, "abort") }

func (r rolloutArgs) tell(c *Context, order string) error {
	cl, err := c.client()
	if err != nil {
		return err
	}
	var answer struct {
		ID     string `json:"id"`
		State  string `json:"state"`
		Paused string `json:"paused_by"`
		Abort  string `json:"aborted_by"`
	}
	document, err := cl.call(c, "POST", "/domains/"+url.PathEscape(r.Domain)+"/rollouts/"+url.PathEscape(r.ID)+"/"+order, nil, &answer)
	if err != nil {
		return err
	}
	return c.print(document, func(p *page) {
		switch {
		case answer.Abort != "":
			p.line("%s is being aborted (%s)", answer.ID, answer.Abort)
		case answer.Paused != "":
			p.line("%s is paused (%s)", answer.ID, answer.Paused)
		default:
			p.line("%s goes on (%s)", answer.ID, answer.State)
		}
	})
}
