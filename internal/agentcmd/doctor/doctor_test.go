package doctor

import (
	"io/fs"
	"strings"
	"testing"
	"time"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// well is an installation without a fault, with an agent that runs.
func well() *Seen {
	dir := func(path string) Folder {
		return Folder{Path: path, There: true, Mode: fs.ModeDir | 0o750, UID: 1000, GID: 1000, Writable: true, Device: 1, Free: 50 << 30, Files: 1000, FilesUnused: 900}
	}
	s := &Seen{
		Now: now, Me: User{UID: 1000, Groups: []int{1000}},
		Config: dir("/c"), YML: dir("/c/opensearch.yml"), Analyzers: dir("/c/analyzers"), Candidates: dir("/c/analyzers/.searchpack"),
		Adopt: []Adoptable{{Name: "analysis", There: true, Place: dir("/c/analysis")}},
		State: dir("/s"), StateAbove: dir("/"), ConfigInUse: true, StateInUse: true,
		Enrolment: Enrolment{Enrolled: true, Name: "n1", Domain: "products", CertUntil: now.Add(12 * time.Hour)},
		Server:    Server{Address: "https://s:9401", Known: true, Protocol: "1", Date: now},
		Node: Node{
			Address: "https://127.0.0.1:9200", Local: true, Name: "n1", Cluster: "shop", Version: "3.8.0", RefreshAPI: true,
			ConfigPath: "/c", SameFolder: true, YMLName: "n1", YMLCluster: "shop",
			Permissions: []Permission{{Call: "POST _analyze", Name: "indices:admin/analyze"}},
		},
	}
	s.Start = Start{
		Unit: "/etc/systemd/system/opensearch.service", Sync: []string{"/usr/local/bin/searchpack", "agent", "sync", "--once"},
		WantState: "/s", Synced: now.Add(-time.Hour), Started: now.Add(-time.Hour + 3*time.Second),
	}
	s.YML.Mode, s.State.Mode = 0o640, fs.ModeDir|0o700
	return s
}

func TestWell(t *testing.T) {
	t.Parallel()
	checks := Judge(well())
	for _, c := range checks {
		if c.Level != OK || c.Type != "" {
			t.Errorf("%+v", c)
		}
	}
	if len(checks) < 15 || Failed(checks) != 0 {
		t.Errorf("%d checks, %d failed", len(checks), Failed(checks))
	}
}

// Each fault alone is found, with its level, and says what to type.
func TestFaults(t *testing.T) {
	t.Parallel()
	fresh := func(s *Seen) {
		s.Enrolment, s.StateInUse, s.ConfigInUse = Enrolment{TokenGiven: true, Tried: true}, false, false
	}
	for name, tc := range map[string]struct {
		fault      func(*Seen)
		check      string
		level      Level
		says, does string
	}{
		"no configuration folder":    {func(s *Seen) { s.Config = Folder{Path: "/c"} }, configName, Error, "/c is not there", "--config"},
		"it cannot be seen":          {func(s *Seen) { s.Config.Error = "stat /c: permission denied" }, configName, Error, "permission denied", "--config"},
		"it is a file":               {func(s *Seen) { s.Config.Mode = 0o644 }, configName, Error, "no folder", "--config"},
		"not a node's":               {func(s *Seen) { s.YML = Folder{} }, configName, Error, "no opensearch.yml", "--config"},
		"read-only":                  {func(s *Seen) { s.Analyzers.ReadOnly = true }, configName, Error, "read-only", "mount -o remount,rw /c/analyzers"},
		"read-only before analyzers": {func(s *Seen) { s.Analyzers, s.Config.ReadOnly = Folder{}, true }, configName, Error, "read-only", "remount,rw /c"},
		"may not write":              {func(s *Seen) { s.Analyzers.Writable = false }, configName, Error, "may not write", "chown -R 1000:1000 /c/analyzers"},
		"may not make it":            {func(s *Seen) { s.Analyzers, s.Config.Writable = Folder{Path: "/c/analyzers"}, false }, configName, Error, "may not write to /c,", "install -d -m 0750 -o 1000 -g 1000 /c/analyzers"},
		"analyzers leads out":        {func(s *Seen) { s.Analyzers.Outside = true }, configName, Error, "link", "replace"},
		"files nobody can read":      {func(s *Seen) { s.YML.UID, s.YML.Mode = 7, 0o600 }, "owner of placed files", Error, "cannot read", "uid 7"},
		"not in the group":           {func(s *Seen) { s.YML.UID, s.YML.GID = 7, 7 }, "owner of placed files", Error, "group 7", "group 7"},
		"two file systems":           {func(s *Seen) { s.Candidates.Device = 2 }, "one file system", Error, "rename", "umount /c/analyzers/.searchpack"},
		"candidates lead out":        {func(s *Seen) { s.Candidates.Outside = true }, "one file system", Error, "link", "replace"},
		"adopts behind a link":       {func(s *Seen) { s.Adopt[0].Link = "analysis" }, "adoptable files", Error, "analysis is a link", "--adopt"},
		"adopts what never may be":   {func(s *Seen) { s.Adopt[0].Error = "opensearch.yml is OpenSearch's own" }, "adoptable files", Error, "opensearch.yml", "--adopt"},
		"adopts what is not there":   {func(s *Seen) { s.Adopt[0].There = false }, "adoptable files", Warning, "analysis is not there", "relative"},
		"adopted read-only":          {func(s *Seen) { s.Adopt[0].Place.ReadOnly = true }, "adoptable files", Error, "read-only", "remount,rw /c/analysis"},
		"adopted, somebody else's":   {func(s *Seen) { s.Adopt[0].Place.Writable = false }, "adoptable files", Error, "may not write to /c/analysis", "chown 1000:1000 /c/analysis"},
		"no state folder":            {func(s *Seen) { fresh(s); s.State, s.StateAbove.Writable = Folder{Path: "/s"}, false }, stateName, Error, "may not make it", "install -d -m 0700 -o 1000 /s"},
		"somebody else's state":      {func(s *Seen) { s.State.UID = 0 }, stateName, Error, "uid 0", "chown -R 1000 /s"},
		"state read-only":            {func(s *Seen) { s.State.ReadOnly = true }, stateName, Error, "read-only", "remount"},
		"state is a file":            {func(s *Seen) { s.State.Mode = 0o600 }, stateName, Error, "no folder", "--state"},
		"state damaged":              {func(s *Seen) { s.Enrolment.Error = "agent.key is damaged" }, stateName, Error, "damaged", "join token"},
		"state open to all":          {func(s *Seen) { s.State.Mode |= 0o055 }, stateName, Warning, "0755", "chmod 700 /s"},
		"state in memory":            {func(s *Seen) { s.State.FileSystem = "tmpfs" }, stateName, Warning, "memory", "--state"},
		"state in the container":     {func(s *Seen) { s.State.FileSystem = "overlay" }, stateName, Warning, "container", "volume"},
		"disk full":                  {func(s *Seen) { s.Config.Free = 1 << 20 }, "free disk", Error, "1 MiB", "df -h /c"},
		"disk short":                 {func(s *Seen) { s.State.Free = 500 << 20 }, "free disk", Warning, "500 MiB", "df -h /s"},
		"no inodes":                  {func(s *Seen) { s.State.FilesUnused = 3 }, "free disk", Error, "3 more files", "df -i /s"},
		"another label": {func(s *Seen) {
			s.Enforcing, s.Config.Label, s.Analyzers.Label = true, "system_u:object_r:etc_t:s0", "unconfined_u:object_r:user_home_t:s0"
		}, "SELinux", Warning, "user_home_t", "restorecon -Rv /c/analyzers"},
		"a second agent":           {func(s *Seen) { s.StateInUse = false }, "one agent", Error, "another state folder", "pgrep"},
		"another folder":           {func(s *Seen) { s.ConfigInUse = false }, "one agent", Warning, "another configuration folder", "--config"},
		"no agent":                 {func(s *Seen) { s.StateInUse, s.ConfigInUse = false, false }, "one agent", Warning, "no agent", "systemctl"},
		"no server":                {func(s *Seen) { s.Server = Server{Address: "https://s", Error: "cannot be reached"} }, "server", Error, "reached", "curl -vk https://s"},
		"a web server":             {func(s *Seen) { s.Server.Known, s.Server.Protocol = false, "" }, "server", Error, "not as a Searchpack", "--agent-listen"},
		"another protocol":         {func(s *Seen) { s.Server.Known, s.Server.Protocol = false, "2" }, "server", Error, `protocol "2"`, "upgrade"},
		"another authority":        {func(s *Seen) { s.Server.DistrustThen = "another key" }, "server", Error, "another key", "TCP pass-through"},
		"clock and trust":          {func(s *Seen) { s.Server.Distrust = "not yet valid" }, "server", Error, "this machine's clock", "chronyc"},
		"retired":                  {func(s *Seen) { s.Server.Refused = `The node "n1" was retired.` }, "server", Error, "retired", "what it says"},
		"nobody to trust":          {func(s *Seen) { s.Server.Unchecked = true }, "server", Warning, "right one", "--token-file"},
		"hours behind":             {func(s *Seen) { s.Server.Date = now.Add(2 * time.Hour) }, "clock", Error, "2h0m0s behind", "chronyc"},
		"days ahead":               {func(s *Seen) { s.Server.Date = now.Add(-48 * time.Hour) }, "clock", Error, "48h0m0s ahead", "chronyc"},
		"a minute off":             {func(s *Seen) { s.Server.Date = now.Add(time.Minute) }, "clock", Warning, "1m0s off", "chronyc"},
		"no date":                  {func(s *Seen) { s.Server.Date = time.Time{} }, "clock", Warning, "does not say", "timedatectl"},
		"certificate ended":        {func(s *Seen) { s.Enrolment.CertUntil = now.Add(-time.Hour) }, "enrolment", Warning, "renews", "systemctl"},
		"ended long ago":           {func(s *Seen) { s.Enrolment.CertUntil = now.Add(-91 * 24 * time.Hour) }, "enrolment", Error, "too long ago", "token create"},
		"no token":                 {func(s *Seen) { fresh(s); s.Enrolment.TokenGiven = false }, "enrolment", Error, "no join token", "token create"},
		"damaged token":            {func(s *Seen) { fresh(s); s.Enrolment.TokenError = "cut off" }, "enrolment", Error, "cut off", "token create"},
		"token used up":            {func(s *Seen) { fresh(s); s.Enrolment.Refused = "used up" }, "enrolment", Error, "used up", "token create"},
		"token not tried":          {func(s *Seen) { fresh(s); s.Enrolment.Tried = false }, "enrolment", Warning, "could not be asked", "server"},
		"no credentials":           {func(s *Seen) { s.Node = Node{Error: "cannot read OpenSearch's credentials"} }, "OpenSearch", Error, "credentials", "--opensearch-credentials"},
		"OpenSearch down":          {func(s *Seen) { s.Node = Node{Address: "http://o", Unreachable: "connection refused"} }, "OpenSearch", Error, "refused", "start OpenSearch"},
		"unknown authority":        {func(s *Seen) { s.Node = Node{Unreachable: "tls: x509: certificate signed by unknown authority"} }, "OpenSearch", Error, "x509", "--opensearch-ca"},
		"https to http":            {func(s *Seen) { s.Node = Node{Unreachable: "http: server gave HTTP response to HTTPS client"} }, "OpenSearch", Error, "no TLS", "http://"},
		"wrong password":           {func(s *Seen) { s.Node = Node{Denied: "OpenSearch refuses the credentials (401)"} }, "OpenSearch", Error, "401", "--opensearch-credentials"},
		"password in clear":        {func(s *Seen) { s.Node.Plain = true }, "OpenSearch", Warning, "unencrypted", "https"},
		"an old version":           {func(s *Seen) { s.Node.Version = "1.3.0" }, "version", Warning, "1.3.0", "2 or 3"},
		"a missing right":          {func(s *Seen) { s.Node.Permissions[0].Refused = true }, "permissions", Error, "POST _analyze", "indices:admin/analyze"},
		"a right not known":        {func(s *Seen) { s.Node.Permissions[0].Error = "503" }, "permissions", Warning, "503", "again"},
		"no refresh API":           {func(s *Seen) { s.Node.RefreshAPI = false }, "reload", Warning, "_refresh_search_analyzers", "opensearch-index-management"},
		"another cluster's":        {func(s *Seen) { s.Node.YMLCluster = "x" }, "the node's own folder", Error, `cluster "x"`, "--config"},
		"another node's":           {func(s *Seen) { s.Node.YMLName = "n2" }, "the node's own folder", Error, `node "n2"`, "--config"},
		"another folder's":         {func(s *Seen) { s.Node.ConfigPath, s.Node.SameFolder = "/d", false }, "the node's own folder", Warning, "reads /d", "--config /d"},
		"a distant node":           {func(s *Seen) { s.Node.Local = false }, "the node's own folder", Warning, "need not be this one", "beside"},
		"no path":                  {func(s *Seen) { s.Node.ConfigPath, s.Node.SameFolder = "", false }, "the node's own folder", Warning, "does not say", "OPENSEARCH_PATH_CONF"},
		"no line before the start": {func(s *Seen) { s.Start.Sync, s.Start.Synced = nil, time.Time{} }, "start", Warning, "no ExecStartPre", "opensearch.service.d"},
		"the program is elsewhere": {func(s *Seen) { s.Start.Missing = true }, "start", Error, "/usr/local/bin/searchpack", "mend the path"},
		"it would not end":         {func(s *Seen) { s.Start.Sync = s.Start.Sync[:3] }, "start", Error, "lacks --once", "opensearch.service.d"},
		"syncs another node":       {func(s *Seen) { s.Start.ConfigFile, s.Start.WantFile = "/a.yml", "/b.yml" }, "start", Warning, "/a.yml", "same file"},
		"syncs with another state": {func(s *Seen) { s.Start.State = "/other" }, "start", Error, "enrol a second time", "--state"},
		"started without a sync":   {func(s *Seen) { s.Start.Unit, s.Start.Sync, s.Start.Synced = "", nil, now.Add(-25*time.Hour) }, "start", Warning, "the last one ran at 2026-02-28T11:00:00Z", "opensearch.service.d"},
		"a container without one":  {func(s *Seen) { s.Start = Start{Container: true, Started: now} }, "start", Warning, "without searchpack agent sync", "init container"},
		"nothing to be seen":       {func(s *Seen) { s.Start = Start{} }, "start", Warning, "nothing is to be seen", "opensearch.service.d"},
		"root, not the agent":      {func(s *Seen) { s.Me.UID = 0 }, "user", Warning, "uid 1000", "sudo -u '#1000'"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := well()
			tc.fault(s)
			found := false
			for _, c := range Judge(s) {
				if (c.Level == OK) != (c.Type == "") {
					t.Errorf("a check is well or says what to do: %+v", c)
				}
				found = found || c.Name == tc.check && c.Level == tc.level && strings.Contains(c.Says, tc.says) && strings.Contains(c.Type, tc.does)
			}
			if !found {
				t.Errorf("not found in %+v", Judge(s))
			}
		})
	}
}

