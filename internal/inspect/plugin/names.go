package plugin

import (
	"slices"
	"strings"

	"github.com/searchpack/searchpack/internal/inspect/rule"
	"github.com/searchpack/searchpack/internal/inspect/target"
)

// maxFolderName is what file systems take, in bytes, less the mark that the installer puts before a
// folder that it removes.
const maxFolderName = 255 - len(".removing-")

// folder finds the plugin's folder, as PluginInfo.getTargetFolderName does, and whether its name does
// what a name should.
func (d *descriptor) folder() {
	t := d.o.Target
	name, custom := d.properties["name"], d.properties["custom.foldername"]
	if module(t.Modules, name.value) != nil {
		nameOfModule.Report(d.out, d.at(name), rule.Shown([]byte(name.value)))
	}
	p := name
	if custom.value != "" {
		p = custom
	}
	d.facts.Folder = p.value
	if why := folderFault(p.value); why != "" {
		folderName.Report(d.out, d.at(p), rule.Shown([]byte(p.value)), why)
	} else if p.value == "lib" && t.Version.SharedFolder() {
		folderName.Report(d.out, d.at(p), p.value, "nodes keep shared jars there and load no plugin from it")
	}
}

// folderFault says why a text names no folder of the plugin's own; "" if it does, or is empty.
func folderFault(name string) string {
	switch {
	case strings.ContainsAny(name, "/\\\x00"):
		return "that is not one folder below plugins/, so the plugin would lie where no node looks for it, or over something else"
	case strings.HasPrefix(name, "."):
		return "names that begin with a dot are for what the installer has not finished, and no node starts beside such"
	case len(name) > maxFolderName:
		return "the name is too long for a folder"
	case strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return "the name has a control character"
	}
	return ""
}

// module finds a module by its name.
func module(all []target.Module, name string) *target.Module {
	if i := slices.IndexFunc(all, func(m target.Module) bool { return m.Name == name }); i >= 0 {
		return &all[i]
	}
	return nil
}

// extended reads the property extended.plugins, as PluginInfo's constructor does: nothing is trimmed.
func (d *descriptor) extended() {
	p := d.properties["extended.plugins"]
	if p.value == "" {
		return
	}
	for _, text := range strings.Split(p.value, ",") {
		name, option, hasOption := strings.Cut(text, ";")
		e := Extended{Name: name}
		if d.o.Target.Version.Before(2, 19) { // did not know options
			e.Name, hasOption = text, false
		}
		if hasOption {
			option, _, _ = strings.Cut(option, ";")
			if e.Optional = option == "optional=true"; !e.Optional && option != "" {
				extendsOption.Report(d.out, d.at(p), rule.Shown([]byte(option)))
			}
		}
		d.facts.Extends = append(d.facts.Extends, e)
		d.extends(p, e)
	}
}

// extends holds one extended plugin against the target.
func (d *descriptor) extends(p property, e Extended) {
	t := d.o.Target
	m := module(t.Modules, e.Name)
	why := ""
	switch {
	case e.Name == d.facts.Name:
		why = "that is the plugin itself"
	case m != nil && m.Extensible != nil && !*m.Extensible:
		extendsFixed.Report(d.out, d.at(p), rule.Shown([]byte(e.Name)))
	case m != nil || slices.Contains(t.Plugins, e.Name) || e.Optional:
	case e.Name == "":
		why = "no plugin has an empty name"
	case strings.TrimSpace(e.Name) != e.Name:
		why = "no plugin's name begins or ends blank"
	case t.Plugins != nil && t.Modules != nil:
		why = "no such plugin is installed"
	default:
		extendsOther.Report(d.out, d.at(p), rule.Shown([]byte(e.Name)))
	}
	if why != "" {
		extendsNothing.Report(d.out, d.at(p), rule.Shown([]byte(e.Name)), why)
	}
}
