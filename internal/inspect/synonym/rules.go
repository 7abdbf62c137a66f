package synonym

import (
	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/inspect/rule"
)

// Rules are the rules of this package.
func Rules() []*rule.Rule {
	return []*rule.Rule{twoArrows, blankTerm, eliminated, oneSided, alone, longTerm, longLine}
}

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
	eliminated = &rule.Rule{
		ID: "synonyms.eliminated", Severity: searchpack.SeverityMostly, Title: "a term without a letter or digit",
		Message: `a term without a letter or digit: the standard tokenizer and most others give no token for it; OpenSearch then refuses the file for such analyzers`,
		Remedy:  `delete the term, or use an analyzer whose tokenizer keeps it (whitespace, keyword)`,
	}
	oneSided = &rule.Rule{
		ID: "synonyms.one-sided", Severity: searchpack.SeverityWarning, Title: "nothing on one side of the arrow",
		Message: `nothing on one side of "=>": no mapping comes of this line`,
		Remedy:  `write what stands on the other side, or delete the line`,
	}
	alone = &rule.Rule{
		ID: "synonyms.alone", Severity: searchpack.SeverityWarning, Title: "fewer than two terms",
		Message: `fewer than two terms: the line adds no synonym`,
		Remedy:  `write at least two terms with a comma between them, or "a => b"`,
	}
	longTerm = &rule.Rule{
		ID: "synonyms.long-term", Severity: searchpack.SeverityWarning, Title: "a term that Lucene cannot store",
		Message: `a term of more than 32,766 bytes: Lucene cannot store it, and OpenSearch then refuses the file without naming the line`,
		Remedy:  `shorten the term; perhaps line ends are missing`,
	}
	longLine = &rule.Rule{
		ID: "synonyms.long-line", Severity: searchpack.SeverityWarning, Title: "a line too long to be inspected",
		Message: `a line of more than 1 MiB: it is not inspected any further`,
		Remedy:  `write one rule per line; perhaps line ends are missing`,
	}
)
