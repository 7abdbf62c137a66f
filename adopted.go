package searchpack

import (
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A package's file lies at ReferencePath. One that was on the nodes before Searchpack, and that indices
// name, may stay where it is: the association then has the path, and the file is called adopted.

// FilePath is where a package's file lies, relative to the node's configuration folder: at adopted, or,
// if that is "", at ReferencePath.
func FilePath(packageID, adopted string) string {
	if adopted != "" {
		return adopted
	}
	return ReferencePath(packageID)
}

// FilePath is where the package's file lies in the domain, relative to a node's configuration folder.
func (a *Association) FilePath() string { return FilePath(a.PackageID, a.Path) }

// FilePath is where the file is ordered to lie.
func (f *FileOrder) FilePath() string { return FilePath(f.PackageID, f.Path) }

// MaxFilePath bounds an adopted path, in bytes.
const MaxFilePath = 255

// packageFile is a name that a package's file has, or may have one day: package ids are made by servers.
var packageFile = regexp.MustCompile(`^(?:[FG][0-9]+|pkg-[a-f0-9]+)$`)

// Names that no file has that is a dictionary. OpenSearch's own configuration, keys and certificates
// must not be replaced or even be compared with something.
var (
	ownFiles = []string{
		"opensearch.yml", "jvm.options", "log4j2.properties", "opensearch.keystore", "opensearch.keystore.tmp", "fips_java.security",
	}
	ownFolders = []string{
		"jvm.options.d", "opensearch-security", "opensearch-observability", "opensearch-reports-scheduler",
		"opensearch-performance-analyzer", "opensearch-notifications", "opensearch-notifications-core", "certs", "certificates",
	}
	ownEndings = []string{
		".yml", ".yaml", ".options", ".properties", ".policy", ".security", ".keystore", ".jks", ".p12", ".pfx", ".bcfks",
		".pem", ".key", ".crt", ".cer", ".der", ".csr", ".pkcs8", ".json", ".conf", ".service", ".sh",
	}
)

// CheckFilePath refuses a path at which no file can be adopted: one that is not plain and relative, that
// leaves the configuration folder, that is another package's, or that is OpenSearch's own. ErrInvalid.
// Nodes check it again, because what lies there is theirs.
func CheckFilePath(p string) error {
	if err := checkPlain(p); err != nil {
		return err
	}
	parts := strings.Split(strings.ToLower(p), "/")
	for _, part := range parts {
		if strings.HasPrefix(part, ".") {
			return Errorf(ErrInvalid, "The path %s has a part that begins with a dot: such files are not adopted.", p)
		}
	}
	base := parts[len(parts)-1]
	if slices.Contains(ownFiles, base) || slices.Contains(ownEndings, path.Ext(base)) || slices.ContainsFunc(parts, isOwnFolder) {
		return Errorf(ErrInvalid, "%s may belong to OpenSearch itself, or be a key or certificate: only dictionaries are adopted.", p)
	}
	if dir, name := path.Split(p); dir == AnalyzersDir+"/" && packageFile.MatchString(name) {
		return Errorf(ErrInvalid, "%s is where a package's file lies that was not adopted: leave the path out.", p)
	}
	return nil
}

func isOwnFolder(part string) bool { return slices.Contains(ownFolders, part) }

// checkPlain refuses what is no relative slash path in its shortest form. It goes into JSON and into
// OpenSearch's settings as it is, so nothing in it may need escaping.
func checkPlain(p string) error {
	switch {
	case p == "" || len(p) > MaxFilePath:
		return Errorf(ErrInvalid, "A path has 1 to %d bytes.", MaxFilePath)
	case !utf8.ValidString(p) || strings.ContainsFunc(p, unfit) || strings.TrimSpace(p) != p:
		return Errorf(ErrInvalid, "The path %q has characters that a path of a dictionary cannot have here.", p)
	case !fs.ValidPath(p) || p == ".":
		return Errorf(ErrInvalid, "The path %s is not relative to the configuration folder, or not in its shortest form: write it as analysis/synonyms.txt.", p)
	}
	return nil
}

func unfit(r rune) bool {
	return strings.ContainsRune("\\\"'<>&,:*?|@", r) || !unicode.IsPrint(r)
}

// CheckAdoptable refuses what cannot be an entry of a node's list of files and folders to be adopted:
// what CheckFilePath refuses, and everything at once. A folder stands for all in it.
func CheckAdoptable(p string) error {
	if p == "." || p == "/" || p == "" {
		return Errorf(ErrInvalid, "The configuration folder as a whole cannot be adopted from: name files or folders in it, such as analysis.")
	}
	return CheckFilePath(p)
}

// PathsTo are the folders that lead to a path with slashes, the outermost first, and the path itself.
func PathsTo(p string) []string {
	var out []string
	for i := range p {
		if p[i] == '/' {
			out = append(out, p[:i])
		}
	}
	return append(out, p)
}
