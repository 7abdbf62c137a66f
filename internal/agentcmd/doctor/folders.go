package doctor

import (
	"fmt"
	"strings"
)

const (
	configName = "configuration folder"
	stateName  = "state folder"
)

// configFolder: can the agent place files there?
func configFolder(s *Seen) []Check {
	c, place := s.Config, s.Config
	if s.Analyzers.There {
		place = s.Analyzers
	}
	switch {
	case c.Error != "":
		return []Check{failure(configName, "--config DIR, the folder that holds opensearch.yml", "%s", c.Error)}
	case !c.There:
		return []Check{failure(configName, "--config DIR, the folder that holds opensearch.yml", "%s is not there", c.Path)}
	case !c.Mode.IsDir():
		return []Check{failure(configName, "--config DIR, the folder that holds opensearch.yml", "%s is no folder", c.Path)}
	case s.Analyzers.Outside:
		return []Check{failure(configName, "replace the link by the folder, or name the real folder with --config",
			"%s is a link out of the configuration folder: the agent follows none", s.Analyzers.Path)}
	case place.ReadOnly:
		return []Check{failure(configName, fmt.Sprintf("mount -o remount,rw %s   (systemd: ReadWritePaths=%s; Kubernetes: readOnly: false)", place.Path, c.Path),
			"%s is mounted read-only: nothing can be placed", place.Path)}
	case !place.Writable:
		// Never the whole configuration folder: the rest of it is not the agent's.
		do := fmt.Sprintf("install -d -m 0750 -o %d -g %d %s", s.Me.UID, place.GID, s.Analyzers.Path)
		if s.Analyzers.There {
			do = fmt.Sprintf("chown -R %d:%d %s", s.Me.UID, place.GID, place.Path)
		}
		return []Check{failure(configName, fmt.Sprintf("run the agent as uid %d (User= of its unit), or: %s", place.UID, do),
			"uid %d may not write to %s, which belongs to uid %d, group %d, mode %04o", s.Me.UID, place.Path, place.UID, place.GID, place.Mode.Perm())}
	case !s.YML.There && !s.Node.Skipped:
		return []Check{failure(configName, "--config DIR, the folder that holds opensearch.yml", "%s holds no opensearch.yml: it is not a node's", c.Path)}
	}
	return []Check{ok(configName, "%s, uid %d, mode %04o", c.Path, c.UID, c.Mode.Perm())}
}

// agentUID is whom the agent runs as: as this, but for root by the owner of the agent's state folder.
func (s *Seen) agentUID() int {
	if s.Me.UID == 0 && s.State.There {
		return s.State.UID
	}
	return s.Me.UID
}

// user: root may do what the agent may not, so a doctor that runs as root sees less.
func user(s *Seen) []Check {
	const name = "user"
	if agent := s.agentUID(); agent != s.Me.UID {
		return []Check{warning(name, fmt.Sprintf("sudo -u '#%d' searchpack agent doctor …", agent),
			"this runs as root, the agent as uid %d, by its state folder: what uid %d may not do is not seen", agent, agent)}
	}
	return []Check{ok(name, "uid %d; the agent must run as the same", s.Me.UID)}
}

// owner: can OpenSearch read what the agent places? Files get owner, group and mode of
// opensearch.yml, as far as the agent may give them.
func owner(s *Seen) []Check {
	const name = "owner of placed files"
	y, me := s.YML, s.Me
	if !y.There || !s.Config.There {
		return nil
	}
	does := fmt.Sprintf("run the agent as uid %d (User= of its unit), the owner of %s, or as root", y.UID, y.Path)
	switch {
	case me.UID == 0:
		return []Check{ok(name, "as opensearch.yml: uid %d, group %d, mode %04o", y.UID, y.GID, y.Mode.Perm())}
	case me.UID == y.UID:
		return []Check{ok(name, "uid %d, as opensearch.yml", y.UID)}
	case y.Mode&0o044 == 0:
		return []Check{failure(name, does, "opensearch.yml belongs to uid %d and has mode %04o; what uid %d places OpenSearch cannot read", y.UID, y.Mode.Perm(), me.UID)}
	case y.Mode&0o004 == 0 && !me.in(y.GID):
		return []Check{failure(name, fmt.Sprintf("%s; or put the agent's user into group %d", does, y.GID),
			"opensearch.yml is readable for its group %d, which uid %d is not in; what it places OpenSearch cannot read", y.GID, me.UID)}
	}
	return []Check{ok(name, "uid %d, readable for OpenSearch (uid %d) by mode %04o", me.UID, y.UID, y.Mode.Perm())}
}

// fileSystem: a candidate becomes live by a rename, which no file system does into another one.
func fileSystem(s *Seen) []Check {
	const name = "one file system"
	switch {
	case !s.Analyzers.There || s.Analyzers.Outside:
		return nil
	case s.Candidates.Outside:
		return []Check{failure(name, "replace the link by a folder", "%s is a link out of the configuration folder", s.Candidates.Path)}
	case s.Candidates.There && s.Candidates.Device != s.Analyzers.Device:
		return []Check{failure(name, "umount "+s.Candidates.Path, "%s is another file system than %s: files cannot be put in place by a rename", s.Candidates.Path, s.Analyzers.Path)}
	}
	return []Check{ok(name, "candidates and live files in %s", s.Analyzers.Path)}
}

