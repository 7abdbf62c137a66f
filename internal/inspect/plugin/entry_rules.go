package plugin

import (
	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/inspect/rule"
)

var (
	classMissing = &rule.Rule{
		ID: "plugin.class-missing", Severity: searchpack.SeverityError, Title: "the plugin's class is missing",
		Message: "no jar of the plugin has the class %s that classname names%s; the plugin is installed, and then nodes refuse to start: Unable to load plugin class",
		Remedy:  "write the full name of the plugin's class, with dots and in its own case, into classname, and put its jar at the plugin's root",
	}
	classUnreadable = &rule.Rule{
		ID: "plugin.class-unreadable", Severity: searchpack.SeverityError, Title: "the plugin's class is damaged",
		Message: "the class file of %s cannot be read: %s; nodes refuse to start: Unable to load plugin class",
		Remedy:  "build the jar again",
	}
	classJavaHigh = &rule.Rule{
		ID: "plugin.class-java", Severity: searchpack.SeverityError, Title: "compiled for a Java that no node has",
		Message: "the class %s is compiled for Java %d; OpenSearch %s runs on Java %s, and nodes refuse to start",
		Remedy:  "compile for the Java of the nodes: javac --release",
	}
	classNoPlugin = &rule.Rule{
		ID: "plugin.class-no-plugin", Severity: searchpack.SeverityError, Title: "a class that is no plugin",
		Message: "the class %s does not extend org.opensearch.plugins.Plugin; nodes refuse to start",
		Remedy:  "let it extend Plugin, or name another class in classname",
	}
	classAccess = &rule.Rule{
		ID: "plugin.class-access", Severity: searchpack.SeverityError, Title: "a class that cannot be made",
		Message: "the class %s is %s; nodes refuse to start: failed to load plugin class",
		Remedy:  "make it public and not abstract",
	}
	constructorRule = &rule.Rule{
		ID: "plugin.constructor", Severity: searchpack.SeverityError, Title: "not the constructor that OpenSearch calls",
		Message: "the class %s has %s; nodes refuse to start",
		Remedy:  "give it one public constructor, with (Settings, Path), (Settings) or () as its parameters",
	}
	parentMissing = &rule.Rule{
		ID: "plugin.parent-missing", Severity: searchpack.SeverityError, Title: "a class that the plugin's class needs is missing",
		Message: "%s extends or implements %s, which neither the plugin nor OpenSearch %s has; nodes refuse to start",
		Remedy:  "put the jar that has it at the plugin's root, or build the plugin for this version of OpenSearch",
	}
	parentUnknown = &rule.Rule{
		ID: "plugin.parent-unknown", Severity: searchpack.SeverityNote, Title: "a class that is not looked at",
		Message: "%s extends or implements %s, which is not in the plugin and not known here; what kind of plugin it is cannot be said for certain",
		Remedy:  "nothing; the nodes will see",
	}
	kindAWS = &rule.Rule{
		ID: "plugin.kind-aws", Severity: searchpack.SeverityError, Title: "a kind of plugin that AWS does not take",
		Message: "the plugin is %s; AWS takes AnalysisPlugin, SearchPlugin, MapperPlugin, ScriptPlugin and SearchPipelinePlugin only. OpenSearch itself takes every kind",
		Remedy:  "implement these kinds only; a cluster of your own takes the others (--plugin-rules cluster)",
	}
	kindNamed = &rule.Rule{
		ID: "plugin.kinds", Severity: searchpack.SeverityNote, Title: "what a plugin is allowed to do",
		Message: "the plugin is %s; it takes part in more than analysis, search, mappings, scripts and search pipelines, which is all that AWS allows",
		Remedy:  "nothing, if that is what the plugin is for",
	}
)

var entryRules = []*rule.Rule{
	classMissing, classUnreadable, classJavaHigh, classNoPlugin, classAccess, constructorRule, parentMissing, parentUnknown, kindAWS, kindNamed,
}
