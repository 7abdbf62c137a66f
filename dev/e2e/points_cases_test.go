package e2e

import (
	"fmt"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/inspect/target"
	decide "github.com/searchpack/searchpack/internal/rollout"
	"github.com/searchpack/searchpack/internal/usage"
)

// probePoint is a rule of how nodes are asked about a file (internal/usage) with a case that it is
// needed for: whoever asks without the rule is told something else than what OpenSearch then does.
type probePoint struct {
	name string
	// analysis of an index; every %s is where the package's file lies.
	analysis string
	// component asked about; "" = all that name the file.
	component string
	good, bad string // candidates
	// naive is what is sent without the rule, with PathMark; "" = nothing, which is taken for a pass.
	naive string
	// judge without the rule; nil = usage.Judge.
	judge func(candidate usage.Answer) searchpack.Verdict
	// generic: no index is there yet, so the chain of the kind is asked.
	generic searchpack.Kind
	// neighbour: the chain also reads somebody else's file, which has gone since the index was made.
	neighbour bool
	// impossible: no node here takes such an index, so its state is written by hand.
	impossible bool
	// outside: the naive candidate lies outside the configuration folder.
	outside bool
	// script: the settings hold one, for which OpenSearch needs lang-painless.
	script bool
	// reload: the file is read by a refresh, too, of an index that was made with the good one.
	reload bool
	// since and before bound the versions for which the case is made, as major and minor; zero = none.
	since, before [2]int
}

const (
	mark = searchpack.PathMark
	// ordinary rules, and rules of which a word is a stop word of the index: whether those can be built
	// depends on the chain, which is why the inspection lets them pass.
	ordinary, stopped = "laptop, notebook\n", "laptop, zap\n"
	twoArrows         = "laptop => notebook => slate\n"
	latin1            = "caf\xe9\n"
	zap               = `"z":{"type":"stop","stopwords":["zap"]}`
	syn               = `"s":{"type":"synonym","synonyms_path":"%s"}`
	naiveSyn          = `{"type":"synonym","synonyms_path":"` + mark + `"}`
)

// byStatus takes every answer but 200 for a refusal.
func byStatus(a usage.Answer) searchpack.Verdict {
	if a.Status == 200 {
		return searchpack.VerdictGood
	}
	return searchpack.VerdictBad
}

// byClass takes 500 for trouble of the node.
func byClass(a usage.Answer) searchpack.Verdict {
	if a.Status >= 500 {
		return searchpack.VerdictRetry
	}
	return byStatus(a)
}

