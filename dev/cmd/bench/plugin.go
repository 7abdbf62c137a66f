package main

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/searchpack/searchpack/internal/inspect"
	"github.com/searchpack/searchpack/internal/inspect/inspecttest"
)

// pluginTook is what a process that inspects a plugin says at its end.
type pluginTook struct {
	Seconds float64 `json:"seconds"`
	Idle    int64   `json:"idle"` // bytes of memory before, of the program itself
	Peak    int64   `json:"peak"` // bytes of memory, the program itself included
	Files   int     `json:"files"`
}

// inspectPlugin inspects a plugin as an import does and prints what it took.
func inspectPlugin(path string) error {
	f, err := os.Open(path) //nolint:gosec // as the caller says
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	idle, err := memory(os.Getpid(), "VmRSS")
	if err != nil {
		return err
	}
	start := time.Now()
	p, res, err := inspect.Plugin(f, info.Size(), inspect.PluginRules{EngineVersion: "OpenSearch_3.8", MaxUnpacked: 2 << 30})
	if err != nil || p == nil {
		return fmt.Errorf("the plugin was refused: %v, %w", res.Findings, errors.Join(err))
	}
	out := pluginTook{Seconds: time.Since(start).Seconds(), Files: len(res.Manifest), Idle: idle}
	if out.Peak, err = memory(os.Getpid(), "VmHWM"); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(out)
}

// plugin compares the inspection of a large plugin zip with unzip -tq of it, the better of two each in
// turn. Without unzip it says so.
func plugin(ctx context.Context, size int64) error {
	unzip, err := exec.LookPath("unzip")
	if err != nil {
		fmt.Println("plugin zip inspected, as a multiple of unzip -tq: there is no unzip")
		return nil
	}
	dir, err := os.MkdirTemp("", "searchpack-bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	path := filepath.Join(dir, "large-plugin.zip")
	if err := makePlugin(path, size); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	var ours pluginTook
	theirs := 0.0
	for i := range 2 {
		start := time.Now()
		if text, err := exec.CommandContext(ctx, unzip, "-tq", path).CombinedOutput(); err != nil { //nolint:gosec // found above
			return fmt.Errorf("unzip -tq: %w\n%s", err, text)
		}
		took := time.Since(start).Seconds()
		var one pluginTook
		said, err := exec.CommandContext(ctx, self, "-inspect-plugin", path).Output() //nolint:gosec // this program
		if err == nil {
			err = json.Unmarshal(said, &one)
		}
		if err != nil {
			return fmt.Errorf("inspect the plugin: %w", err)
		}
		if i == 0 || one.Seconds < ours.Seconds {
			one.Peak, ours = max(one.Peak, ours.Peak), one
		}
		if i == 0 || took < theirs {
			theirs = took
		}
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	fmt.Printf("plugin zip inspected, as a multiple of unzip -tq: %.2f (%.1f s beside %.1f s; %.0f MiB packed, %d files), peak memory %.0f MiB: %.0f MiB above that of the idle program\n",
		ours.Seconds/theirs, ours.Seconds, theirs, mib(info.Size()), ours.Files, mib(ours.Peak), mib(ours.Peak-ours.Idle))
	return nil
}

// classesPerMiB is how many classes the large plugin has for each MiB: 60,000 in 1 GiB, as many as the
// largest plugins have.
const classesPerMiB = 60

// makePlugin writes a plugin whose files have about so many bytes: a quarter is one jar, a quarter
// sixteen jars, and the rest dictionaries. The jars hardly pack any further, and have many classes.
func makePlugin(path string, size int64) (err error) {
	f, err := os.Create(path) //nolint:gosec // in our own folder
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	z := quickZip(f)
	add := func(name string, r io.Reader) {
		if err == nil {
			err = addTo(z, name, r)
		}
	}
	add("plugin-descriptor.properties", strings.NewReader("name=large\ndescription=Large\nversion=1.0\nclassname=org.example.Large\njava.version=21\nopensearch.version=3.8.0\n"))
	class, classErr := inspecttest.Zip([]inspecttest.File{{
		Name: "org/example/Large.class", Data: []byte("class org/example/Large extends org/opensearch/plugins/Plugin implements org/opensearch/plugins/AnalysisPlugin java 21"),
	}})
	err = errors.Join(err, classErr)
	add("large.jar", bytes.NewReader(class))
	const parts = 16
	classes := int(size >> 20 * classesPerMiB / (2 * parts))
	for i := range parts {
		r := rand.New(rand.NewPCG(uint64(i), 3)) //nolint:gosec // not a secret: the same bytes each run
		add(fmt.Sprintf("config/rules%d.txt", i), io.LimitReader(&rules{r: r}, size/2/parts))
		if err == nil {
			err = addJar(z, i, classes, size/4/parts)
		}
	}
	if err == nil {
		err = addJar(z, parts, classes*parts, size/4)
	}
	return errors.Join(err, z.Close())
}

// addJar adds a jar of so many classes and one file that does not pack. Nothing of it is kept, however
// large it is.
func addJar(z *zip.Writer, number, classes int, bytes int64) error {
	w, err := z.Create(fmt.Sprintf("data%d.jar", number))
	if err != nil {
		return err
	}
	jar := quickZip(w)
	for i := range classes {
		name := fmt.Sprintf("org/example/part%d/Class%d", number, i)
		b, err := inspecttest.Class("class " + name)
		if err == nil {
			err = addTo(jar, name+".class", strings.NewReader(string(b)))
		}
		if err != nil {
			return err
		}
	}
	err = addTo(jar, "data.bin", io.LimitReader(rand.NewChaCha8([32]byte{byte(number)}), bytes))
	return errors.Join(err, jar.Close())
}

// quickZip packs fast rather than well.
func quickZip(w io.Writer) *zip.Writer {
	z := zip.NewWriter(w)
	z.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, flate.BestSpeed) })
	return z
}

func addTo(z *zip.Writer, name string, r io.Reader) error {
	w, err := z.Create(name)
	if err == nil {
		_, err = io.Copy(w, r)
	}
	return err
}
