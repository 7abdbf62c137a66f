package proxy

import (
	"net"
	"sync"
	"time"
)

// State is what a gate does to the connections behind it.
type State string

// The states.
const (
	Open  State = "open"  // bytes pass, after the gate's delay
	Stall State = "stall" // nothing passes and nothing is told: a cable that was pulled out
	Cut   State = "cut"   // connections are reset, and so is every new one
)

// Gate is one place of the network where all traffic of somebody passes: an agent's cable, a
// server's. The zero value is open. All methods may be called at any time by several goroutines.
type Gate struct {
	mu      sync.Mutex
	state   State
	delay   time.Duration
	changed chan struct{} // closed at the next change
	conns   map[*conn]bool
}

// Set changes the state. Cut resets what is connected.
func (g *Gate) Set(s State) {
	g.mu.Lock()
	g.state = s
	g.tell()
	g.mu.Unlock()
	if s == Cut {
		g.Reset()
	}
}

// Delay holds each piece of every connection back for so long, in each direction.
func (g *Gate) Delay(d time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.delay = d
	g.tell()
}

// Reset breaks the connections that there are, as a router does that has forgotten them. Both ends
// are told, also of a stalled gate.
func (g *Gate) Reset() {
	g.mu.Lock()
	var all []*conn
	for c := range g.conns {
		all = append(all, c)
	}
	g.mu.Unlock()
	for _, c := range all {
		c.reset()
	}
}

// tell wakes whoever waits. The caller holds mu.
func (g *Gate) tell() {
	if g.changed != nil {
		close(g.changed)
	}
	g.changed = nil
}

// now returns what holds, and what is closed when it does not hold any more.
func (g *Gate) now() (State, time.Duration, <-chan struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.changed == nil {
		g.changed = make(chan struct{})
	}
	if g.state == "" {
		return Open, g.delay, g.changed
	}
	return g.state, g.delay, g.changed
}

// pass waits until the gate lets something through. false: the connection has ended meanwhile.
func (g *Gate) pass(ended <-chan struct{}) bool {
	waited := false
	for {
		state, delay, changed := g.now()
		if state == Cut {
			return false
		}
		var enough <-chan time.Time
		if state == Open {
			if delay == 0 || waited {
				return true
			}
			enough = time.After(delay)
		}
		select {
		case <-ended:
			return false
		case <-changed:
		case <-enough:
			waited = true
		}
	}
}

func (g *Gate) add(c *conn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.conns == nil {
		g.conns = map[*conn]bool{}
	}
	g.conns[c] = true
}

func (g *Gate) remove(c *conn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.conns, c)
}

// abandon closes so that the other end sees a reset.
func abandon(c net.Conn) {
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = c.Close()
}
