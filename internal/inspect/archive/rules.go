package archive

import (
	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/inspect/rule"
)

// Rules are the rules of this package. All but the note are errors, also where OpenSearch's installer
// would take the zip: whoever unpacks it with another tool must get the same files.
func Rules() []*rule.Rule {
	var out []*rule.Rule
	for _, f := range []flaw{
		unreadable, tooMany, allTooLarge, tooLarge, tooDense, badPath, badEncoding, twice, colliding, clashing, link, encrypted,
		badMethod, split, zip64, commented, trailing, gap, overlap, badHeader, badDescriptor, badContent, unicodeName, badExtra,
		badJar, nested,
	} {
		out = append(out, f.Rule)
	}
	return out
}

func errorOf(id, title, message, remedy string) flaw {
	return flaw{&rule.Rule{ID: "archive." + id, Severity: searchpack.SeverityError, Title: title, Message: message, Remedy: remedy}}
}

const again = "make the zip again, with zip, jar, Gradle or Maven"

var (
	unreadable = errorOf("unreadable", "no zip",
		"the file is not a zip that can be read: %s", "make the zip again and compare it with the object in S3")
	tooMany = errorOf("entries", "too many files",
		"the zip has more than %d files and folders, or a directory that is too large for as many", "leave out what the nodes do not need")
	allTooLarge = errorOf("size", "too large when unpacked",
		"the files in the zip have more than %d bytes together", "make it smaller, or have the limit of the server raised")
	tooLarge = errorOf("file-size", "a file that is too large",
		"this file has more than %d bytes", "make it smaller, or have the limit of the server raised")
	tooDense = errorOf("ratio", "a bomb",
		"the files have %d bytes together, and the zip has %d: no honest file is packed that well, it would fill the disks of the nodes",
		"leave out the files that are empty space; a program can make them where it runs")

	badPath = errorOf("path", "a path that leads elsewhere",
		"the path %s: it would lie outside of its folder, or elsewhere with some tools", "write relative paths with slashes and without ., .. and \\")
	badEncoding = errorOf("encoding", "a name that tools read differently",
		"a name %s: tools take it for different names", "name the files in ASCII, or have the names written as UTF-8 (zip: -UN=UTF8)")
	twice = errorOf("duplicate", "two entries of one name",
		"the zip has two entries of this name; some tools unpack the first, others the last", "leave one of them")
	colliding = errorOf("collision", "names that are one on some file systems",
		"%s and %s differ only in case or Unicode form: on some file systems they are one file, and one of the two is lost", "rename one of them")
	clashing = errorOf("file-and-folder", "a file that is also a folder",
		"%s is both a file and a folder; only one of them can be unpacked", "rename one of them")
	link = errorOf("link", "a link or a special file",
		"this entry is no plain file and no folder, or not the one that its name says, but a link, a device or a volume: some tools would make it, others write a file",
		"zip the file that the link leads to (zip does it without --symlinks)")

	encrypted = errorOf("encrypted", "an encrypted entry",
		"this entry is encrypted: no node can read it", "make the zip without a password")
	badMethod = errorOf("method", "an unknown way of packing",
		"this entry %s: not every tool can read that", "pack with deflate, or not at all")
	split = errorOf("split", "a part of a zip",
		"the zip says that it is one of several parts", "make one zip of all parts (zip --split-size 0)")
	zip64 = errorOf("zip64", "zip64",
		"zip64 fields: only files of 4 GiB and more need them, and tools differ in when they believe them instead of the plain ones, so they may see other files",
		"make the zip as a file and not as a stream, and without zip64 (zip -fz-; Gradle: zip64 = false)")

	commented = errorOf("comment", "a comment",
		"a comment; another directory can hide in it, which some tools read instead of this one", "delete the comments (zip --archive-comment, or make the zip again)")
	trailing = errorOf("trailing", "bytes behind the zip",
		"%d bytes stand behind the end of the zip; another zip can hide in them, which some tools read instead of this one", "make the zip again and compare it with the object in S3")
	gap = errorOf("gap", "bytes that belong to no file",
		"%d bytes %s belong to no file; tools that read from the beginning may find other files in them", "make the zip again instead of editing it, with nothing before it (no program that unpacks itself)")
	overlap = errorOf("overlap", "entries that overlap",
		"this entry overlaps the one before or the directory: the same bytes are to be several files, as in a bomb", again)
	badHeader = errorOf("header", "two headers that disagree",
		"the header before this entry's content %s; some tools believe the one, some the other", again)
	badDescriptor = errorOf("descriptor", "sizes behind the content that disagree",
		"the data descriptor behind this entry's content is wrong: %s; tools that read from the beginning would see other files", again)
	badContent = errorOf("content", "damaged content",
		"this entry is damaged: %s", "make the zip again and compare it with the object in S3")
	unicodeName = errorOf("unicode-name", "a second name",
		"an extra field has a second name (or comment) for this entry; some tools, OpenSearch's installer among them, believe it, others do not", "make the zip without Unicode extra fields: names as UTF-8 do (zip: -UN=UTF8)")
	badExtra = errorOf("extra", "unknown extra fields",
		"this entry has extra fields %s; tools that know them might read another name, size or content from them", again+"; only times, owners and the mark of jars are taken")

	badJar = errorOf("jar", "a jar that Java cannot read",
		"this jar cannot be read as Java reads it: %s", "build the jar again")
	nested = flaw{&rule.Rule{
		ID: "archive.nested", Severity: searchpack.SeverityNote, Title: "a zip in the zip",
		Message: "this file is a zip and no jar: OpenSearch does not unpack it, and it was not looked into",
		Remedy:  "if its files are needed, put them into the package themselves",
	}}
)
