package plugin

import (
	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/inspect/rule"
)

// The ids of the rules of a plugin made for another version of OpenSearch, and for a newer Java than its
// nodes have.
const (
	EngineVersion = "plugin.engine-version"
	JavaVersion   = "plugin.java-version"
)

var (
	noDescriptor = &rule.Rule{
		ID: "plugin.descriptor", Severity: searchpack.SeverityError, Title: "no usable descriptor",
		Message: "%s; OpenSearch refuses a plugin without a descriptor at its root",
		Remedy:  "zip the files of the plugin themselves, plugin-descriptor.properties among them, not the folder that holds them",
	}
	propertyMissing = &rule.Rule{
		ID: "plugin.property-missing", Severity: searchpack.SeverityError, Title: "a property is missing",
		Message: "the property %s is missing in plugin-descriptor.properties; OpenSearch refuses the plugin",
		Remedy:  "add it: name, description, version, classname and java.version are needed, and either opensearch.version or dependencies",
	}
	propertyUnknown = &rule.Rule{
		ID: "plugin.property-unknown", Severity: searchpack.SeverityError, Title: "a property that OpenSearch does not know",
		Message: "OpenSearch refuses the plugin: Unknown properties in plugin descriptor: [%s]",
		Remedy:  "take it out, or correct its name",
	}
	propertyRepeated = &rule.Rule{
		ID: "plugin.property-repeated", Severity: searchpack.SeverityWarning, Title: "a property comes again",
		Message: "the property %s stands in line %d already; OpenSearch takes the last one",
		Remedy:  "leave one of them",
	}
	propertyValue = &rule.Rule{
		ID: "plugin.property-value", Severity: searchpack.SeverityError, Title: "a property has a value that cannot be read",
		Message: "the property %s: %s; OpenSearch refuses the plugin",
		Remedy:  "write a value of the form that the property has",
	}
	propertyBlank = &rule.Rule{
		ID: "plugin.property-blank", Severity: searchpack.SeverityWarning, Title: "a property that ends blank",
		Message: "the property %s is empty or ends with blanks, and OpenSearch does not take them off",
		Remedy:  "delete the blanks at the end of the line, or write what is missing",
	}
	versionTwice = &rule.Rule{
		ID: "plugin.version-twice", Severity: searchpack.SeverityError, Title: "both opensearch.version and dependencies",
		Message: "the properties opensearch.version and dependencies both say which version of OpenSearch the plugin is for; OpenSearch refuses the plugin",
		Remedy:  "leave one of them",
	}
	engineVersion = &rule.Rule{
		ID: EngineVersion, Severity: searchpack.SeverityError, Title: "made for another version of OpenSearch",
		// AWS's words, which clients look for.
		Message: "the %s %s of plugin-descriptor.properties doesn't matches with the provided EngineVersion %s%s",
		Remedy:  "build the plugin for that version, or create the package with the EngineVersion that it is made for",
	}
	nativeController = &rule.Rule{
		ID: "plugin.native-controller", Severity: searchpack.SeverityError, Title: "a native controller",
		Message: "the property has.native.controller is true; OpenSearch's installer refuses the plugin: plugins can not have native controllers",
		Remedy:  "build the plugin without a process of its own, and leave the property out",
	}
	javaVersionHigh = &rule.Rule{
		ID: JavaVersion, Severity: searchpack.SeverityError, Title: "needs a Java that no node has",
		Message: "the property java.version says that the plugin needs Java %d; OpenSearch %s runs on Java %s and refuses the plugin",
		Remedy:  "build the plugin for an older Java, and write that into java.version",
	}
	javaVersionNewer = &rule.Rule{
		ID: "plugin.java-newer", Severity: searchpack.SeverityWarning, Title: "needs a Java that not every node has",
		Message: "the property java.version says that the plugin needs Java %d; OpenSearch %s runs on Java %s, and nodes with an older one refuse the plugin",
		Remedy:  "make sure that every node of the domain runs on that Java, or build the plugin for the oldest",
	}
	nameOfModule = &rule.Rule{
		ID: "plugin.name-of-module", Severity: searchpack.SeverityError, Title: "the name of a module",
		Message: "OpenSearch's installer refuses the plugin: plugin '%s' cannot be installed as a plugin, it is a system module",
		Remedy:  "give the plugin another name",
	}
	folderName = &rule.Rule{
		ID: "plugin.folder-name", Severity: searchpack.SeverityError, Title: "a name that is no folder of its own",
		Message: "the plugin would be installed in plugins/%s: %s. OpenSearch's installer does not look at that",
		Remedy:  "write a name, or custom.foldername, of letters, digits, dots, dashes and underscores that begins with a letter or digit",
	}
	extendsNothing = &rule.Rule{
		ID: "plugin.extends-missing", Severity: searchpack.SeverityError, Title: "extends a plugin that is not there",
		Message: "the property extended.plugins names %q, and %s; nodes refuse to start: Missing plugin, dependency of the plugin",
		Remedy:  "write the names of installed plugins or modules, with commas and without blanks between them",
	}
	extendsFixed = &rule.Rule{
		ID: "plugin.extends-fixed", Severity: searchpack.SeverityError, Title: "extends what is not extensible",
		Message: "the property extended.plugins names the module %s, which nothing can extend; nodes refuse to start: cannot extend non-extensible plugin",
		Remedy:  "take it out",
	}
	extendsOther = &rule.Rule{
		ID: "plugin.extends", Severity: searchpack.SeverityNote, Title: "extends another plugin",
		Message: "the plugin extends %s, which is not part of the package; a node where it is not installed refuses the plugin",
		Remedy:  "install it on every node first",
	}
	extendsOption = &rule.Rule{
		ID: "plugin.extends-option", Severity: searchpack.SeverityWarning, Title: "an option that extended.plugins does not have",
		Message: "OpenSearch does not know %q behind a name in extended.plugins and takes no notice of it",
		Remedy:  "write name;optional=true, without blanks, or the name alone",
	}
)

var descriptorRules = []*rule.Rule{
	noDescriptor, propertyMissing, propertyUnknown, propertyRepeated, propertyValue, propertyBlank, versionTwice, engineVersion,
	nativeController, javaVersionHigh, javaVersionNewer, nameOfModule, folderName, extendsNothing, extendsFixed, extendsOther, extendsOption,
}
