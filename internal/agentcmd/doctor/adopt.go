package doctor

import "fmt"

// Adoptable is a path of --adopt as it was found.
type Adoptable struct {
	Name  string // as given, relative to the configuration folder
	There bool
	Link  string // the part of it that is a link; "" if none is
	Error string // it cannot be looked at, or may never be adopted
	Place Folder // in which its files are put in place
}

// adopted: what may be adopted is replaced in its own folder, when a version comes.
func adopted(s *Seen) []Check {
	const name = "adoptable files"
	var out []Check
	for _, a := range s.Adopt {
		p := a.Place
		switch {
		case a.Error != "":
			out = append(out, failure(name, "--adopt PATH, a file or folder of dictionaries in the configuration folder", "%s: %s", a.Name, a.Error))
		case a.Link != "":
			out = append(out, failure(name, "name with --adopt where the files really lie in the configuration folder",
				"%s: %s is a link, and what lies behind a link is not adopted", a.Name, a.Link))
		case !a.There:
			out = append(out, warning(name, "see --adopt: paths are relative to the configuration folder", "%s is not there: nothing of it can be adopted", a.Name))
		case p.ReadOnly:
			out = append(out, failure(name, "mount -o remount,rw "+p.Path, "%s is mounted read-only: what is adopted in it can never be changed", p.Path))
		case !p.Writable:
			out = append(out, failure(name, fmt.Sprintf("run the agent as uid %d (User= of its unit), or: chown %d:%d %s", p.UID, s.Me.UID, p.GID, p.Path),
				"uid %d may not write to %s, which belongs to uid %d, group %d, mode %04o: a new version of what is adopted in it could not be placed", s.Me.UID, p.Path, p.UID, p.GID, p.Mode.Perm()))
		default:
			out = append(out, ok(name, "%s, in %s", a.Name, p.Path))
		}
	}
	return out
}
