package doctor

import (
	"io/fs"
	"slices"
	"time"
)

// Seen is what there was to be seen. Texts called Error are in words for people and hold no secret.
type Seen struct {
	Now time.Time // of this machine
	Me  User

	Config     Folder // as named by --config
	YML        Folder // opensearch.yml in it, a file
	Analyzers  Folder
	Candidates Folder // analyzers/.searchpack
	Adopt      []Adoptable
	State      Folder
	StateAbove Folder // the nearest folder above State that is there
	// Enforcing: SELinux is on and refuses.
	Enforcing bool

	// ConfigInUse and StateInUse: an agent holds the lock of the folder.
	ConfigInUse, StateInUse bool

	Enrolment Enrolment
	Server    Server
	Node      Node
	Start     Start
	Plugins   Plugins
}

// User is whom the doctor runs as; the agent must be the same.
type User struct {
	UID    int
	Groups []int
}

// in reports whether the user is of the group.
func (u User) in(gid int) bool { return slices.Contains(u.Groups, gid) }

// Folder is a folder or file.
type Folder struct {
	Path     string
	There    bool
	Error    string // why it could not be looked at
	Outside  bool   // a link that leads out of the configuration folder
	Mode     fs.FileMode
	UID, GID int
	Writable bool // for Me, mounts and rights taken together
	ReadOnly bool // mounted so
	Device   uint64
	// FileSystem is what of it matters: "tmpfs", "overlay", "nfs", else "".
	FileSystem         string
	Free               uint64 // bytes, for Me
	Files, FilesUnused uint64 // inodes; Files 0: not counted there
	Label              string // SELinux context, "" without
}

// Enrolment is what the state folder and the token say.
type Enrolment struct {
	Enrolled     bool
	Name, Domain string
	CertUntil    time.Time
	Error        string // the state folder cannot be read, or is damaged
	TokenGiven   bool
	TokenError   string // the file cannot be read or holds no token
	// Tried: the server was asked about the token, Refused is what it said against it.
	Tried   bool
	Refused string
}

// Server is what was seen of Searchpack's server.
type Server struct {
	Address string
	Error   string // it cannot be reached
	Known   bool   // it answered as a Searchpack server of this protocol
	// Protocol is what it speaks, when Known is false and it speaks one.
	Protocol string
	Date     time.Time // its clock; zero: it did not say
	// Distrust says why its certificate is not taken by this machine's clock, DistrustThen why not by
	// the server's own. Unchecked: there is neither an authority nor a token to check it with.
	Distrust, DistrustThen string
	Unchecked              bool
	// Refused is what it said to the enrolled agent's call, "" if it answered.
	Refused string
}

// Node is what was seen of OpenSearch.
type Node struct {
	Address     string
	Skipped     bool   // there is no OpenSearch here (files only)
	Error       string // the address, the credentials file or the authority is wrong: nothing was asked
	Unreachable string
	Denied      string
	Plain       bool // credentials go over http to another machine
	Local       bool // the address is this machine's
	Name        string
	Cluster     string
	Version     string
	RefreshAPI  bool
	ConfigPath  string // path.conf in its words; "" unknown
	SameFolder  bool   // ConfigPath is Config, links followed
	YMLName     string // node.name of opensearch.yml here, "" if it does not stand there in plain
	YMLCluster  string // cluster.name of it
	Permissions []Permission
}

// Permission is one call of the agent and whether it is allowed.
type Permission struct {
	Call, Name string
	Refused    bool
	Error      string // why it is not known
}
