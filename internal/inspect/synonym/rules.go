package synonym

import (
	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/inspect/rule"
)

// Rules are the rules of this package.
func Rules() []*rule.Rule { return append(solrRules(), wordnetRules()...) }

func solrRules() []*rule.Rule {
	return []*rule.Rule{
		twoArrows, blankTerm, noToken, stacked, eliminated, longTerm,
		oneSided, alone, dropped, indented, trailing, hiddenChar, longLine,
		repeated, itself, sameInCase, sameInForm, duplicate, groupAndArrow, circle, manyPairs, manyPairsFile,
		caseElsewhere, merged, notCompared,
	}
}

// What OpenSearch refuses.
var (
	twoArrows = &rule.Rule{
		ID: "synonyms.two-arrows", Severity: searchpack.SeverityError, Title: "more than one arrow",
		Message: `more than one "=>" in one rule; OpenSearch refuses the whole file`,
		Remedy:  `write one rule per line ("a => b", then "b => c"), or "\=>" for an arrow that is text`,
	}
	blankTerm = &rule.Rule{
		ID: "synonyms.blank", Severity: searchpack.SeverityError, Title: "a term of blanks",
		Message: `a term of blanks only; no analyzer makes a word of it and OpenSearch refuses the whole file`,
		Remedy:  `delete the blanks (a line must be entirely empty to be skipped), the comma too many, or write the missing term`,
	}
	noToken = &rule.Rule{
		ID: "synonyms.no-token", Severity: searchpack.SeverityError, Title: "a term of which the analyzer makes nothing",
		Message: `the analyzer %s makes no word of this term; OpenSearch refuses the whole file`,
		Remedy:  `delete the term, or write it as the analyzer keeps it; a stop filter may stand behind the synonym filter`,
	}
	stacked = &rule.Rule{
		ID: "synonyms.stacked", Severity: searchpack.SeverityError, Title: "a term that the analyzer does not make one sequence of words",
		Message: `the analyzer %s puts two words of this term at one place, or leaves a gap between them; OpenSearch refuses the whole file`,
		Remedy:  `put the filter that does so behind the synonym filter, or write the term as the analyzer makes plain words of it`,
	}
	eliminated = &rule.Rule{
		ID: "synonyms.eliminated", Severity: searchpack.SeverityMostly, Title: "a term without a letter or digit",
		Message: `a term without a letter or digit: the standard tokenizer and most others give no token for it; OpenSearch then refuses the file for such analyzers`,
		Remedy:  `delete the term, or use an analyzer whose tokenizer keeps it (whitespace, keyword)`,
	}
	longTerm = &rule.Rule{
		ID: "synonyms.long-term", Severity: searchpack.SeverityMostly, Title: "a term that Lucene cannot store",
		Message: `a term of more than 32,766 bytes: Lucene cannot store it as a synonym, and OpenSearch then refuses the file without naming the line, also where the filter is lenient; only an analyzer that shortens words takes it`,
		Remedy:  `shorten the term; perhaps line ends are missing`,
	}
)

