//go:build !linux

package agent

import "time"

// bootTime is the time since the process's start. OpenSearch's nodes run on Linux.
func bootTime() time.Duration { return time.Since(processStart) }
