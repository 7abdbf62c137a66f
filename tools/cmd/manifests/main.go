// Command manifests reads Kubernetes manifests the way an API server that is told to be strict does:
// each document into the type of its apiVersion and kind, and a word that this type does not have, a
// word that stands twice, or a value of the wrong kind is an error. Names and references within a pod
// are checked, too. It asks no cluster.
//
//	manifests FILE...
//
// Exit status 0 only if nothing is wrong.
package main

import (
	"fmt"
	"os"
)

func main() {
	status := 0
	for _, file := range os.Args[1:] {
		text, err := os.ReadFile(file)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
		for _, problem := range check(text) {
			fmt.Printf("%s: %s\n", file, problem)
			status = 1
		}
	}
	os.Exit(status)
}
