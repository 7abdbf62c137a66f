package synonym

import (
	"strings"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/inspect/rule"
)

func wordnetRules() []*rule.Rule {
	return []*rule.Rule{
		wordnetShort, wordnetQuotes, wordnetEmpty, wordnetFates.noToken, wordnetFates.stacked, wordnetFates.eliminated, wordnetLongTerm,
		wordnetFates.dropped, wordnetOdd, wordnetID, wordnetScattered, wordnetRepeated, wordnetHidden, wordnetManyPairs,
		wordnetManyPairsFile, wordnetLongLine, wordnetNotCompared,
	}
}

// asWordnet is a rule of Solr's format that holds for WordNet's as well.
func asWordnet(r *rule.Rule) *rule.Rule {
	w := *r
	w.ID = "wordnet." + strings.TrimPrefix(r.ID, "synonyms.")
	return &w
}

var (
	wordnetFates         = fates{wordnetEmpty, asWordnet(noToken), asWordnet(stacked), asWordnet(eliminated), asWordnet(dropped)}
	wordnetHidden        = asWordnet(hiddenChar)
	wordnetManyPairsFile = asWordnet(manyPairsFile)

	wordnetShort = &rule.Rule{
		ID: "wordnet.short", Severity: searchpack.SeverityError, Title: "a line too short for WordNet",
		Message: `a line of fewer than 11 characters: OpenSearch cuts the id of the set out of every line, also of a blank one, and refuses the whole file without naming the line, also where the filter is lenient`,
		Remedy:  `delete the line; write sets as "s(100000001,1,'word',n,1,0)."`,
	}
	wordnetQuotes = &rule.Rule{
		ID: "wordnet.quotes", Severity: searchpack.SeverityError, Title: "a line without two quotes",
		Message: `a line without two quotes ('): OpenSearch finds no term in it and refuses the whole file without naming the line, also where the filter is lenient; there are no comments in this format`,
		Remedy:  `delete the line, or write it as "s(100000001,1,'word',n,1,0)."`,
	}
	wordnetEmpty = &rule.Rule{
		ID: "wordnet.empty-term", Severity: searchpack.SeverityError, Title: "an empty term",
		Message: `nothing between the quotes: no analyzer makes a word of it and OpenSearch refuses the whole file`,
		Remedy:  `delete the line, or write the missing term`,
	}
	wordnetLongTerm = &rule.Rule{
		ID: "wordnet.long-term", Severity: longTerm.Severity, Title: longTerm.Title,
		Message: longTerm.Message,
		Remedy:  `shorten the term; perhaps line ends are missing: the term ends at the last quote of the line`,
	}
	wordnetOdd = &rule.Rule{
		ID: "wordnet.odd-line", Severity: searchpack.SeverityWarning, Title: "a line that is no s(...) of WordNet",
		Message: `this is not "s(id,number,'word',type,sense,count).": OpenSearch takes what stands between the first and the last quote for a term, also of a comment, and the characters 3 to 11 for the id of its set`,
		Remedy:  `delete the line, or write it in that form, quotes inside the term doubled`,
	}
	wordnetID = &rule.Rule{
		ID: "wordnet.id", Severity: searchpack.SeverityWarning, Title: "an id that has not nine digits",
		Message: `the id of the set has %d digits, and OpenSearch takes nine characters for it: lines of one set are not recognized as such, or several sets become one`,
		Remedy:  `write ids of nine digits, with zeros in front`,
	}
	wordnetScattered = &rule.Rule{
		ID: "wordnet.scattered", Severity: searchpack.SeverityWarning, Title: "a set in several places",
		Message: `the set %s was there before, in line %d: only lines that follow each other make one set, so the terms here are no synonyms of those there`,
		Remedy:  `sort the file by the ids, or give the second set another id`,
	}
	wordnetRepeated = &rule.Rule{
		ID: "wordnet.repeated", Severity: searchpack.SeverityWarning, Title: "a term twice in one set",
		Message: `the term %q stands in the set already, in line %d: this line adds nothing`,
		Remedy:  `delete the line, or write the term that was meant`,
	}
	wordnetManyPairs = &rule.Rule{
		ID: "wordnet.many-pairs", Severity: searchpack.SeverityWarning, Title: "a set that makes a million pairs",
		Message: manyPairs.Message,
		Remedy:  `split the set; perhaps all lines have the same first nine characters of the id`,
	}
	wordnetLongLine = &rule.Rule{
		ID: "wordnet.long-line", Severity: searchpack.SeverityWarning, Title: longLine.Title,
		Message: longLine.Message,
		Remedy:  `write one term per line; perhaps line ends are missing`,
	}
	wordnetNotCompared = &rule.Rule{
		ID: "wordnet.not-compared", Severity: searchpack.SeverityNote, Title: notCompared.Title,
		Message: `not everything is compared with other sets: %s`,
		Remedy:  notCompared.Remedy,
	}
)
