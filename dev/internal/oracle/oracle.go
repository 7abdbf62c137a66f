// Package oracle asks OpenSearch's own classes what they make of a dictionary: a small Java program
// (its source lies in the folder java) runs on the libraries of one OpenSearch version, builds the
// filter that reads the file as a node would, and tells whether that was refused, why, and what the
// file means. Tests hold the readers of internal/inspect against it; it is no part of the product.
//
// Nothing here knows what is right: the answers are the product's.
package oracle

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/searchpack/searchpack/dev/internal/distro"
)

//go:embed java/*.java
var java embed.FS

// morphology names, by OpenSearch version, the artifacts of the Japanese and the Korean tokenizer.
// OpenSearch's own plugins are published for some versions only; Lucene's libraries for all.
var morphology = map[string][]string{
	"2.19.0": {
		"org.apache.lucene:lucene-analysis-kuromoji:9.12.1", "org.apache.lucene:lucene-analysis-nori:9.12.1",
	},
	"3.8.0": {
		"org.apache.lucene:lucene-analysis-kuromoji:10.5.0", "org.apache.lucene:lucene-analysis-nori:10.5.0",
		"org.opensearch.plugin:analysis-kuromoji:3.8.0", "org.opensearch.plugin:analysis-nori:3.8.0",
	},
}

// Oracle asks one version of OpenSearch. It is for one caller at a time.
type Oracle struct {
	// Plugins: the tokenizers for Japanese and Korean are OpenSearch's own; else the dictionaries
	// are read by Lucene alone, and refusals name no line.
	Plugins bool

	home      distro.Home // the program itself, which is only read
	classPath []string
	scratch   string // configuration and temporary files
	process   *process
}

// Open makes ready what the version needs: its libraries, a JDK, the compiled program. Close it.
func Open(ctx context.Context, version string, o distro.Options) (*Oracle, error) {
	extra, ok := morphology[version]
	if !ok {
		return nil, fmt.Errorf("the oracle knows no OpenSearch %s", version)
	}
	jdk, err := distro.ChooseJDK(version, distro.FindJDKs(ctx, o.Env))
	if err != nil {
		return nil, err
	}
	cache, err := distro.OpenCache(o.Env)
	if err != nil {
		return nil, err
	}
	program, err := distro.Fetch(ctx, cache, version, o)
	if err != nil {
		return nil, err
	}
	jars, err := distro.Jars(ctx, cache, "morphology-"+version, extra, o)
	if err != nil {
		return nil, err
	}
	out := &Oracle{Plugins: len(extra) > 2, home: distro.Home{Dir: program.Dir, Version: version, JDK: jdk}}
	out.classPath = append(program.Analysis(), filepath.Join(jars, "*"))
	classes, err := out.compiled(ctx, cache)
	if err != nil {
		return nil, fmt.Errorf("building the oracle for OpenSearch %s: %w", version, err)
	}
	out.classPath = append(out.classPath, classes)
	if out.scratch, err = scratch(); err != nil {
		return nil, err
	}
	return out, nil
}

// memoryBacked is a folder in memory on Linux: each case is a file that is written, read and deleted,
// which takes a busy disk milliseconds.
const memoryBacked = "/dev/shm"

func scratch() (string, error) {
	if dir, err := os.MkdirTemp(memoryBacked, "searchpack-oracle-"); err == nil {
		return dir, nil
	}
	return os.MkdirTemp("", "searchpack-oracle-")
}

// Close ends the process and removes what it wrote.
func (o *Oracle) Close() error {
	o.end()
	return os.RemoveAll(o.scratch)
}

// end kills the process, if there is one; the next question starts another.
func (o *Oracle) end() {
	if o.process != nil {
		o.process.kill()
		o.process = nil
	}
}

// Java says on which Java the answers were made.
func (o *Oracle) Java() string { return o.home.JDK.Version }

// Libraries is the folder of the jars that OpenSearch ships.
func (o *Oracle) Libraries() string { return filepath.Join(o.home.Dir, "lib") }

// Scratch is the folder whose config folder holds the files that are asked about.
func (o *Oracle) Scratch() string { return o.scratch }

// compiled returns the folder of the compiled program, built once per version and source.
func (o *Oracle) compiled(ctx context.Context, cache distro.Cache) (string, error) {
	sources, err := fs.Glob(java, "java/*.java")
	if err != nil {
		return "", err
	}
	h := sha256.New()
	for _, name := range sources {
		text, err := java.ReadFile(name)
		if err != nil {
			return "", err
		}
		_, _ = fmt.Fprintf(h, "%s %d\n%s", name, len(text), text)
	}
	name := fmt.Sprintf("oracle-%s-%s", o.home.Version, hex.EncodeToString(h.Sum(nil))[:16])
	return cache.Make(ctx, name, func(ctx context.Context, dir string) error {
		work, err := os.MkdirTemp(dir, "source-*")
		if err != nil {
			return err
		}
		var paths []string
		for _, name := range sources {
			text, err := java.ReadFile(name)
			if err != nil {
				return err
			}
			paths = append(paths, filepath.Join(work, path.Base(name)))
			if err := os.WriteFile(paths[len(paths)-1], text, 0o600); err != nil {
				return err
			}
		}
		return errors.Join(o.home.Compile(ctx, paths, o.classPath, dir), os.RemoveAll(work))
	})
}

// command is how the program is run.
func (o *Oracle) command(options []string, args ...string) (string, []string) {
	all := append([]string{
		"-XX:+UseSerialGC", "-Dfile.encoding=UTF-8", "-Djava.awt.headless=true",
		"-Djava.io.tmpdir=" + o.scratch, "-cp", strings.Join(o.classPath, string(filepath.ListSeparator)),
	}, options...)
	all = append(all, "searchpack.oracle.Oracle", o.scratch)
	return filepath.Join(o.home.JDK.Home, "bin", "java"), append(all, args...)
}
