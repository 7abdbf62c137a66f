package policy

import (
	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/inspect/rule"
)

// Rules are the rules of this package.
func Rules() []*rule.Rule {
	return []*rule.Rule{
		syntax, outside, badClass, badActions, badCodeBase, noCodeBase, tooLong,
		graded[Total], graded[Dangerous], graded[Notable], graded[Unknown], graded[Minor], unchecked,
	}
}

const family = "policy."

var (
	syntax = &rule.Rule{
		ID: family + "syntax", Severity: searchpack.SeverityError, Title: "not the grammar of a policy",
		Message: "%s is expected, and there is %s; OpenSearch 3.x does not install the plugin, 2.x runs it without any of its permissions",
		Remedy:  `write grant { permission CLASS "target", "actions"; }; with a semicolon behind each permission and each block`,
	}
	outside = &rule.Rule{
		ID: family + "outside", Severity: searchpack.SeverityError, Title: "something between the grant blocks",
		Message: "%s stands where only a grant block may begin; the parser of OpenSearch 3.x never gets past it: the installer and the node hang",
		Remedy:  "delete everything outside of the grant blocks that is no comment",
	}
	badClass = &rule.Rule{
		ID: family + "class", Severity: searchpack.SeverityError, Title: "a permission class that OpenSearch 3.x does not find",
		Message: "%s is no class of the JVM; OpenSearch 3.x does not install the plugin (2.x accepts classes that the plugin brings)",
		Remedy:  "delete the permission: 3.x has no use for permissions of a plugin's own",
	}
	badActions = &rule.Rule{
		ID: family + "actions", Severity: searchpack.SeverityError, Title: "a permission that cannot be made",
		Message: "%s; OpenSearch 3.x does not install the plugin, 2.x leaves the permission out",
		Remedy:  `write the target and the actions that the class knows, for example java.io.FilePermission "/path", "read"`,
	}
	badCodeBase = &rule.Rule{
		ID: family + "code-base-url", Severity: searchpack.SeverityError, Title: "a codeBase that is no URL",
		Message: "the codeBase %q is no URL; OpenSearch 3.x does not install the plugin, 2.x leaves the grant out",
		Remedy:  "write ${codebase.NAME} with the name of a jar of the plugin, or leave codeBase out",
	}
	noCodeBase = &rule.Rule{
		ID: family + "code-base", Severity: searchpack.SeverityWarning, Title: "a codeBase that the plugin does not have",
		Message: "the plugin has no jar for %s; OpenSearch leaves the whole grant out and says nothing",
		Remedy:  "write ${codebase.NAME} with the name of a jar of the plugin, without its version and .jar",
	}
	tooLong = &rule.Rule{
		ID: family + "long", Severity: searchpack.SeverityWarning, Title: "a policy too long to be looked into",
		Message: "the policy has more than 256 KiB and is not looked into: what the plugin may do is not known",
		Remedy:  "write one permission for what many say, without long comments",
	}
	unchecked = &rule.Rule{
		ID: family + "unchecked", Severity: searchpack.SeverityNote, Title: "a permission without effect",
		Message: "%s %s. OpenSearch 3.x does not look at such permissions: asking for it changes nothing",
		Remedy:  "none is needed; a plugin for 3.x alone can leave the permission out",
	}
)

// graded are the rules of what is asked for.
var graded = map[Grade]*rule.Rule{
	Total: {
		ID: family + "total", Severity: searchpack.SeverityWarning, Title: "a permission to do anything",
		Message: "%s %s. Who may do that can do everything that the node can",
		Remedy:  "install the plugin only if you trust its maker as you trust OpenSearch; ask for less, by path or by jar",
	},
	Dangerous: {
		ID: family + "dangerous", Severity: searchpack.SeverityWarning, Title: "a dangerous permission",
		Message: "%s %s. That can harm the node, its data or its secrets",
		Remedy:  "find out what the plugin needs it for; name a narrower target, or the one jar that needs it (codeBase)",
	},
	Notable: {
		ID: family + "notable", Severity: searchpack.SeverityNote, Title: "a permission that reaches beyond the plugin",
		Message: "%s %s", Remedy: "see that the plugin needs it",
	},
	Unknown: {
		ID: family + "unknown", Severity: searchpack.SeverityNote, Title: "a permission that is not known here",
		Message: "%s %s", Remedy: "ask the plugin's maker what it allows",
	},
	Minor: {
		ID: family + "minor", Severity: searchpack.SeverityNote, Title: "a harmless permission",
		Message: "%s %s", Remedy: "none is needed",
	},
}

// soften makes a warning of a refusal that is not certain.
func soften(f *searchpack.Finding) { f.Severity = searchpack.SeverityWarning }
