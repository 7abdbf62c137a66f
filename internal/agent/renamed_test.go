package agent

import (
	"strings"
	"testing"

	"github.com/searchpack/searchpack"
)

// called is a version of the package F-lemmas whose descriptor has the name and these lines.
func (p *plugins) called(name, lines string) searchpack.PluginOrder {
	o := p.zip(name, lines)
	o.PackageID = "F-lemmas"
	return o
}

// A package whose next version has another name, or another folder, leaves the former one nowhere: it goes at
// the start that brings the new one, comes back when that does not start, and goes with the package.
func TestRenamedPlugin(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		next, lines, lies string
	}{
		"another name":                {"stems", "version=2", "stems"},
		"another folder":              {"lemmas", "version=2\ncustom.foldername=other", "other"},
		"another name in that folder": {"stems", "version=2\ncustom.foldername=lemmas", "lemmas"},
	} {
		for _, start := range []string{"alone", "beside"} {
			p := newPlugins(t, nil)
			v1, v2 := p.called("lemmas", ""), p.called(c.next, c.lines)
			p.installs(v1)
			p.restarts()
			p.ordered(searchpack.Order{Plugins: []searchpack.PluginOrder{v1}, Candidates: []searchpack.Candidate{
				{PackageID: v2.PackageID, Digest: v2.Digest, Size: v2.Size, Plugin: true},
			}})
			report := searchpack.CandidateReport{Digest: v2.Digest}
			if p.candidate(&report); !report.Ready {
				t.Errorf("%s: %+v", name, report)
			}
			p.ordered(searchpack.Order{Plugins: []searchpack.PluginOrder{v2}, Restart: &searchpack.RestartOffer{ID: "r"}})
			if r := p.report(v2.PackageID); r.Installed != v1.Digest {
				t.Errorf("%s: before the start: %+v", name, r)
			}
			if err := startsOf(p)[start](); err != nil || p.lie() != c.lies {
				t.Fatalf("%s, %s: %v, plugins/ has %q", name, start, err, p.lie())
			}
			p.starts()
			if r := p.report(v2.PackageID); r.Installed != v2.Digest || !r.Started {
				t.Errorf("%s: %+v", name, r)
			}
			for range 2 { // a second time after a kill
				if err := p.restore(t.Context(), "boom"); err != nil || p.lie() != "lemmas" {
					t.Fatalf("%s: restored: %v, plugins/ has %q", name, err, p.lie())
				}
			}
			if p.restarts(); p.lie() != "lemmas" || p.report(v2.PackageID).Installed != v1.Digest {
				t.Errorf("%s: the order still names what did not start: %q, %+v", name, p.lie(), p.report(v2.PackageID))
			}
			p.installs(removedPlugin(v2)) // of the package, whatever its plugin is called
			if p.restarts(); p.lie() != "" {
				t.Errorf("%s: removed: %q", name, p.lie())
			}
			if p.installs(); len(p.book.names()) != 0 {
				t.Errorf("%s: remembered for ever: %v", name, p.book.names())
			}
		}
	}
}

// An agent from before names were remembered has placed the former version.
func TestRenamedPluginOfAnOlderAgent(t *testing.T) {
	t.Parallel()
	p := newPlugins(t, nil)
	v1, v2 := p.called("lemmas", ""), p.called("stems", "")
	p.installs(v1)
	p.restarts()
	if err := p.book.change(func(r *record) { r.Names = nil }); err != nil {
		t.Fatal(err)
	}
	p.installs(v2)
	if p.restarts(); p.lie() != "stems" {
		t.Errorf("plugins/ has %q", p.lie())
	}
}

// A name that another package has meanwhile is that one's.
func TestRenamedPluginWhoseNameIsTaken(t *testing.T) {
	t.Parallel()
	p := newPlugins(t, nil)
	v1, v2, other := p.called("lemmas", ""), p.called("stems", ""), p.zip("lemmas", "version=7")
	other.PackageID = "F-other"
	p.installs(v1)
	p.restarts()
	p.installs(v2, other)
	if p.restarts(); p.lie() != "lemmas stems" {
		t.Errorf("plugins/ has %q", p.lie())
	}
	p.installs(removedPlugin(v2), other)
	if p.restarts(); p.lie() != "lemmas" || p.placedVersion() != "7" {
		t.Errorf("plugins/ has %q, version %s", p.lie(), p.placedVersion())
	}
}

// What extends the former name keeps the new one away, before anything is changed.
func TestRenamedPluginThatIsExtended(t *testing.T) {
	t.Parallel()
	p := newPlugins(t, nil)
	v1, v2 := p.called("lemmas", ""), p.called("stems", "")
	p.installs(v1, p.zip("more", "extended.plugins=lemmas"))
	p.restarts()
	p.ordered(searchpack.Order{Plugins: []searchpack.PluginOrder{v1}, Candidates: []searchpack.Candidate{{PackageID: v2.PackageID, Digest: v2.Digest, Size: v2.Size, Plugin: true}}})
	c := searchpack.CandidateReport{Digest: v2.Digest}
	if p.candidate(&c); c.Ready || !strings.Contains(c.Refused, "extended by other plugins: [more]") {
		t.Errorf("%+v", c)
	}
}
