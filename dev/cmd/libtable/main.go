// Command libtable writes what internal/inspect/target knows of a version of OpenSearch: which classes lie in
// lib/, which modules it has and which of them can be extended, and what the plugin classes of lib/ are
// made of. It reads the jars of an unpacked OpenSearch and starts nothing:
//
//	go run ./cmd/libtable OPENSEARCH_HOME ../internal/inspect/target/lib
//
// Generated files are checked in; run it again for a version that is added.
package main

import (
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: libtable OPENSEARCH_HOME FOLDER")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "libtable:", err)
		os.Exit(1)
	}
}

func run(home, folder string) error {
	t, err := read(home)
	if err != nil {
		return err
	}
	b, err := t.encode()
	if err != nil {
		return err
	}
	name := filepath.Join(folder, t.Version+".table")
	if err := os.WriteFile(name, b, 0o644); err != nil {
		return err
	}
	fmt.Printf("%s: %d classes in %d jars, %d modules, %d bytes\n", name, len(t.classes), len(t.Jars), len(t.Modules), len(b))
	return nil
}
