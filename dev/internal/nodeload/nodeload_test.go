package nodeload

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
)

// turns lets a load ask for so many turns, and ends it in the middle of the next, which does not count.
func turns(t *testing.T, n int, nodes []Node, nodesErr error, ask func(node string) error) Count {
	t.Helper()
	enough := make(chan struct{})
	once, turn := sync.Once{}, 0
	l := Start(Config{
		Nodes: func() ([]Node, error) {
			if turn++; turn > n {
				once.Do(func() { close(enough) })
				return []Node{{Name: "last"}}, nil
			}
			return nodes, nodesErr
		},
		Ask: func(ctx context.Context, at Node, _ int) error {
			if at.Name == "last" {
				<-ctx.Done()
				return ctx.Err()
			}
			return ask(at.Name)
		},
	})
	<-enough
	return l.End()
}

var three = []Node{{Name: "a"}, {Name: "b"}, {Name: "c"}}

func TestAsksTheNextNode(t *testing.T) {
	t.Parallel()
	down := func(node string) error {
		if node == "a" {
			return errors.New("a is down")
		}
		return nil
	}
	if c := turns(t, 9, three, nil, down); c.Done != 9 || c.Retried != 3 || c.Failed != 0 || len(c.Failures) != 0 {
		t.Errorf("%+v", c)
	}
}

func TestWhatNoNodeDoesHasFailed(t *testing.T) {
	t.Parallel()
	asked := map[string]int{}
	c := turns(t, 12, three, nil, func(node string) error { asked[node]++; return errors.New(node + " is down") })
	if c.Done != 0 || c.Failed != 12 || len(c.Failures) != maxFailures || !strings.HasSuffix(c.Failures[0], "c is down") || asked["a"] != 12 || asked["b"] != 12 {
		t.Errorf("%+v, asked %v", c, asked)
	}
	for name, c := range map[string]Count{
		"no node": turns(t, 2, nil, nil, nil),
		"no list": turns(t, 2, three, errors.New("there is no node: not read"), nil),
		"a wrong one": turns(t, 2, three, nil, func(node string) error {
			return Wrong{"there is no node that is right: " + node}
		}),
	} {
		if c.Failed != 2 || c.Retried != 0 || !strings.Contains(c.Failures[0], "there is no node") {
			t.Errorf("%s: %+v", name, c)
		}
	}
}
