package cli

// SBOMCmd prints a bill of materials.
type SBOMCmd struct {
	Package string `arg:"" help:"Name or id."`
	Version string `arg:"" optional:"" help:"Version, as v3 or 3; without it, the newest import."`
	inDomain
}

// Help stands below the flags.
func (*SBOMCmd) Help() string {
	return "Examples:\n  searchpack sbom lemmas\n  searchpack sbom lemmas v3 > lemmas.cdx.json"
}

// Run prints the document, whatever --output says: it is for programs.
func (s *SBOMCmd) Run(c *Context) error {
	cl, path, err := c.ofVersion(s.Package, s.Domain, s.Version, "sbom")
	if err != nil {
		return err
	}
	document, err := cl.call(c, "GET", path, nil, nil)
	if err != nil {
		return err
	}
	return c.printJSON(document)
}
