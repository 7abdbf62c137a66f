package agent

import (
	"context"
	"time"

	"github.com/searchpack/searchpack"
)

// confirmer asks for the latest order (agentapi.Client).
type confirmer interface {
	Order(ctx context.Context, have int64, wait time.Duration) (*searchpack.Order, error)
}

// health reads the cluster's health as it concerns this node.
func (w *worker) health(ctx context.Context) (*searchpack.ClusterHealth, error) {
	f, err := w.node.Facts(ctx)
	if err != nil {
		return nil, err
	}
	return w.node.Health(ctx, f.NodeID)
}

// allocate changes the cluster's settings, but only while the server says that the order is still its
// latest: an agent that was away, or suspended, must not change them long after they were put back.
func (w *worker) allocate(ctx context.Context, d searchpack.Duty) error {
	if d.Allocation == nil {
		return searchpack.Errorf(searchpack.ErrInvalid, "the duty says no allocation")
	}
	w.book.inHand.Lock()
	defer w.book.inHand.Unlock()
	asked := bootTime()
	if err := w.confirm(ctx); err != nil {
		return err
	}
	if bootTime()-asked >= searchpack.ConfirmWithin {
		return searchpack.Errorf(searchpack.ErrUnavailable, "the server took too long to say whether the order is still its latest")
	}
	ctx, cancel := context.WithTimeout(ctx, searchpack.ConfirmSlack)
	defer cancel()
	if d.Flush {
		_ = w.node.Flush(ctx) // without it copies only take longer to come back
		ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), searchpack.ConfirmSlack/2)
		defer cancel()
		if bootTime()-asked >= searchpack.ConfirmWithin {
			if err := w.confirm(ctx); err != nil {
				return err
			}
		}
	}
	return w.node.SetAllocation(ctx, *d.Allocation)
}

func (w *worker) confirm(ctx context.Context) error {
	server, ok := w.server().(confirmer)
	if !ok || server == nil {
		return searchpack.Errorf(searchpack.ErrUnavailable, "the server cannot be asked whether the order is still its latest")
	}
	o, err := server.Order(ctx, w.book.order().Generation, 0)
	if err != nil {
		return err
	}
	if o != nil {
		return searchpack.Errorf(searchpack.ErrUnavailable, "the server has a newer order")
	}
	return nil
}

// settle is done once the cluster is no worse than it was. What OpenSearch has given up is tried again.
func (w *worker) settle(ctx context.Context, d searchpack.Duty) (searchpack.DutyResult, error) {
	h, err := w.health(ctx)
	if err != nil {
		return searchpack.DutyResult{}, err
	}
	why := h.Worse(d.Baseline)
	if why == "" {
		return searchpack.DutyResult{}, nil
	}
	if h.Moving == 0 {
		if err := w.node.RerouteRetryFailed(ctx); err != nil {
			return searchpack.DutyResult{}, err
		}
	}
	return searchpack.DutyResult{Health: h}, searchpack.Errorf(searchpack.ErrUnavailable, "%s", why)
}
