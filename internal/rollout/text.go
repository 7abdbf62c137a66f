package rollout

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/searchpack/searchpack"
)

// maxNamed is how many nodes, indices or templates a sentence names; the rest is counted.
const maxNamed = 10

// list joins names for a sentence, at most maxNamed of them.
func list(names []string) string {
	if len(names) > maxNamed {
		return strings.Join(names[:maxNamed], ", ") + fmt.Sprintf(" and %d more", len(names)-maxNamed)
	}
	return strings.Join(names, ", ")
}

// count writes "1 chain" or "3 chains".
func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// maxWords bounds what is quoted from a node, in bytes; agents cut OpenSearch's reasons there too.
const maxWords = 500

// quote cuts what a node said and makes it one line of valid text: it goes into rows and pages.
func quote(s string) string {
	s = strings.Join(strings.Fields(strings.ToValidUTF8(s, "?")), " ")
	if len(s) <= maxWords {
		return s
	}
	cut := maxWords
	for !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "..."
}

// maxLogHead and maxLogTail bound what is quoted of a node's log, in bytes: how it begins, and how it
// ends. Java names the cause of an exception last, behind the exceptions that were made of it.
const maxLogHead, maxLogTail = 200, 700

// quoteLog is quote for a node's log lines, as a sentence.
func quoteLog(s string) string {
	s = strings.Join(strings.Fields(strings.ToValidUTF8(s, "?")), " ")
	if len(s) > maxLogHead+maxLogTail {
		head, tail := maxLogHead, len(s)-maxLogTail
		for !utf8.RuneStart(s[head]) {
			head--
		}
		for !utf8.RuneStart(s[tail]) {
			tail++
		}
		s = s[:head] + " ... " + s[tail:]
	}
	return strings.TrimSuffix(s, ".") + "."
}

// versionText writes "v3 of my-synonyms".
func (d *decider) versionText(s searchpack.RolloutStep) string {
	return fmt.Sprintf("v%d of %s", d.Versions[s.VersionID].Number, d.packageText(s.PackageID))
}

// packageText is the package's name, or its id while the name is not known.
func (d *decider) packageText(id string) string {
	if p, ok := d.Packages[id]; ok && p.Name != "" {
		return p.Name
	}
	return id
}

// stepsText names all packages of a rollout.
func (d *decider) stepsText(r *searchpack.Rollout) string {
	var names []string
	for _, s := range r.Steps {
		if s.Action == searchpack.ActionAssociate {
			names = append(names, d.versionText(s))
		} else {
			names = append(names, d.packageText(s.PackageID))
		}
	}
	return list(names)
}
