package policy

import (
	"slices"
	"strings"
)

// The classes that are looked at more closely.
const (
	allClass      = "java.security.AllPermission"
	fileClass     = "java.io.FilePermission"
	socketClass   = "java.net.SocketPermission"
	netClass      = "java.net.NetPermission"
	propertyClass = "java.util.PropertyPermission"
	runtimeClass  = "java.lang.RuntimePermission"
	reflectClass  = "java.lang.reflect.ReflectPermission"
	securityClass = "java.security.SecurityPermission"
)

// judge says what a permission is worth: its grade, what it allows, and whether the agent of
// OpenSearch 3.x checks it (org.opensearch.javaagent: FileInterceptor, SocketChannelInterceptor).
func judge(p Permission) (grade Grade, meaning string, checked bool) {
	switch p.Class {
	case allClass:
		return Total, "may do everything that Java can", true
	case fileClass:
		return judgeFile(p)
	case socketClass:
		return judgeSocket(p)
	case propertyClass:
		return judgeProperty(p)
	}
	if k, found := lookUp(p); found {
		return k.grade, k.filled(p.Target), p.Class == netClass && (p.Target == "accessUnixDomainSocket" || p.Target == "*")
	}
	return Unknown, "asks for " + quote(p.String()) + ", of which nothing is known here", false
}

// actions splits them.
func (p Permission) actions() []string {
	var out []string
	for a := range strings.SplitSeq(p.Actions, ",") {
		out = append(out, strings.ToLower(strings.Trim(a, blanks)))
	}
	return out
}

func judgeFile(p Permission) (Grade, string, bool) {
	actions := p.actions()
	has := func(a string) bool { return slices.Contains(actions, a) }
	grade, which := Minor, "the file "+quote(p.Target)
	changes := has("write") || has("delete")
	switch {
	case everyFile(p.Target):
		which, grade = "every file", Dangerous // of the node: its keystore, keys and data
		if changes || has("execute") {
			grade = Total
		}
	case has("execute"):
		grade = Dangerous
	case strings.HasSuffix(p.Target, "/-"):
		which = "everything below " + quote(strings.TrimSuffix(p.Target, "/-"))
		grade = Notable
		if changes {
			grade = Dangerous
		}
	case strings.HasSuffix(p.Target, "/*"):
		which = "every file in " + quote(strings.TrimSuffix(p.Target, "/*"))
		grade = Notable
	case changes:
		grade = Notable
	}
	var verbs []string
	for _, v := range []struct{ action, verb string }{
		{"read", "read"}, {"readlink", "follow links to"}, {"write", "change or make"}, {"delete", "delete"}, {"execute", "start programs from"},
	} {
		if has(v.action) {
			verbs = append(verbs, v.verb)
		}
	}
	meaning := "may " + enumerate(verbs) + " " + which
	if has("execute") {
		meaning += " (unless the node's system call filter forbids it, as it does where it is on)"
	}
	return grade, meaning, has("read") || changes
}

// everyFile reports a target that stands for all files.
func everyFile(t string) bool { return t == "<<ALL FILES>>" || t == "/-" || t == "//-" }

// enumerate writes "a, b and c".
func enumerate(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " and " + words[last]
}

func judgeSocket(p Permission) (Grade, string, bool) {
	actions := p.actions()
	has := func(a string) bool { return slices.Contains(actions, a) }
	host, anyHost := quote(p.Target), false
	if name, _, _ := strings.Cut(p.Target, ":"); name == "*" {
		host, anyHost = "any computer", true
		if p.Target != "*" {
			host += " (" + quote(p.Target) + ")"
		}
	}
	var verbs []string
	grade := Minor
	if has("connect") {
		verbs = append(verbs, "connect to "+host)
		if grade = Notable; anyHost {
			grade = Dangerous // data can leave
		}
	}
	if has("accept") {
		verbs = append(verbs, "accept connections from "+host)
		grade = min(grade, Notable)
	}
	if has("listen") {
		verbs = append(verbs, "listen on ports of "+host)
		grade = min(grade, Notable)
	}
	if len(verbs) == 0 {
		verbs = append(verbs, "look up the address of "+host)
	}
	return grade, "may " + enumerate(verbs), has("connect")
}

func judgeProperty(p Permission) (Grade, string, bool) {
	what := "the system property " + quote(p.Target)
	if p.Target == "*" {
		what = "every system property"
	}
	if !slices.Contains(p.actions(), "write") {
		return Minor, "may read " + what, false
	}
	if p.Target == "*" {
		return Dangerous, "may change " + what, false
	}
	return Notable, "may change " + what, false
}
