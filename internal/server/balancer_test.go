package server

import (
	"io"
	"net"
	"sync"
	"testing"
)

// balancer stands before several servers as a TCP load balancer does: each connection goes to one
// that listens.
type balancer struct {
	net.Listener
	mu      sync.Mutex
	targets map[string]string // server -> address
	conns   map[net.Conn]bool // nil: closed
	wg      sync.WaitGroup
}

func newBalancer(t *testing.T) *balancer {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := &balancer{Listener: l, targets: map[string]string{}, conns: map[net.Conn]bool{}}
	b.wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			b.wg.Go(func() { b.pass(c) })
		}
	})
	t.Cleanup(b.close)
	return b
}

// set says where a server listens; "" = nowhere.
func (b *balancer) set(server, address string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.targets[server] = address; address == "" {
		delete(b.targets, server)
	}
}

func (b *balancer) address() string { return b.Addr().String() }

// pass passes a connection on, to any server, in the random order of a map.
func (b *balancer) pass(client net.Conn) {
	defer client.Close()
	b.mu.Lock()
	var addresses []string
	for _, a := range b.targets {
		addresses = append(addresses, a)
	}
	b.mu.Unlock()
	for _, a := range addresses {
		server, err := net.Dial("tcp", a)
		if err != nil {
			continue
		}
		defer server.Close()
		if !b.keep(client, server) {
			return
		}
		defer b.drop(client, server)
		back := make(chan struct{})
		go func() {
			defer close(back)
			_, _ = io.Copy(client, server)
			client.Close()
		}()
		_, _ = io.Copy(server, client)
		server.Close()
		<-back
		return
	}
}

func (b *balancer) keep(conns ...net.Conn) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range conns {
		if b.conns != nil {
			b.conns[c] = true
		}
	}
	return b.conns != nil
}

func (b *balancer) drop(conns ...net.Conn) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range conns {
		delete(b.conns, c)
	}
}

func (b *balancer) close() {
	_ = b.Close()
	b.mu.Lock()
	for c := range b.conns {
		c.Close()
	}
	b.conns = nil
	b.mu.Unlock()
	b.wg.Wait()
}
