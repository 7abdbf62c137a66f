package hunspell

import (
	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/inspect/rule"
)

// Rules are what this package reports, in the order in which documents show them.
func Rules() []*rule.Rule {
	return []*rule.Rule{
		badCharset, unreadCharset, undefinedByte, replacedByte, badFlagKind, lateDirective, badOption,
		badHeader, shortBlock, longTable, badAffix, foreignRow, crossProduct, badCondition, neverApplies, tooManyOf,
		badFlag, severalFlags, undefinedFlag, badAliases, manyAliases, fewAliases, badAlias,
		badTable, shortTable, badRow,
		noCount, wrongCount, longEntry, disordered, spaceBehind, wordTwice,
		badSettings, badIgnoreCase, otherSetting, unreadSettings,
		needsVersion, noDictionary, misplaced, badLocale, severalAffixes, noAffixes, noWords, singleFile,
	}
}

const fails = "; OpenSearch fails to load the dictionary"

func fault(id, title, message, remedy string) *rule.Rule {
	return &rule.Rule{ID: "hunspell." + id, Severity: searchpack.SeverityError, Title: title, Message: message + fails, Remedy: remedy}
}

func doubt(id, title, message, remedy string) *rule.Rule {
	return &rule.Rule{ID: "hunspell." + id, Severity: searchpack.SeverityWarning, Title: title, Message: message, Remedy: remedy}
}

// Rules of the .aff file.
var (
	badCharset = fault("charset", "an unknown encoding", "SET names %q, an encoding that Java does not know",
		"save the files as UTF-8 and write SET UTF-8")
	unreadCharset = doubt("charset-unread", "an encoding that is not looked into", "the dictionary is written in %s, which OpenSearch reads and Searchpack does not: nothing in it was checked",
		"save the files as UTF-8 and write SET UTF-8, to have them checked")
	badFlagKind = fault("flag-kind", "FLAG cannot be read", "%s",
		"write FLAG num, FLAG long or FLAG UTF-8, or leave the line out")
	lateDirective = fault("late", "SET or FLAG twice, indented, or too late", "this line says otherwise than what was read before the rest of the file: %s must stand once, at the beginning of a line, and in the first 30 KiB",
		"write the line once, at the top of the file and without spaces before it")
	badOption = fault("option", "an option without its value", "%s does not have the value that it needs, or has something behind it",
		"write the value that the option takes behind it, or leave the line out")
	badHeader = fault("affix-header", "no head of affix rules", "a line that begins with %s and is no rule of a block must have a flag, Y or N, and how many rules follow",
		"write for example SFX A Y 2 before the two rules of the flag A")
	shortBlock = fault("affix-count", "fewer affix rules than counted", "the head of %s counts %d rules, and after %d of them comes something else",
		"write the right number into the head, and no comment or empty line between the rules")
	longTable = fault("count", "more rows than counted", "this is one row more of %s than its head counts",
		"write the right number into the head")
	badAffix = fault("affix-rule", "an affix rule that is too short", "an affix rule has a class, a flag, what is stripped and what is appended",
		"write for example SFX A y ies, with 0 for nothing")
	foreignRow = doubt("foreign-row", "a row that begins like something else", "the head of %s counts this line as one of its rows, although it begins with %q: OpenSearch takes it for a row",
		"write the right number into the head, or mend the beginning of the line")
	crossProduct = doubt("cross-product", "neither Y nor N", "whether prefixes and suffixes go together is Y or N; OpenSearch takes %q for N",
		"write Y or N")
	badCondition = fault("condition", "a condition that is no pattern", "the condition %q is no pattern that Lucene can read",
		"close each bracket, and put something between them")
	neverApplies = doubt("never", "a rule that never applies", "the condition %q excludes every word that ends, or begins, with what is stripped (%q)",
		"let the condition match what is stripped")
	tooManyOf = fault("too-many", "more affix rules than Lucene can number", "the file has more different %s than Lucene can number",
		"take out what is not needed")
	badFlag = fault("flag", "a flag that cannot be read", "%q cannot be read as flags: %s",
		"write the flags as FLAG says")
	severalFlags = doubt("flag-several", "several flags where one belongs", "%q is more than one flag; OpenSearch takes the first, %q",
		"write one flag; for flags of two characters put FLAG long at the top of the file, for numbers FLAG num")
	undefinedFlag = doubt("flag-undefined", "a flag without a meaning", "no rule and no option of the .aff file has the flag %q: it does nothing",
		"add its rules to the .aff file, or take the flag away")
	badAliases = fault("aliases", "a table of aliases without a number", "the first line of %s must have the number of its aliases and nothing else",
		"write for example AF 12 before twelve lines of AF")
	manyAliases = fault("aliases-many", "more aliases than counted", "this is one line more of %s than the %d that its first line counts",
		"write the right number into the first line")
	fewAliases = doubt("aliases-few", "fewer aliases than counted", "the first line of %s counts %d, and the file has %d: OpenSearch fails to load the dictionary if a word needs one that is missing",
		"write the right number into the first line")
	badAlias = fault("alias", "an alias that is not there", "the number behind the slash cannot be looked up: %s",
		"write the number of a line of AF, or AM, counted from 1 without the first")
	badTable = fault("table", "a table without a number", "the first line of %s must have the number of its rows",
		"write for example REP 2 before two lines of REP")
	shortTable = fault("table-end", "fewer rows than counted", "the first line of %s counts %d rows, and the file ends after %d",
		"write the right number into the first line")
	badRow = fault("row", "a row that cannot be read", "this is counted as a row of %s and cannot be one: %s",
		"mend the row, or write the right number into the first line of the table")
)

// Rules of the .dic files.
var (
	noCount = doubt("no-count", "no number in the first line", "OpenSearch passes over the first line of a .dic file, which should have the number of words: a word in it is lost. If the file holds no words (hyphenation patterns begin with the name of an encoding), its lines are taken for words",
		"write the number of words into a line of its own at the top, or leave the file out")
	wrongCount = doubt("wrong-count", "a number of words that is far off", "the first line counts %d words, and there are %d: perhaps the file is not whole",
		"upload the file again, or correct the number")
	longEntry  = fault("long-entry", "an entry that is too long", "the entry has more than %d bytes", "split the line")
	disordered = fault("order", "a word that Lucene cannot keep", "Lucene sorts words in two ways that differ at this one: %s",
		"take the control characters out; keep words with characters beyond U+FFFF in a dictionary of their own")
	spaceBehind = doubt("space-behind", "a space at the end of a word", "the space belongs to the word, so no text matches it", "take the space away")
	wordTwice   = doubt("twice", "a word that stands twice", "the same word, with the same flags, stands in an earlier line", "take one of them away")
)
