package cluster

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"strconv"
	"strings"
	"time"
)

const loopback = "127.0.0.1"

// The ports nodes get lie below those that the kernel hands out by itself, to outgoing connections
// too: such a port may be in use when a node that was down comes back for it.
const (
	lowestPort   = 15000
	highestPort  = 32767 // Linux's default range begins above
	portAttempts = 2000
)

var errPortTaken = errors.New("a port is taken by another program")

// freePorts returns n different ports that nobody listens on now and that are not in taken.
func freePorts(n int, taken map[int]bool) ([]int, error) {
	high := highestPort
	if first, ok := firstEphemeral(); ok && first-1 < high {
		high = first - 1
	}
	if high-lowestPort < 1000 { // an unusual machine: then any port
		high = 65535
	}
	var ports []int
	seen := map[int]bool{}
	for range portAttempts {
		if len(ports) == n {
			return ports, nil
		}
		port := lowestPort + rand.IntN(high-lowestPort+1)
		if !seen[port] && !taken[port] && isFree(port) {
			ports = append(ports, port)
		}
		seen[port] = true
	}
	return nil, fmt.Errorf("no %d free ports between %d and %d on %s", n, lowestPort, high, loopback)
}

func firstEphemeral() (int, bool) {
	text, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range")
	if err != nil {
		return 0, false
	}
	fields := strings.Fields(string(text))
	if len(fields) != 2 {
		return 0, false
	}
	first, err := strconv.Atoi(fields[0])
	return first, err == nil
}

// isFree reports whether a node could listen there, by listening.
func isFree(port int) bool {
	l, err := net.Listen("tcp4", net.JoinHostPort(loopback, strconv.Itoa(port)))
	if err != nil {
		return false
	}
	return l.Close() == nil
}

// portPatience is how long a port may take to be free: a killed process counts as gone a little
// before the last of its threads has let go of its sockets.
const portPatience = 2 * time.Second

// becomesFree waits that long for a port.
func becomesFree(ctx context.Context, port int) bool {
	ctx, cancel := context.WithTimeout(ctx, portPatience)
	defer cancel()
	tick := time.NewTicker(askEvery)
	defer tick.Stop()
	for !isFree(port) {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return false
		}
	}
	return true
}

// movePorts gives the cluster other ports for those that somebody else has taken. Only a cluster
// that is wholly down can move: its nodes know each other by port.
func (c *Cluster) movePorts(ctx context.Context) error {
	if c.anyRunning() {
		return nil
	}
	s := c.stateNow()
	taken := map[int]bool{}
	var busy []*int
	for i := range s.Nodes {
		n := &s.Nodes[i]
		for _, port := range []*int{&n.HTTPPort, &n.TransportPort} {
			taken[*port] = true
			if !becomesFree(ctx, *port) {
				busy = append(busy, port)
			}
		}
	}
	if len(busy) == 0 {
		return nil
	}
	fresh, err := freePorts(len(busy), taken)
	if err != nil {
		return err
	}
	for i, port := range busy {
		*port = fresh[i]
	}
	return c.setState(s)
}
