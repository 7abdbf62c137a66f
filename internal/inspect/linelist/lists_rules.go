package linelist

import (
	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/inspect/rule"
)

// listRules are about all lists.
var listRules = []*rule.Rule{hashArrow, invisibleChar, longLine, oddArrow, comment, noRules, tooMany}

var (
	hashArrow = &rule.Rule{
		ID: "lists.hash-arrow", Severity: searchpack.SeverityNote, Title: `"# =>" is no comment`,
		Message: `a line that begins with "# =>" is no comment: OpenSearch takes it for a rule about the character "#"`,
		Remedy:  `if it is a comment, write something between "#" and "=>"`,
	}
	invisibleChar = &rule.Rule{
		ID: "lists.invisible", Severity: searchpack.SeverityWarning, Title: "an invisible character",
		Message: "an invisible character (%s): OpenSearch takes it for a part of the word or rule, so that no text matches that lacks it",
		Remedy:  "delete the character, or write the line anew",
	}
	longLine = &rule.Rule{
		ID: "lists.long-line", Severity: searchpack.SeverityWarning, Title: "a line too long to be inspected",
		Message: `a line of more than 1 MiB: it is not inspected any further`,
		Remedy:  `write one word or rule per line; perhaps line ends are missing`,
	}
	oddArrow = &rule.Rule{
		ID: "lists.odd-arrow", Severity: searchpack.SeverityWarning, Title: "an odd arrow",
		Message: `the arrow is "=>"; what stands directly before or behind it belongs to the sides of the rule`,
		Remedy:  `write "=>", with a blank on both sides`,
	}
	comment = &rule.Rule{
		ID: "lists.comment", Severity: searchpack.SeverityWarning, Title: "a comment behind a word or rule",
		Message: `"#" begins a comment only at the beginning of a line: here it and the text behind it become a part of the word`,
		Remedy:  `write the comment on a line of its own`,
	}
	noRules = &rule.Rule{
		ID: "lists.no-rules", Severity: searchpack.SeverityWarning, Title: "nothing but comments",
		Message: "the file holds nothing but comments and blank lines: what uses it does nothing",
		Remedy:  "if that is not meant, upload the file again",
	}
	tooMany = &rule.Rule{
		ID: "lists.many", Severity: searchpack.SeverityNote, Title: "too many words to look for duplicates",
		Message: "the file has more than %d words or rules: from this line on, duplicates are no longer found",
		Remedy:  "nothing has to be done; a smaller file would be inspected as a whole",
	}
)
