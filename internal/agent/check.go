package agent

import (
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/checks"
)

// Limits of what an order may ask for. They are far above what a domain needs and bound what a
// hostile server can make the agent do.
const (
	maxFiles    = 1000
	maxProbes   = 20_000
	maxDuties   = 100
	maxIndices  = 50_000
	maxBody     = 256 << 10
	maxIDLength = 300
	// maxTotal of all files and candidates of one order: a domain has at most some dozens.
	maxTotal = 64 << 30
)

var packagePattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$`)

// checkOrder refuses an order as a whole if anything in it is not as it must be: an honest server
// sends none such, and half an order is no order.
func checkOrder(o *searchpack.Order) error {
	if o.Schema < 1 || o.Schema > searchpack.OrderSchemaParts {
		return fmt.Errorf("the order has schema %d, this agent reads 1 to %d: upgrade the agent", o.Schema, searchpack.OrderSchemaParts)
	}
	if len(o.Files) > maxFiles || len(o.Plugins) > maxFiles || len(o.Alternatives) > maxFiles || len(o.Candidates) > maxFiles || len(o.Probes) > maxProbes || len(o.Duties) > maxDuties {
		return fmt.Errorf("the order is too long: %d files, %d plugins, %d candidates, %d probes, %d duties", len(o.Files), len(o.Plugins), len(o.Candidates), len(o.Probes), len(o.Duties))
	}
	paths, total, err := checkFiles(o)
	if err != nil {
		return err
	}
	candidates, err := checkCandidates(o.Candidates)
	if err != nil {
		return err
	}
	plugins, err := checkPlugins(o.Plugins)
	if err != nil {
		return err
	}
	if err := errors.Join(checkAlternatives(o.Alternatives), checkParts(o)); err != nil {
		return err
	}
	total += candidates + plugins
	if o.Restart != nil && (o.Restart.ID == "" || len(o.Restart.ID) > maxIDLength) {
		return fmt.Errorf("the order offers a restart without a name")
	}
	if total > maxTotal {
		return fmt.Errorf("the order has files of %d bytes together; the limit is %d", total, int64(maxTotal))
	}
	for _, p := range o.Probes {
		if err := checkProbe(p, paths); err != nil {
			return err
		}
	}
	if err := checkBefore(o.Before); err != nil {
		return err
	}
	return checkDuties(o.Duties)
}

// checkBefore takes witnesses only. Of each point something is remembered, so all together are bounded.
func checkBefore(all []searchpack.Duty) error {
	points := 0
	for _, d := range all {
		if d.Kind != searchpack.DutyWitness {
			return fmt.Errorf("the order has a duty %.40q where only witnesses to come may be", d.Kind)
		}
		for _, q := range d.Witnesses {
			points += len(q.Points)
		}
	}
	if len(all) > maxDuties || points > maxWitnessPoints {
		return fmt.Errorf("the order has %d witnesses to come with %d points; the limit is %d with %d", len(all), points, maxDuties, maxWitnessPoints)
	}
	return checkDuties(all)
}

// checkFiles returns where each package's file lies, and the bytes of all of them.
func checkFiles(o *searchpack.Order) (paths map[string]string, size int64, err error) {
	paths = map[string]string{}
	for _, f := range o.Files {
		err := checkFile(f)
		if f.Path != "" {
			err = checkAdopted(o, f)
		}
		if err != nil {
			return nil, 0, err
		}
		size += f.Size
		if _, twice := paths[f.PackageID]; twice {
			return nil, 0, fmt.Errorf("the order lists the package %s twice", f.PackageID)
		}
		paths[f.PackageID] = f.FilePath()
	}
	if name := twice(paths); name != "" {
		return nil, 0, fmt.Errorf("the order lists the file %s twice", name)
	}
	return paths, size, nil
}

// checkCandidates returns the bytes of all of them.
func checkCandidates(all []searchpack.Candidate) (size int64, err error) {
	for _, c := range all {
		if !packagePattern.MatchString(c.PackageID) {
			return 0, fmt.Errorf("the order has a candidate of a package %.80q", c.PackageID)
		}
		if err := checkBytes(c.Digest, c.Size); err != nil {
			return 0, err
		}
		if len(c.Signature) > searchpack.MaxSignature {
			return 0, fmt.Errorf("the order has a candidate of the package %s with a signature of %d bytes", c.PackageID, len(c.Signature))
		}
		size += c.Size
	}
	return size, nil
}

// checkPlugins returns the bytes of all of them.
func checkPlugins(all []searchpack.PluginOrder) (size int64, err error) {
	seen := map[string]bool{}
	for _, p := range all {
		if err := checkPlugin(p); err != nil {
			return 0, err
		}
		if seen[p.PackageID] {
			return 0, fmt.Errorf("the order lists the plugin of the package %s twice", p.PackageID)
		}
		seen[p.PackageID] = true
		size += p.Size
	}
	return size, nil
}

// checkAlternatives looks at versions of which a node has at most one of each package.
func checkAlternatives(all []searchpack.PluginOrder) error {
	for _, p := range all {
		if err := checkPlugin(p); err != nil {
			return err
		}
		if p.State != searchpack.PluginInstalled {
			return fmt.Errorf("the order has an alternative of the plugin %s that is none", p.Name)
		}
	}
	return nil
}

// checkParts refuses licenses and configurations that are not as they must be: of a plugin with a name,
// and a license with a path that stays in its folder.
func checkParts(o *searchpack.Order) error {
	check := func(id string, part searchpack.PluginPart, name, path string, installed bool) error {
		switch {
		case part == searchpack.PartPlugin && path == "":
			return nil
		case part != searchpack.PartConfig && part != searchpack.PartLicense:
			return fmt.Errorf("the order has a part %.40q of a plugin for the package %.80q: upgrade the agent", part, id)
		case o.Schema != searchpack.OrderSchemaParts:
			return fmt.Errorf("the order has schema %d and a part of a plugin", o.Schema)
		case !namePattern.MatchString(name):
			return fmt.Errorf("the order has a part of a plugin %.80q", name)
		case part == searchpack.PartConfig && path != "" || !installed && path != "":
			return fmt.Errorf("the order has a path for the package %.80q, which has none", id)
		case part == searchpack.PartLicense && installed:
			if err := searchpack.CheckLicensePath(path); err != nil {
				return fmt.Errorf("the order has a license of the plugin %s: %s", name, searchpack.ErrorMessage(err))
			}
		}
		return nil
	}
	for _, c := range o.Candidates {
		if err := check(c.PackageID, c.Part, c.For, c.Path, true); err != nil {
			return err
		}
	}
	for _, p := range slices.Concat(o.Plugins, o.Alternatives) {
		if err := check(p.PackageID, p.Part, p.Name, p.Path, p.State == searchpack.PluginInstalled); err != nil {
			return err
		}
	}
	return nil
}

func checkPlugin(p searchpack.PluginOrder) error {
	if !packagePattern.MatchString(p.PackageID) || !namePattern.MatchString(p.Name) {
		return fmt.Errorf("the order has a plugin %.80q of a package %.80q", p.Name, p.PackageID)
	}
	switch p.State {
	case searchpack.PluginInstalled:
		if len(p.Signature) > searchpack.MaxSignature {
			return fmt.Errorf("the order has a plugin %.80q with a signature of %d bytes", p.Name, len(p.Signature))
		}
		return checkBytes(p.Digest, p.Size)
	case searchpack.PluginRemoved:
		return nil
	}
	return fmt.Errorf("the order wants the plugin %s to be %.40q: upgrade the agent", p.Name, p.State)
}

// allocations are the values of cluster.routing.allocation.enable (EnableAllocationDecider.Allocation).
var allocations = []string{"all", "primaries", "new_primaries", "none"}

func checkAllocation(d searchpack.Duty) error {
	if len(d.Baseline) > searchpack.MaxUnassigned {
		return fmt.Errorf("the order has a duty (%s) with more than %d copies", d.ID, searchpack.MaxUnassigned)
	}
	if d.Kind != searchpack.DutyAllocation {
		return nil
	}
	if d.Allocation == nil {
		return fmt.Errorf("the order has an allocation (%s) that is none", d.ID)
	}
	for _, v := range []*string{d.Allocation.Persistent, d.Allocation.Transient} {
		if v != nil && !slices.Contains(allocations, strings.ToLower(*v)) {
			return fmt.Errorf("the order has an allocation (%s) of %.40q", d.ID, *v)
		}
	}
	return nil
}

func checkFile(f searchpack.FileOrder) error {
	if !packagePattern.MatchString(f.PackageID) {
		return fmt.Errorf("the order has a file of a package %.80q", f.PackageID)
	}
	switch f.State {
	case searchpack.FileLive:
		return checkBytes(f.Digest, f.Size)
	case searchpack.FileHidden, searchpack.FileRemoved:
		if f.Digest == "" && f.Size == 0 {
			return nil
		}
		return checkBytes(f.Digest, f.Size)
	}
	return fmt.Errorf("the order wants the file of %s to be %.40q: upgrade the agent", f.PackageID, f.State)
}

// checkAdopted is checkFile for a file with a path of its own. Whether the node lets it be adopted is not
// asked here: the rest of the order counts whatever the answer is.
func checkAdopted(o *searchpack.Order, f searchpack.FileOrder) error {
	if o.Schema < searchpack.OrderSchemaPaths {
		return fmt.Errorf("the order has schema %d and a file with a path", o.Schema)
	}
	if !packagePattern.MatchString(f.PackageID) || f.Tree {
		return fmt.Errorf("the order has a file of a package %.80q at a path of its own that cannot be", f.PackageID)
	}
	if err := searchpack.CheckFilePath(f.Path); err != nil {
		return fmt.Errorf("the order has a file of %s that cannot be adopted: %s", f.PackageID, searchpack.ErrorMessage(err))
	}
	switch f.State {
	case searchpack.FileLive, searchpack.FileAdopt:
		return checkBytes(f.Digest, f.Size)
	case searchpack.FileReleased:
		return nil
	}
	return fmt.Errorf("the order wants the file of %s at %s to be %.40q: an adopted file is never hidden or removed", f.PackageID, f.Path, f.State)
}

// twice returns a path that two packages have; "" if there is none.
func twice(paths map[string]string) string {
	seen := map[string]bool{}
	for _, p := range paths {
		if seen[p] {
			return p
		}
		seen[p] = true
	}
	return ""
}

func checkBytes(d searchpack.Digest, size int64) error {
	if _, err := searchpack.ParseDigest(string(d)); err != nil {
		return fmt.Errorf("the order has a bad digest: %w", err)
	}
	if size < 0 || size > maxBlob {
		return fmt.Errorf("the order has a file of %d bytes; the limit is %d", size, int64(maxBlob))
	}
	return nil
}

// analyzeKeys are the members of an inline _analyze that probes use. "index" is not among them: a
// probe is about this node.
var analyzeKeys = []string{"tokenizer", "filter", "char_filter", "analyzer", "normalizer", "text", "explain", "attributes"}

// checkAnalyze refuses what is no inline _analyze of this node.
func checkAnalyze(what, id, body string) error {
	var m map[string]json.RawMessage
	if len(body) > maxBody || json.Unmarshal([]byte(body), &m) != nil {
		return fmt.Errorf("the order has a %s (%s) that is no JSON object, or is too long", what, id)
	}
	for k := range m {
		if !slices.Contains(analyzeKeys, k) {
			return fmt.Errorf("the order has a %s (%s) with %.40q, which is not for _analyze", what, id, k)
		}
	}
	return nil
}

// checkProbe takes probes of candidates and of packages' files, wherever the order has them.
func checkProbe(p searchpack.Probe, paths map[string]string) error {
	if p.ID == "" || len(p.ID) > maxIDLength {
		return fmt.Errorf("the order has a probe with the id %.80q", p.ID)
	}
	live := searchpack.ReferencePath(path.Base(p.Path)) == p.Path && packagePattern.MatchString(path.Base(p.Path))
	live = live || paths[p.PackageID] == p.Path
	if _, err := searchpack.ParseDigest(string(p.Digest)); err != nil || (!live && p.Path != searchpack.CandidatePath(p.Digest)) {
		return fmt.Errorf("the order has a probe of the file %.200q", p.Path)
	}
	for _, body := range []string{p.Body, p.Control} {
		if err := checkAnalyze("probe", p.ID, body); err != nil {
			return err
		}
	}
	return nil
}

func checkDuties(duties []searchpack.Duty) error {
	indices := 0
	for _, d := range duties {
		if d.ID == "" || len(d.ID) > maxIDLength {
			return fmt.Errorf("the order has a duty with the id %.80q", d.ID)
		}
		switch d.Kind {
		case searchpack.DutyLook, searchpack.DutyRefresh, searchpack.DutyReroute:
		case searchpack.DutyHealth, searchpack.DutyAllocation, searchpack.DutySettle:
			if err := checkAllocation(d); err != nil {
				return err
			}
		case searchpack.DutyWitness:
			if err := checkWitnesses(d); err != nil {
				return err
			}
		case searchpack.DutyPreview:
			if err := checkPreview(d); err != nil {
				return err
			}
		case searchpack.DutyVerify:
			if err := checkVerify(d); err != nil {
				return err
			}
		case searchpack.DutyNeeds:
			if err := checkNeeds(d); err != nil {
				return err
			}
		default:
			return fmt.Errorf("the order has a duty %.40q that this agent does not know: upgrade the agent", d.Kind)
		}
		indices += len(d.Indices)
		for _, name := range d.Indices {
			if !indexName(name) {
				return fmt.Errorf("the order has a duty for an index %.80q", name)
			}
		}
	}
	if indices > maxIndices {
		return fmt.Errorf("the order names %d indices; the limit is %d", indices, maxIndices)
	}
	return nil
}

const (
	// maxWitnessPoints of one duty, over all its witnesses.
	maxWitnessPoints = 20_000
	// maxWitnessTexts of one witness, and maxWitnessText bytes of each.
	maxWitnessTexts = 20
	maxWitnessText  = 1 << 10
)

func checkWitnesses(d searchpack.Duty) error {
	points := 0
	for _, q := range d.Witnesses {
		if _, err := searchpack.ParseDigest(string(q.Digest)); err != nil || !packagePattern.MatchString(q.PackageID) {
			return fmt.Errorf("the order has a witness (%s) of the package %.80q", d.ID, q.PackageID)
		}
		if err := checkAnalyze("witness", d.ID, q.Live); err != nil {
			return err
		}
		if err := checkAnalyze("witness", d.ID, q.Former); q.Former != "" && err != nil {
			return err
		}
		if len(q.Texts) > maxWitnessTexts || slices.ContainsFunc(q.Texts, func(s string) bool { return len(s) > maxWitnessText }) {
			return fmt.Errorf("the order has a witness (%s) with more or longer texts than %d of %d bytes", d.ID, maxWitnessTexts, maxWitnessText)
		}
		points += len(q.Points)
		for _, p := range q.Points {
			if !indexName(p.Index) {
				return fmt.Errorf("the order has a witness (%s) for an index %.80q", d.ID, p.Index)
			}
		}
	}
	if points > maxWitnessPoints {
		return fmt.Errorf("the order has %d points to witness; the limit is %d", points, maxWitnessPoints)
	}
	return nil
}

func checkPreview(d searchpack.Duty) error {
	q := d.Preview
	if q == nil || !packagePattern.MatchString(q.PackageID) || len(q.Text) > searchpack.MaxPreviewText {
		return fmt.Errorf("the order has a preview (%s) that is none", d.ID)
	}
	for body, digest := range map[string]searchpack.Digest{q.Before: q.Live, q.After: q.Candidate} {
		if body == "" && digest == "" && q.After != "" {
			continue
		}
		if _, err := searchpack.ParseDigest(string(digest)); err != nil {
			return fmt.Errorf("the order has a preview (%s) of no bytes: %w", d.ID, err)
		}
		if err := checkAnalyze("preview", d.ID, body); err != nil {
			return err
		}
	}
	return nil
}

// checkVerify takes the shapes of checks that are known and nothing else: package checks makes the
// queries, so no order can bring one of its own.
func checkVerify(d searchpack.Duty) error {
	q := d.Verify
	if q == nil || !packagePattern.MatchString(q.PackageID) {
		return fmt.Errorf("the order has checks (%s) of no package", d.ID)
	}
	if _, err := searchpack.ParseDigest(string(q.Digest)); err != nil {
		return fmt.Errorf("the order has checks (%s) of no bytes: %w", d.ID, err)
	}
	if err := checks.Validate(q.Checks); err != nil {
		return fmt.Errorf("the order has checks (%s) that this agent does not take: %w", d.ID, err)
	}
	return nil
}

// checkNeeds takes names that a plugin may have.
func checkNeeds(d searchpack.Duty) error {
	q := d.Needs
	bad := func(name string) bool { return !namePattern.MatchString(name) }
	if q == nil || bad(q.Plugin) || len(q.Going) > maxFiles || slices.ContainsFunc(q.Going, bad) {
		return fmt.Errorf("the order asks who needs a plugin (%s) that is none", d.ID)
	}
	return nil
}

// indexName reports whether s is a concrete index name (MetadataCreateIndexService.validateIndexOrAliasName):
// no pattern, no list, no way out of the path.
func indexName(s string) bool {
	if s == "" || s == "." || s == ".." || len(s) > 255 || strings.ContainsAny(s[:1], "-_+") {
		return false
	}
	for _, r := range s {
		if r <= ' ' || r == 0x7f || strings.ContainsRune(`\/*?"<>|,#:%`, r) {
			return false
		}
	}
	return strings.ToLower(s) == s
}

// fileKeys are the settings besides *_path that name files (facts of OpenSearch's analysis modules).
var fileKeys = []string{"user_dictionary", "rule_files", "locale", "language", "lang", "dictionary"}

// readsElsewhere reports whether a probe's body makes OpenSearch read files that Searchpack did not
// place. Such a chain is legitimate (an index may use other files too), but OpenSearch quotes lines
// of what it reads in its reasons, so those stay on the node. placed tells at which paths packages'
// files are ours; whatever else lies beside them is somebody's own.
func readsElsewhere(body string, placed func(path string) bool) bool {
	var v any
	if err := json.Unmarshal([]byte(body), &v); err != nil {
		return true
	}
	return elsewhere("", v, placed)
}

func elsewhere(key string, v any, placed func(string) bool) bool {
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			if stems(v) && k == "language" { // built in, no file
				continue
			}
			if elsewhere(k, x, placed) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(v, func(x any) bool { return elsewhere(key, x, placed) })
	case string:
		if dot := strings.LastIndexByte(key, '.'); dot >= 0 {
			key = key[dot+1:]
		}
		names := strings.HasSuffix(key, "_path") || slices.Contains(fileKeys, key)
		return names && !ours(v, placed)
	}
	return false
}

// stems: the component is one whose language is not the name of a file (StemmerTokenFilterFactory,
// SnowballTokenFilterFactory).
func stems(component map[string]any) bool {
	return component["type"] == "stemmer" || component["type"] == "snowball"
}

// ours reports whether a path is a candidate's, a control file's or a placed file's. A hidden file's
// is not: hiding takes whatever lay there.
func ours(name string, placed func(string) bool) bool {
	dir, base := path.Split(name)
	if dir == searchpack.CandidateDir+"/" {
		_, err := searchpack.ParseDigest(base)
		return err == nil || slices.ContainsFunc(searchpack.Kinds, func(k searchpack.Kind) bool { return searchpack.ControlPath(k) == name })
	}
	return placed(name)
}