// What is no fault is not called one.
func TestNoFaults(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*Seen){
		"root":               func(s *Seen) { s.Me.UID, s.State.UID, s.YML.UID, s.YML.Mode = 0, 0, 7, 0o600 },
		"OpenSearch's group": func(s *Seen) { s.YML.UID, s.YML.GID, s.Me.Groups = 7, 8, []int{1000, 8} },
		"readable for all":   func(s *Seen) { s.YML.UID, s.YML.GID, s.YML.Mode = 7, 7, 0o644 },
		"nothing placed yet": func(s *Seen) { s.Analyzers, s.Candidates = Folder{}, Folder{} },
		"no inodes counted":  func(s *Seen) { s.Config.Files, s.Config.FilesUnused = 0, 0 },
		"files only":         func(s *Seen) { s.Node, s.YML = Node{Skipped: true}, Folder{} },
		"started by something else, after a sync":     func(s *Seen) { s.Start.Unit, s.Start.Sync = "", nil },
		"a unit with another way to run it":           func(s *Seen) { s.Start.Sync = nil },
		"a start that may go on without dictionaries": func(s *Seen) { s.Start.Optional = true },
		"the same file in both units":                 func(s *Seen) { s.Start.ConfigFile, s.Start.WantFile = "/a.yml", "/a.yml" },
		"a container before its first start":          func(s *Seen) { s.Start = Start{Container: true} },
		"seconds off":                                 func(s *Seen) { s.Server.Date = now.Add(20 * time.Second) },
		"one SELinux label":                           func(s *Seen) { s.Enforcing, s.Config.Label, s.Analyzers.Label = true, "a:b:etc_t:s0", "x:y:etc_t:s0" },
		"names not in plain":                          func(s *Seen) { s.Node.YMLName, s.Node.YMLCluster = "", "" },
		"to be made":                                  func(s *Seen) { s.State = Folder{Path: "/s"} },
	} {
		s := well()
		change(s)
		for _, c := range Judge(s) {
			if c.Level != OK {
				t.Errorf("%s: %+v", name, c)
			}
		}
	}
}
