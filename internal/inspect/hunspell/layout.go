package hunspell

import (
	"cmp"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/inspect/rule"
)

// Dir is the folder that OpenSearch looks for under a filter's ref_path (HunspellService.
// loadDictionaryFromRefPath).
const Dir = "hunspell"

// Locale is one dictionary of a package: what a filter names as locale.
type Locale struct {
	Name  string
	Affix string   // name of its .aff file in the zip
	Words []string // names of its .dic files in the zip, in OpenSearch's order: by name
	// Settings is the name of the file that OpenSearch reads settings of the dictionary from; "": none.
	Settings string
}

// Folder is how a zip becomes the folder analyzers/<PackageID>.
type Folder struct {
	Locales []Locale
	prefix  string // goes before each name
}

// Place returns where a file of the zip goes, relative to the folder.
func (f *Folder) Place(name string) string { return path.Join(f.prefix, name) }

// localeName is HunspellTokenFilterFactory.SAFE_LOCALE_PATTERN.
var localeName = regexp.MustCompile(`^[a-zA-Z0-9](?:[a-zA-Z0-9_-]*[a-zA-Z0-9])?$`)

// Layout says how a zip with these files becomes a folder; nil if it cannot, and out then says why.
// Three layouts are taken:
//
//	hunspell/<locale>/x.aff    the folder as OpenSearch wants it
//	<locale>/x.aff             goes into hunspell/
//	<locale>.aff               goes into hunspell/<locale>/, with every other file
//
// Files are placed as they are, those too that OpenSearch does not read.
func Layout(names []string, out *rule.Tally) *Folder {
	names = slices.Sorted(slices.Values(names))
	f, depth := &Folder{}, 2 // of a dictionary's files
	switch first := slices.IndexFunc(names, isDictionary); {
	case first < 0:
		noDictionary.Report(out, rule.Place{})
		return nil
	default:
		switch above := strings.Split(path.Dir(names[first]), "/"); {
		case above[0] == ".":
			depth, f.prefix = 0, path.Join(Dir, rootLocale(names))
		case len(above) == 1 && above[0] != Dir:
			depth, f.prefix = 1, Dir
		}
	}
	before := out.Errors()
	locales := map[string]*Locale{}
	for _, name := range names {
		if !isDictionary(name) {
			continue
		}
		parts := strings.Split(f.Place(name), "/")
		if strings.Count(name, "/") != depth || len(parts) != 3 || parts[0] != Dir {
			misplaced.Report(out, rule.Place{Path: name})
			continue
		}
		l := locales[parts[1]]
		if l == nil {
			l = &Locale{Name: parts[1]}
			locales[l.Name] = l
		}
		l.add(name, out)
	}
	for _, l := range locales {
		l.Settings = f.settings(names, l.Name)
		f.Locales = append(f.Locales, *l)
	}
	slices.SortFunc(f.Locales, func(a, b Locale) int { return cmp.Compare(a.Name, b.Name) })
	for _, l := range f.Locales {
		if out.Errors() == before {
			l.check(out)
		}
	}
	if out.Errors() > before {
		return nil
	}
	return f
}

// settings finds the settings of a dictionary.
func (f *Folder) settings(names []string, locale string) string {
	for _, base := range settingsFiles {
		place := path.Join(Dir, locale, base)
		if i := slices.IndexFunc(names, func(n string) bool { return f.Place(n) == place }); i >= 0 {
			return names[i]
		}
	}
	return ""
}

func isDictionary(name string) bool {
	return path.Ext(name) == ".aff" || path.Ext(name) == ".dic"
}

// rootLocale names the dictionary whose files lie at the zip's root: as its .aff file, or as the
// first of its .dic files.
func rootLocale(names []string) string {
	for _, ext := range []string{".aff", ".dic"} {
		for _, n := range names {
			if !strings.Contains(n, "/") && path.Ext(n) == ext {
				return strings.TrimSuffix(n, ext)
			}
		}
	}
	return ""
}

func (l *Locale) add(name string, out *rule.Tally) {
	switch {
	case path.Ext(name) == ".dic":
		l.Words = append(l.Words, name)
	case l.Affix == "":
		l.Affix = name
	default:
		severalAffixes.Report(out, rule.Place{Path: name}, l.Name)
	}
}

func (l *Locale) check(out *rule.Tally) {
	if !localeName.MatchString(l.Name) {
		badLocale.Report(out, rule.Place{Text: []byte(l.Name)}, rule.Shown([]byte(l.Name)))
	}
	if l.Affix == "" {
		noAffixes.Report(out, rule.Place{Path: l.Words[0]}, l.Name)
	} else if len(l.Words) == 0 {
		noWords.Report(out, rule.Place{Path: l.Affix}, l.Name)
	}
}

// NeedsVersion reports, for a package that is a folder, that OpenSearch must be new enough: a note where
// nobody said which version it is for, a warning where that is too old.
func NeedsVersion(out *rule.Tally, tooOld bool) {
	f := needsVersion.At(rule.Place{})
	if !tooOld {
		f.Severity = searchpack.SeverityNote
	}
	out.Add(f)
}

var (
	noDictionary = &rule.Rule{
		ID: "hunspell.no-dictionary", Severity: searchpack.SeverityError, Title: "a zip without a dictionary",
		Message: "the zip holds no .aff and no .dic file, so OpenSearch finds no dictionary in it",
		Remedy:  "zip a folder for each locale with its .aff and .dic files",
	}
	misplaced = &rule.Rule{
		ID: "hunspell.layout", Severity: searchpack.SeverityError, Title: "a dictionary where OpenSearch does not look",
		Message: "this file lies elsewhere than the first dictionary of the zip says: OpenSearch reads hunspell/<locale>/ under the filter's ref_path and nothing else",
		Remedy:  "put all dictionaries into hunspell/<locale>/, or all into <locale>/, or the files of a single one at the zip's root",
	}
	severalAffixes = fault("affix-files", "several .aff files", "the dictionary %q has more than one .aff file",
		"leave one .aff file in the folder of each locale; names that begin with a dot count too")
	noAffixes = fault("no-affixes", "no .aff file", "the dictionary %q has no .aff file",
		"add the .aff file that belongs to the .dic file; one with the line SET UTF-8 is enough")
	noWords = doubt("no-words", "no .dic file", "the dictionary %q has no .dic file: it knows no words, and filters that use it do nothing",
		"add the .dic file that belongs to the .aff file")
	badLocale = &rule.Rule{
		ID: "hunspell.locale", Severity: searchpack.SeverityError, Title: "a name that no filter can have as its locale",
		Message: "OpenSearch refuses a filter whose locale is %q: only letters, digits, and between them _ and - are allowed",
		Remedy:  "rename the folder, for example to en_US",
	}
	needsVersion = doubt("version", "a folder, for OpenSearch 3.7 and newer", "the package is a folder of Hunspell dictionaries: OpenSearch finds it by the filter's ref_path from 3.7 on, and older versions do not",
		"use it on domains of OpenSearch 3.7 or newer, with ref_path and locale in the filter")
)
