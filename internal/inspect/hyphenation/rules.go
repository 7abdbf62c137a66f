package hyphenation

import (
	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/inspect/rule"
)

// Rules are the rules of this package.
func Rules() []*rule.Rule {
	return []*rule.Rule{
		notXML, blankHead, malformed, encodingFault, controlCharacter, otherEncoding, unknownEncoding, otherDTD, unread,
		loneHyphen, longPattern, tooMany, noPatterns, noClasses, lostText, unclassed, contradiction, duplicate,
		noLetters, noValue, digits,
	}
}

const refused = "; OpenSearch refuses the file without saying why"

var (
	notXML = &rule.Rule{
		ID: "hyphenation.not-xml", Severity: searchpack.SeverityError, Title: "no XML",
		Message: `the file is no XML: it does not begin with "<"` + refused,
		Remedy:  `use patterns in the XML format of FOP (offo-hyphenation); files of TeX and Hunspell (hyph_*.dic) have to be converted`,
	}
	blankHead = &rule.Rule{
		ID: "hyphenation.blank-head", Severity: searchpack.SeverityError, Title: "something before the XML declaration",
		Message: `blanks or empty lines stand before "<?xml"` + refused,
		Remedy:  `delete them: "<?xml" must be the very first characters`,
	}
	malformed = &rule.Rule{
		ID: "hyphenation.malformed", Severity: searchpack.SeverityError, Title: "malformed XML",
		Message: `the XML is malformed: %s` + refused,
		Remedy:  `mend it; an editor that knows XML shows the place`,
	}
	encodingFault = &rule.Rule{
		ID: "hyphenation.encoding", Severity: searchpack.SeverityError, Title: "bytes that the encoding does not have",
		Message: `the bytes here are no text in the encoding that the XML declaration names (UTF-8 if it names none)` + refused,
		Remedy:  `save the file as UTF-8, or name its encoding: <?xml version="1.0" encoding="ISO-8859-1"?>`,
	}
	controlCharacter = &rule.Rule{
		ID: "hyphenation.character", Severity: searchpack.SeverityError, Title: "a character that XML does not have",
		Message: `the character %U cannot stand in XML` + refused,
		Remedy:  `delete the character`,
	}
	otherEncoding = &rule.Rule{
		ID: "hyphenation.other-encoding", Severity: searchpack.SeverityMostly, Title: "another encoding than is named",
		Message: `the XML declaration names the encoding %s, but the bytes are not like that: the rest of the file becomes unreadable for OpenSearch, which then refuses it`,
		Remedy:  `save the file as UTF-8 and write encoding="UTF-8"`,
	}
	unknownEncoding = &rule.Rule{
		ID: "hyphenation.unknown-encoding", Severity: searchpack.SeverityMostly, Title: "an encoding that nobody knows",
		Message: `%s is no registered name of an encoding: Java's parser refuses the file unless it knows the name nevertheless`,
		Remedy:  `write encoding="UTF-8" (with the hyphen) and save the file so`,
	}
	otherDTD = &rule.Rule{
		ID: "hyphenation.dtd", Severity: searchpack.SeverityMostly, Title: "a DTD that OpenSearch does not have",
		Message: `OpenSearch has hyphenation.dtd and looks for %q on the node or in the network: it refuses the file if it cannot be read there`,
		Remedy:  `write <!DOCTYPE hyphenation-info SYSTEM "hyphenation.dtd">, or no DOCTYPE`,
	}
	unread = &rule.Rule{
		ID: "hyphenation.unread", Severity: searchpack.SeverityNote, Title: "not inspected any further",
		Message: `from here on the file was not inspected: %s; OpenSearch may take it or not`,
		Remedy:  `save the file as plain XML 1.0 in UTF-8 without entities of its own`,
	}
	loneHyphen = &rule.Rule{
		ID: "hyphenation.lone-hyphen", Severity: searchpack.SeverityError, Title: "a hyphen element outside of exceptions",
		Message: `<hyphen> stands before any <exceptions>` + refused,
		Remedy:  `write <hyphen> inside of <exceptions> only; the hyphen character is <hyphen-char value="-"/>`,
	}
	longPattern = &rule.Rule{
		ID: "hyphenation.long-pattern", Severity: searchpack.SeverityError, Title: "a pattern too long for Lucene's tree",
		Message: `the pattern is too long for the tree that Lucene keeps patterns in` + refused,
		Remedy:  `write blanks between patterns`,
	}
	tooMany = &rule.Rule{
		ID: "hyphenation.many", Severity: searchpack.SeverityWarning, Title: "more patterns than Lucene's tree has room for",
		Message: `the tree that Lucene keeps patterns in has room for 65,535 nodes and letters: from this pattern on, patterns are mixed up and words are split anywhere`,
		Remedy:  `use fewer patterns`,
	}
	noPatterns = &rule.Rule{
		ID: "hyphenation.no-patterns", Severity: searchpack.SeverityWarning, Title: "no patterns",
		Message: `no pattern stands in an element <patterns>: the filter splits no word`,
		Remedy:  `write the patterns into <patterns>, with blanks between them`,
	}
	noClasses = &rule.Rule{
		ID: "hyphenation.no-classes", Severity: searchpack.SeverityWarning, Title: "no classes of letters",
		Message: `no letter stands in an element <classes>: nothing is a letter then, and the filter splits no word`,
		Remedy:  `write <classes>aA bB cC …</classes>, with every letter of the language`,
	}
	lostText = &rule.Rule{
		ID: "hyphenation.lost", Severity: searchpack.SeverityWarning, Title: "text that is ignored",
		Message: `OpenSearch ignores this text: it stands outside of <classes>, <exceptions> and <patterns>, or behind another element in one of them`,
		Remedy:  `move it into the element where it belongs, before any other element in that`,
	}
	unclassed = &rule.Rule{
		ID: "hyphenation.unclassed", Severity: searchpack.SeverityWarning, Title: "a letter that begins no class",
		Message: `%q is not the first letter of a class above: no word has it when it is looked up, and this never matches`,
		Remedy:  `write the first letter of its class (mostly lower case), or add the letter to <classes>`,
	}
	contradiction = &rule.Rule{
		ID: "hyphenation.contradiction", Severity: searchpack.SeverityWarning, Title: "the same letters with other values",
		Message: `a pattern above has the same letters and other values: this one replaces it`,
		Remedy:  `delete one of them`,
	}
	duplicate = &rule.Rule{
		ID: "hyphenation.duplicate", Severity: searchpack.SeverityWarning, Title: "the same pattern twice",
		Message: `the pattern stands above already: here it adds nothing`,
		Remedy:  `delete one of them`,
	}
	noLetters = &rule.Rule{
		ID: "hyphenation.no-letters", Severity: searchpack.SeverityWarning, Title: "a pattern without a letter",
		Message: `the pattern has no letter: it does nothing`,
		Remedy:  `delete it`,
	}
	noValue = &rule.Rule{
		ID: "hyphenation.no-value", Severity: searchpack.SeverityWarning, Title: "a pattern without a digit",
		Message: `the pattern has no digit: it does nothing`,
		Remedy:  `write a digit where the word may be split (odd) or not (even); whole words belong into <exceptions>`,
	}
	digits = &rule.Rule{
		ID: "hyphenation.digits", Severity: searchpack.SeverityWarning, Title: "two digits side by side",
		Message: `two digits side by side: the second one shifts the values behind it`,
		Remedy:  `write one digit, from 0 to 9`,
	}
)