// stateFolder: is it the agent's own, and does it last?
func stateFolder(s *Seen) []Check {
	f := s.State
	switch {
	case f.Error != "":
		return []Check{failure(stateName, "--state DIR, a folder of the agent's own", "%s", f.Error)}
	case !f.There && !s.StateAbove.Writable:
		return []Check{failure(stateName, fmt.Sprintf("install -d -m 0700 -o %d %s   (or StateDirectory= of its unit)", s.Me.UID, f.Path),
			"%s is not there, and uid %d may not make it in %s", f.Path, s.Me.UID, s.StateAbove.Path)}
	case !f.There:
		return []Check{ok(stateName, "%s is not there yet; the first start makes it", f.Path)}
	case !f.Mode.IsDir():
		return []Check{failure(stateName, "--state DIR, a folder of the agent's own", "%s is no folder", f.Path)}
	case f.ReadOnly:
		return []Check{failure(stateName, "mount -o remount,rw "+f.Path, "%s is mounted read-only: no order and no certificate can be kept", f.Path)}
	case s.Me.UID != 0 && f.UID != s.Me.UID, !f.Writable:
		return []Check{failure(stateName, fmt.Sprintf("chown -R %d %s", s.Me.UID, f.Path),
			"%s belongs to uid %d; the agent (uid %d) needs one of its own", f.Path, f.UID, s.Me.UID)}
	case s.Enrolment.Error != "":
		return []Check{failure(stateName, "stop the agent, move the folder away and start it with a new join token; then: searchpack nodes retire DOMAIN NODE", "%s", s.Enrolment.Error)}
	}
	var out []Check
	if f.Mode.Perm()&0o077 != 0 {
		out = append(out, warning(stateName, "chmod 700 "+f.Path, "%s has mode %04o: others can read the agent's key (its next start mends that)", f.Path, f.Mode.Perm()))
	}
	switch f.FileSystem {
	case "tmpfs":
		out = append(out, warning(stateName, "--state DIR on a disk", "%s lies in memory: after a reboot the node has lost its identity and its files", f.Path))
	case "overlay":
		out = append(out, warning(stateName, "mount a volume at "+f.Path, "%s is a layer of the container: with the container go the node's identity and its copies", f.Path))
	}
	if len(out) == 0 {
		out = []Check{ok(stateName, "%s, mode %04o", f.Path, f.Mode.Perm())}
	}
	return out
}

// Bounds of free disk. A file needs room twice, as a candidate and in the agent's own store.
const (
	diskFull  = 64 << 20
	diskShort = 1 << 30
	fewFiles  = 100
)

func disk(s *Seen) []Check {
	const name = "free disk"
	var out []Check
	for _, f := range []Folder{s.Config, s.State} {
		if !f.There && f.Path == s.State.Path {
			f = s.StateAbove
		}
		switch {
		case !f.There:
		case f.Free < diskFull:
			out = append(out, failure(name, "df -h "+f.Path, "%s has %s free: no file can be fetched and placed", f.Path, size(f.Free)))
		case f.Files > 0 && f.FilesUnused < fewFiles:
			out = append(out, failure(name, "df -i "+f.Path, "%s has room for %d more files only (inodes)", f.Path, f.FilesUnused))
		case f.Free < diskShort:
			out = append(out, warning(name, "df -h "+f.Path, "%s has %s free; a dictionary needs its size twice, as candidate and as the agent's own copy", f.Path, size(f.Free)))
		default:
			out = append(out, ok(name, "%s free at %s", size(f.Free), f.Path))
		}
	}
	return out
}

func size(n uint64) string {
	if n < 1<<30 {
		return fmt.Sprintf("%d MiB", n>>20)
	}
	return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
}

// label: files get the SELinux type of the folder that they are made in.
func label(s *Seen) []Check {
	const name = "SELinux"
	typ := func(f Folder) string {
		if p := strings.Split(f.Label, ":"); len(p) > 2 {
			return p[2]
		}
		return ""
	}
	config, place := typ(s.Config), typ(s.Analyzers)
	switch {
	case !s.Config.There:
		return nil
	case !s.Enforcing:
		return []Check{ok(name, "refuses nothing here")}
	case config != "" && place != "" && config != place:
		return []Check{warning(name, "restorecon -Rv "+s.Analyzers.Path,
			"%s has the type %s, the folder above %s: OpenSearch may be refused what is placed there", s.Analyzers.Path, place, config)}
	}
	return []Check{ok(name, "enforcing; files get the type %q; if a file cannot be written or read all the same: ausearch -m avc -ts recent", config)}
}

// oneAgent: two agents on one configuration folder undo each other's files.
func oneAgent(s *Seen) []Check {
	const name = "one agent"
	switch {
	case s.ConfigInUse && !s.StateInUse:
		return []Check{failure(name, "pgrep -af 'searchpack agent'   (stop the one that does not belong to this node)",
			"an agent with another state folder works on %s; one with %s is refused", s.Config.Path, s.State.Path)}
	case s.StateInUse && !s.ConfigInUse:
		return []Check{warning(name, "pgrep -af 'searchpack agent'   (compare its --config)",
			"the agent that runs with %s works on another configuration folder than %s", s.State.Path, s.Config.Path)}
	case s.StateInUse:
		return []Check{ok(name, "it runs")}
	}
	return []Check{warning(name, "systemctl enable --now searchpack-agent; in a container, start searchpack agent run", "no agent runs here")}
}
