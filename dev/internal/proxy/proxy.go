// Package proxy is a network for tests that can be broken: a TCP proxy whose connections pass gates,
// and a gate is opened, delayed, stalled (half-open connections: nobody is told) or cut at any
// moment. It stands before several targets as a TCP load balancer does, and looks into nothing: what
// passes it is TLS most of the time.
package proxy

import (
	"context"
	"math/rand/v2"
	"net"
	"sync"
	"time"
)

// dialBound is how long a target may take until it is given up for another; all are on this machine.
const dialBound = 5 * time.Second

// pieceSize is how many bytes pass a gate at once.
const pieceSize = 32 << 10

// Target is where connections go.
type Target struct {
	Gate *Gate // nil: none of its own
	Dial func(ctx context.Context) (net.Conn, error)
}

// TCP is a target at an address.
func TCP(address string, g *Gate) Target {
	return Target{Gate: g, Dial: func(ctx context.Context) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "tcp", address)
	}}
}

// Proxy listens on a port of 127.0.0.1.
type Proxy struct {
	listener net.Listener
	gate     *Gate
	ctx      context.Context // until Close
	cancel   context.CancelFunc
	wg       sync.WaitGroup

	mu      sync.Mutex
	targets map[string]Target
}

// Listen makes a proxy whose connections all pass the gate, nil for none. It has no targets yet.
// Close ends it.
func Listen(g *Gate) (*Proxy, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	if g == nil {
		g = &Gate{}
	}
	p := &Proxy{listener: l, gate: g, targets: map[string]Target{}}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	p.wg.Go(p.accept)
	return p, nil
}

// Address is host:port of the listener.
func (p *Proxy) Address() string { return p.listener.Addr().String() }

// Set adds a target, or gives the one of that name another place.
func (p *Proxy) Set(name string, t Target) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.targets[name] = t
}

// Forget takes a target out. Its connections stay.
func (p *Proxy) Forget(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.targets, name)
}

// Close ends the listener and all connections.
func (p *Proxy) Close() {
	p.cancel()
	_ = p.listener.Close()
	p.wg.Wait()
}

func (p *Proxy) accept() {
	for {
		c, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.wg.Go(func() { p.serve(c) })
	}
}

// serve connects a client with any target that answers. Behind a stalled gate the client has a
// connection on which nothing comes.
func (p *Proxy) serve(client net.Conn) {
	if !p.gate.pass(p.ctx.Done()) {
		abandon(client)
		return
	}
	for _, t := range p.shuffled() {
		ctx, cancel := context.WithTimeout(p.ctx, dialBound)
		server, err := t.Dial(ctx)
		cancel()
		if err != nil {
			continue
		}
		c := &conn{client: client, server: server, gates: []*Gate{p.gate}, ended: make(chan struct{})}
		if t.Gate != nil {
			c.gates = append(c.gates, t.Gate)
		}
		c.run(p.ctx)
		return
	}
	abandon(client)
}

func (p *Proxy) shuffled() []Target {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []Target
	for _, t := range p.targets {
		if t.Gate == nil || !t.Gate.is(Cut) {
			all = append(all, t)
		}
	}
	rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all
}

func (g *Gate) is(s State) bool {
	now, _, _ := g.now()
	return now == s
}

// conn is one connection through the proxy.
type conn struct {
	client, server net.Conn
	gates          []*Gate
	once           sync.Once
	ended          chan struct{}
}

// run copies both ways until both ends have closed, or ctx ends.
func (c *conn) run(ctx context.Context) {
	for _, g := range c.gates {
		g.add(c)
		defer g.remove(c)
		if g.is(Cut) { // since it was passed: nobody knew of the connection then
			c.reset()
		}
	}
	stop := context.AfterFunc(ctx, c.reset)
	defer stop()
	var wg sync.WaitGroup
	wg.Go(func() { c.copy(c.server, c.client) })
	wg.Go(func() { c.copy(c.client, c.server) })
	wg.Wait()
	c.reset()
}

// copy passes bytes on, and then the end of them; a stalled gate holds back both.
func (c *conn) copy(to, from net.Conn) {
	piece := make([]byte, pieceSize)
	for {
		n, err := from.Read(piece)
		for _, g := range c.gates {
			if !g.pass(c.ended) {
				c.reset()
				return
			}
		}
		if n > 0 {
			if _, err := to.Write(piece[:n]); err != nil {
				c.reset()
				return
			}
		}
		if err != nil {
			if half, ok := to.(interface{ CloseWrite() error }); !ok || half.CloseWrite() != nil {
				c.reset()
			}
			return
		}
	}
}

func (c *conn) reset() {
	c.once.Do(func() {
		close(c.ended)
		abandon(c.client)
		abandon(c.server)
	})
}
