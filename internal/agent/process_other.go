//go:build !linux

package agent

// nodeProcess sees no processes here. OpenSearch's nodes run on Linux.
func nodeProcess(string) (int, error) { return 0, nil }
