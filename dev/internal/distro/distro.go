// Package distro finds a Java to run OpenSearch with, and lays out OpenSearch homes: folders from
// which one node each can be started.
//
// The program comes from Maven Central through the user's own mvn, once per version, into a cache
// folder that several processes may use at a time; or from any installation on disk. A home shares
// everything that is never written (bin, lib, modules) with it by hard links and has its own
// configuration, plugins, logs, data and temporary folder.
//
// The package starts no node and opens no connection itself.
package distro

import (
	"os"
	"path/filepath"
)

// The versions that searchpack-dev offers by itself, the preferred one first.
const (
	Newest   = "3.8.0"  // needs Java 21 or newer
	Fallback = "2.19.0" // of the newest line that Java 17 runs
)

// Offered returns those versions.
func Offered() []string { return []string{Newest, Fallback} }

// Env looks up an environment variable; "" is the same as not set. Nil stands for os.Getenv.
type Env func(name string) string

func (e Env) get(name string) string {
	if e == nil {
		return os.Getenv(name)
	}
	return e(name)
}

// program finds an executable file on PATH; "" if there is none.
func (e Env) program(name string) string {
	for _, dir := range filepath.SplitList(e.get("PATH")) {
		if !filepath.IsAbs(dir) {
			continue // a program in the working directory is not one that was installed
		}
		if path := filepath.Join(dir, name); isProgram(path) {
			return path
		}
	}
	return ""
}

func isProgram(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}

// Home is a folder from which one node can be started.
type Home struct {
	Dir     string // absolute
	Version string // of OpenSearch, as "3.8.0"
	JDK     JDK
	// IndexManagement: the installation brings the plugin that serves the refresh API.
	IndexManagement bool
	// Security: the installation brings the security plugin, which loopback clusters switch off.
	Security bool
}

// The folders of a home that are its own. Shared ones are bin, lib, modules and what else an
// installation holds.
const (
	ConfigDir  = "config"
	PluginsDir = "plugins"
	LogsDir    = "logs"
	DataDir    = "data"
	TempDir    = "tmp"
)

// WrittenDirs are the folders that a running node writes to.
func WrittenDirs() []string { return []string{ConfigDir, DataDir, LogsDir, TempDir} }

// Config is the absolute path of the configuration folder.
func (h Home) Config() string { return filepath.Join(h.Dir, ConfigDir) }