// probePoints are the rules in the order of internal/usage: names, extent, branches, synonym_analyzer,
// built-in analyzers, normalizers and unused components, plugins, control, no index, place.
var probePoints = []probePoint{
	{
		name:     "a name means what the index makes of it",
		analysis: `{"filter":{"stop":{"type":"stop","stopwords":["zap"]},` + syn + `},"analyzer":{"a":{"type":"custom","tokenizer":"standard","filter":["stop","s"]}}}`,
		good:     ordinary, bad: stopped,
		naive: `{"tokenizer":"standard","filter":["stop",` + naiveSyn + `],"text":"x"}`,
	}, {
		name: "what comes after the file is left out",
		analysis: `{"filter":{` + zap + `,` + syn + `,"mine":{"type":"trim"},"m":{"type":"multiplexer","filters":["mine"]}},
		 "analyzer":{"a":{"type":"custom","tokenizer":"standard","filter":["z","s","m"]}}}`,
		good: ordinary, bad: stopped,
		naive: `{"tokenizer":"standard","filter":[{"type":"stop","stopwords":["zap"]},` + naiveSyn + `,{"type":"multiplexer","filters":["mine"]}],"text":"x"}`,
	}, {
		name: "unless it reads the file too",
		analysis: `{"filter":{"w":{"type":"stop","stopwords_path":"%s"},` + syn + `},
		 "analyzer":{"a":{"type":"custom","tokenizer":"whitespace","filter":["w","s"]}}}`,
		component: "filter.w",
		good:      ordinary, bad: twoArrows,
		naive: `{"tokenizer":"whitespace","filter":[{"type":"stop","stopwords_path":"` + mark + `"}],"text":"x"}`,
	}, {
		name: "a branch of a multiplexer is a chain of its own",
		analysis: `{"filter":{` + zap + `,` + syn + `,"m":{"type":"multiplexer","filters":["lowercase","z, s"]}},
		 "analyzer":{"a":{"type":"custom","tokenizer":"standard","filter":["m"]}}}`,
		good: ordinary, bad: stopped,
		naive: `{"tokenizer":"standard","filter":[{"type":"multiplexer","filters":["lowercase","z, s"]}],"text":"x"}`,
	}, {
		name: "a condition's filters are a chain of their own",
		analysis: `{"filter":{` + zap + `,` + syn + `,"c":{"type":"condition","filter":["z","s"],"script":{"source":"true"}}},
		 "analyzer":{"a":{"type":"custom","tokenizer":"standard","filter":["c"]}}}`,
		good: ordinary, bad: stopped, script: true,
		naive: `{"tokenizer":"standard","filter":[{"type":"condition","filter":["z","s"],"script":{"source":"true"}}],"text":"x"}`,
	}, {
		name: "rules are read by a synonym_analyzer of the index",
		analysis: `{"filter":{` + zap + `,"s":{"type":"synonym","synonyms_path":"%s","synonym_analyzer":"x"}},
		 "analyzer":{"x":{"type":"custom","tokenizer":"standard","filter":["z"]},"a":{"type":"custom","tokenizer":"standard","filter":["s"]}}}`,
		good: ordinary, bad: stopped, since: [2]int{3, 6},
		naive: `{"tokenizer":"standard","filter":[{"type":"synonym","synonyms_path":"` + mark + `","synonym_analyzer":"x"}],"text":"x"}`,
	}, {
		name: "before 3.6 only by one of the node's",
		analysis: `{"filter":{` + zap + `,"s":{"type":"synonym","synonyms_path":"%s","synonym_analyzer":"x"}},
		 "analyzer":{"x":{"type":"custom","tokenizer":"standard","filter":["z"]},"a":{"type":"custom","tokenizer":"standard","filter":["s"]}}}`,
		good: ordinary, bad: stopped, before: [2]int{3, 6}, // both are good there
		naive: `{"tokenizer":"standard","filter":[{"type":"stop","stopwords":["zap"]},` + naiveSyn + `],"text":"x"}`,
	}, {
		name: "a reload does not know the index's synonym_analyzer",
		analysis: `{"filter":{` + zap + `,"s":{"type":"synonym","synonyms_path":"%s","synonym_analyzer":"x","updateable":true}},
		 "analyzer":{"x":{"type":"custom","tokenizer":"standard"},"a":{"type":"custom","tokenizer":"standard","filter":["z","s"]}}}`,
		good: ordinary, bad: stopped, reload: true,
		naive: `{"tokenizer":"standard","filter":[` + naiveSyn + `],"text":"x"}`,
	}, {
		name: "rules are read by a synonym_analyzer of the node",
		analysis: `{"filter":{` + zap + `,"s":{"type":"synonym","synonyms_path":"%s","synonym_analyzer":"standard"}},
		 "analyzer":{"a":{"type":"custom","tokenizer":"standard","filter":["z","s"]}}}`,
		good: ordinary, bad: stopped, // both are good
		naive: `{"tokenizer":"standard","filter":[{"type":"stop","stopwords":["zap"]},` + naiveSyn + `],"text":"x"}`,
	}, {
		name:     "a built-in analyzer is stood in for",
		analysis: `{"analyzer":{"a":{"type":"english","stopwords_path":"%s"}}}`,
		good:     "the\n", bad: latin1,
		naive: `{"tokenizer":"standard","filter":[{"type":"english","stopwords_path":"` + mark + `"}],"text":"x"}`,
	}, {
		name:     "a normalizer has no tokenizer",
		analysis: `{"char_filter":{"c":{"type":"mapping","mappings_path":"%s"}},"normalizer":{"n":{"type":"custom","char_filter":["c"],"filter":["lowercase"]}}}`,
		good:     "& => and\n", bad: ordinary,
		naive: `{"tokenizer":"","char_filter":[{"type":"mapping","mappings_path":"` + mark + `"}],"text":"x"}`,
	}, {
		name:     "what no analyzer holds is asked about by itself",
		analysis: `{"filter":{"w":{"type":"stop","stopwords_path":"%s"}}}`,
		good:     "the\n", bad: latin1,
	}, {
		name: "a plugin that the node lacks is not the file's fault",
		analysis: `{"filter":{"s":{"type":"synonym","synonyms_path":"%s"}},
		 "analyzer":{"a":{"type":"custom","tokenizer":"icu_tokenizer","filter":["s"]}}}`,
		good: ordinary, bad: ordinary, impossible: true, judge: byStatus,
		naive: `{"tokenizer":"icu_tokenizer","filter":[` + naiveSyn + `],"text":"x"}`,
	}, {
		name: "a chain that fails with every file says nothing about this one",
		analysis: `{"filter":{"n":{"type":"stop","stopwords_path":"analyzers/neighbour"},` + syn + `},
		 "analyzer":{"a":{"type":"custom","tokenizer":"standard","filter":["n","s"]}}}`,
		good: ordinary, bad: ordinary, neighbour: true, judge: byStatus,
		naive: `{"tokenizer":"standard","filter":[{"type":"stop","stopwords_path":"analyzers/neighbour"},` + naiveSyn + `],"text":"x"}`,
	}, {
		name:     "the HTTP status is no verdict",
		analysis: `{"char_filter":{"c":{"type":"mapping","mappings_path":"%s"}},"analyzer":{"a":{"type":"custom","tokenizer":"standard","char_filter":["c"]}}}`,
		good:     "& => and\n", bad: ordinary, judge: byClass,
		naive: `{"tokenizer":"keyword","char_filter":[{"type":"mapping","mappings_path":"` + mark + `"}],"text":"x"}`,
	}, {
		name: "before there is an index the chain of the kind is asked",
		analysis: `{"filter":{` + syn + `},
		 "analyzer":{"a":{"type":"custom","tokenizer":"whitespace","filter":["s"]}}}`,
		good: ordinary, bad: twoArrows, generic: searchpack.KindSynonyms,
	}, {
		name:     "candidates lie inside the configuration folder",
		analysis: `{"filter":{` + syn + `},"analyzer":{"a":{"type":"custom","tokenizer":"standard","filter":["s"]}}}`,
		good:     ordinary, bad: twoArrows, outside: true,
		naive: `{"tokenizer":"standard","filter":[` + naiveSyn + `],"text":"x"}`,
	},
}

// chainsOf is what is asked of nodes of the version about a file of the point.
func (p probePoint) chainsOf(v target.Version, uses []searchpack.Use) []string {
	if p.generic != "" {
		return []string{decide.GenericChain(p.generic)}
	}
	var out []string
	for _, u := range uses {
		if p.component != "" && u.Component != p.component {
			continue
		}
		for _, c := range u.Chains {
			if (c.Since == "" || !v.Before(majorMinor(c.Since))) && (c.Before == "" || v.Before(majorMinor(c.Before))) {
				out = append(out, c.Body)
			}
		}
	}
	return out
}

// majorMinor reads a bound, "3.6".
func majorMinor(bound string) (major, minor int) {
	_, _ = fmt.Sscanf(bound, "%d.%d", &major, &minor)
	return major, minor
}
