// Package e2e holds the tests that run the programs as users do: searchpack-dev as a process, real
// agents, real clients, and, where the name says so, real OpenSearch nodes. It holds no code of its
// own.
package e2e
