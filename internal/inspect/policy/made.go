package policy

import (
	"slices"
	"strings"

	"github.com/searchpack/searchpack/internal/inspect/rule"
)

// tally is where findings go.
type tally = *rule.Tally

func (p *parser) place(at token) rule.Place {
	return rule.Place{Path: Name, Line: at.line, Counted: at.line, Text: p.lineText(at.at)}
}

// keep takes a permission if the target can make one of it, and says why not.
func (p *parser) keep(at token, f Permission, named, acted bool) {
	if fault := makeable(f, named, acted); fault != "" {
		p.refuse(badActions, at.line, p.lineText(at.at), fault)
		return
	}
	if !p.config.classic() && unfindable(f.Class) {
		p.refuse(badClass, at.line, p.lineText(at.at), rule.Shown([]byte(f.Class)))
		return
	}
	f.Grade, f.Meaning, f.Checked = judge(f)
	f.Checked = f.Checked || p.config.classic()
	p.found = append(p.found, f)
}

// actionsOf are the actions of the classes that have some, as their getMask takes them.
var actionsOf = map[string][]string{
	fileClass:     {"read", "write", "execute", "delete", "readlink"},
	socketClass:   {"connect", "listen", "accept", "resolve"},
	propertyClass: {"read", "write"},
}

// makeable says why the constructor of the class throws, of the classes that both lines of OpenSearch
// make; "" if it does not.
func makeable(f Permission, named, acted bool) string {
	known, hasActions := actionsOf[f.Class]
	if !hasActions && !slices.Contains([]string{runtimeClass, netClass, securityClass}, f.Class) {
		return ""
	}
	if !named || f.Target == "" && f.Class != fileClass && f.Class != socketClass {
		return f.Class + " needs a target"
	}
	if !hasActions {
		return ""
	}
	if !acted || f.Actions == "" {
		return f.Class + " needs actions: " + strings.Join(known, ", ")
	}
	// They are read from the end: a comma before the first is not seen.
	for action := range strings.SplitSeq(strings.TrimPrefix(strings.TrimLeft(f.Actions, blanks), ","), ",") {
		if !slices.Contains(known, strings.ToLower(strings.Trim(action, blanks))) {
			return f.Class + " has no action " + quote(strings.Trim(action, blanks)) + ", but " + strings.Join(known, ", ")
		}
	}
	return ""
}

const blanks = " \t\r\n\f"

func quote(s string) string { return `"` + rule.Shown([]byte(s)) + `"` }

// skipped are the classes that PolicyFile of 3.x passes over although it does not find them.
var skipped = []string{
	"org.opensearch.secure_sm.ThreadContextPermission", "org.opensearch.secure_sm.ThreadPermission",
	"org.opensearch.SpecialPermission", "org.bouncycastle.crypto.CryptoServicesPermission",
	"org.opensearch.script.ClassPermission", "javax.security.auth.AuthPermission",
	"javax.security.auth.kerberos.ServicePermission", "com.sun.tools.attach.AttachPermission",
}

// platform begins the names of the JVM's own classes. Which of them the boot loader has depends on
// the JVM.
var platform = []string{"java.", "javax.", "jdk.", "sun.", "com.sun.", "org.ietf.", "org.w3c.", "org.xml.", "netscape."}

// unfindable reports that 3.x, which looks the class up with the boot loader, surely does not find it.
func unfindable(class string) bool {
	if slices.Contains(skipped, class) {
		return false
	}
	return !slices.ContainsFunc(platform, func(p string) bool { return strings.HasPrefix(class, p) })
}
