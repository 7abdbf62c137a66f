package agent

import (
	"time"

	"golang.org/x/sys/unix"
)

// bootTime is the time since the machine's start, also while it was suspended, whatever happens to the
// time of day.
func bootTime() time.Duration {
	var ts unix.Timespec
	if unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts) != nil {
		return time.Since(processStart)
	}
	return time.Duration(ts.Nano())
}
