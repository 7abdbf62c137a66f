// Command gotests runs `go test -json` in several modules and prints what a person wants to see:
// a line for each package, the output of what failed, the reasons of what was skipped, and at the
// very end, alone on a line, "N passed, N failed, N skipped".
//
//	gotests [-timeout 10m] MODULE=PACKAGES ...
//	gotests .=./... dev=./...
//
// Exit status 0 only if nothing failed and something passed.
package main

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"time"
)

func main() {
	timeout := flag.Duration("timeout", 10*time.Minute, "for each package")
	flag.Parse()
	var sum tally
	for _, arg := range flag.Args() {
		dir, packages, ok := strings.Cut(arg, "=")
		if !ok {
			fmt.Fprintf(os.Stderr, "gotests: %q is no MODULE=PACKAGES\n", arg)
			os.Exit(2)
		}
		sum.add(runModule(dir, strings.Fields(packages), *timeout, os.Stdout))
	}
	fmt.Printf("\n%d passed, %d failed, %d skipped\n", sum.passed, sum.failed, sum.skipped)
	if sum.failed > 0 || sum.passed == 0 {
		os.Exit(1)
	}
}