// What one line says and surely does not mean.
var (
	oneSided = &rule.Rule{
		ID: "synonyms.one-sided", Severity: searchpack.SeverityWarning, Title: "nothing on one side of the arrow",
		Message: `nothing on one side of "=>": no mapping comes of it`,
		Remedy:  `write what stands on the other side, or delete the line`,
	}
	alone = &rule.Rule{
		ID: "synonyms.alone", Severity: searchpack.SeverityWarning, Title: "fewer than two terms",
		Message: `fewer than two terms: the line adds no synonym`,
		Remedy:  `write at least two terms with a comma between them, or "a => b"; nothing else separates terms ("->", ";", tabs)`,
	}
	dropped = &rule.Rule{
		ID: "synonyms.dropped", Severity: searchpack.SeverityWarning, Title: "a term that a lenient filter drops",
		Message: `%s does not make a sequence of words of this term; the filter is lenient and drops it without a word`,
		Remedy:  `delete the term, or write it as the analyzer keeps it`,
	}
	indented = &rule.Rule{
		ID: "synonyms.indented-comment", Severity: searchpack.SeverityWarning, Title: "a comment behind blanks",
		Message: `blanks before "#": for OpenSearch the line is no comment but a rule`,
		Remedy:  `delete the blanks before "#"; write "\#" if the term begins so`,
	}
	trailing = &rule.Rule{
		ID: "synonyms.comment", Severity: searchpack.SeverityWarning, Title: "a comment behind a rule",
		Message: `"#" begins a comment only at the beginning of a line: here it and the text behind it become a part of the rule's terms`,
		Remedy:  `write the comment on a line of its own; write "\#" if the term is meant so`,
	}
	hiddenChar = &rule.Rule{
		ID: "synonyms.invisible", Severity: searchpack.SeverityWarning, Title: "a character that nobody sees",
		Message: `%s in the rule: %s; nobody sees it, and text without it does not match`,
		Remedy:  `delete the character or write a plain space; type the term anew if that is hard`,
	}
	longLine = &rule.Rule{
		ID: "synonyms.long-line", Severity: searchpack.SeverityWarning, Title: "a line too long to be inspected",
		Message: `a line of more than 1 MiB: it is not inspected any further`,
		Remedy:  `write one rule per line; perhaps line ends are missing`,
	}
	repeated = &rule.Rule{
		ID: "synonyms.repeated", Severity: searchpack.SeverityWarning, Title: "a term twice in one rule",
		Message: `the term %q stands twice in the rule: the second one adds nothing`,
		Remedy:  `delete one of them, or write the term that was meant`,
	}
	itself = &rule.Rule{
		ID: "synonyms.itself", Severity: searchpack.SeverityWarning, Title: "a term mapped to itself",
		Message: `the term is mapped to itself alone: the rule changes nothing`,
		Remedy:  `delete the line, or write the term that was meant`,
	}
	sameInCase = &rule.Rule{
		ID: "synonyms.case", Severity: searchpack.SeverityWarning, Title: "terms that differ only in upper and lower case",
		Message: `%q and %q differ only in upper and lower case: an analyzer that lowercases before the synonyms makes one term of them`,
		Remedy:  `write the term once, in lower case; keep both only for an analyzer that does not lowercase`,
	}
	sameInForm = &rule.Rule{
		ID: "synonyms.form", Severity: searchpack.SeverityWarning, Title: "terms that differ only in Unicode form",
		Message: `%q is the same text as a term of line %d in another Unicode form: they look alike, and OpenSearch takes them for two terms`,
		Remedy:  `save the file in the Unicode form NFC (full-width letters as plain ones), or normalize in the analyzer, before the synonyms`,
	}
)

// What lines say together.
var (
	duplicate = &rule.Rule{
		ID: "synonyms.duplicate", Severity: searchpack.SeverityWarning, Title: "a rule that is there already",
		Message: `line %d says the same: this rule adds nothing`,
		Remedy:  `delete one of the two lines`,
	}
	groupAndArrow = &rule.Rule{
		ID: "synonyms.group-and-arrow", Severity: searchpack.SeverityWarning, Title: "a term that is replaced and also a member of a group",
		Message: `%q is on the left of an arrow in one line and in a group in the other, line %d: OpenSearch adds both up, so the arrow no longer replaces the term`,
		Remedy:  `take the term out of the group, or delete the rule with the arrow`,
	}
	circle = &rule.Rule{
		ID: "synonyms.circle", Severity: searchpack.SeverityWarning, Title: "arrows in a circle",
		Message: `the arrows of the lines %s go in a circle: OpenSearch follows only one arrow, so the terms change places instead of becoming one`,
		Remedy:  `map all of the terms to one of them, or write a group ("a, b")`,
	}
	manyPairs = &rule.Rule{
		ID: "synonyms.many-pairs", Severity: searchpack.SeverityWarning, Title: "a rule that makes a million pairs",
		Message: `%d terms make %d pairs: every million takes OpenSearch a fifth of a second and tens of megabytes of heap on each node, whenever the file is read`,
		Remedy:  `map the terms to one ("a, b, c => a"), set "expand": false, or split the group`,
	}
	manyPairsFile = &rule.Rule{
		ID: "synonyms.many-pairs-file", Severity: searchpack.SeverityWarning, Title: "a file that makes ten million pairs",
		Message: `the rules make %d pairs of terms together: OpenSearch builds them all on each node, whenever the file is read, which takes seconds and much heap`,
		Remedy:  `map the terms of groups to one ("a, b, c => a"), set "expand": false, or split the file`,
	}
	caseElsewhere = &rule.Rule{
		ID: "synonyms.case-elsewhere", Severity: searchpack.SeverityNote, Title: "a term in other case in another line",
		Message: `%q stands in other upper and lower case in line %d: an analyzer that lowercases before the synonyms makes one term of them, another one two`,
		Remedy:  `write it alike in both lines if one term is meant`,
	}
	merged = &rule.Rule{
		ID: "synonyms.merged", Severity: searchpack.SeverityNote, Title: "a left side in several lines",
		Message: `%q is on the left in line %d, too: OpenSearch adds the rules up, so the term becomes what each of them says`,
		Remedy:  `write one line with all terms on the right, or delete the one that is not meant`,
	}
	notCompared = &rule.Rule{
		ID: "synonyms.not-compared", Severity: searchpack.SeverityNote, Title: "more than can be compared",
		Message: `not everything is compared with other rules: %s`,
		Remedy:  `nothing, if the file is meant to be so large; what OpenSearch refuses is found all the same`,
	}
)
