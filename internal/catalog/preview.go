package catalog

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/rollout"
	"github.com/searchpack/searchpack/internal/runner"
)

const (
	// previewWait is how long a call waits for a node's answer.
	previewWait = 20 * time.Second
	// previewPoll is how often it looks for one.
	previewPoll = 100 * time.Millisecond
)

// PreviewInput is a text to be seen through an analyzer of an index.
type PreviewInput struct {
	PackageID string
	Number    int // of the version; 0 = the one that AssociatePackage takes
	Index     string
	Analyzer  string // "": the only one of the index that uses the package
	Text      string
}

// PreviewView is what a node's analyzers gave.
type PreviewView struct {
	searchpack.Preview
	Package searchpack.Package
	// Version that was tried; Live that serves there, nil if none does.
	Version, Live *searchpack.Version
}

// Preview has a node analyze a text with a version of a package and with the one that serves, and
// waits for what comes. Nothing that is live changes. ErrNotFound (package, domain, version),
// ErrInvalid, ErrUnsupported, ErrLimit as rollout.NewPreview says; ErrConflict: the node refuses;
// ErrUnavailable: no node has answered in time, and why.
func (c *Catalog) Preview(ctx context.Context, who searchpack.Caller, domain string, in PreviewInput) (*PreviewView, error) {
	if in.Index == "" || in.Text == "" || len(in.Text) > searchpack.MaxPreviewText || !utf8.ValidString(in.Text) || strings.ContainsRune(in.Text, 0) {
		return nil, searchpack.Errorf(searchpack.ErrInvalid, "Name an index, and a text of 1 to %d bytes of UTF-8.", searchpack.MaxPreviewText)
	}
	v, err := c.beginPreview(ctx, who, domain, in)
	if err != nil {
		return nil, err
	}
	err = c.awaitPreview(ctx, v)
	if over := c.endPreview(context.WithoutCancel(ctx), who, v, err == nil); err == nil {
		err = over
	}
	if err != nil {
		return nil, err
	}
	return v, nil
}

// beginPreview writes the row that Decide has a node answer.
func (c *Catalog) beginPreview(ctx context.Context, who searchpack.Caller, domain string, in PreviewInput) (*PreviewView, error) {
	var v *PreviewView
	err := c.store.Update(ctx, func(tx searchpack.Tx) error {
		d, err := domainOf(ctx, tx, who, domain)
		if err != nil {
			return err
		}
		p, err := visiblePackage(ctx, tx, who, in.PackageID)
		if err != nil {
			return err
		}
		if p.Type != searchpack.TypeDictionary {
			return searchpack.Errorf(searchpack.ErrUnsupported, "Package %s is a %s: only dictionaries make something of a text.", p.ID, p.Type)
		}
		v = &PreviewView{Package: *shown(p, who)}
		if v.Version, err = planned(ctx, tx, p, in.Number); err != nil {
			return err
		}
		if v.Version == nil {
			return searchpack.Errorf(searchpack.ErrInvalid, "Package %s has no version that is available.", p.ID)
		}
		world, err := runner.Load(ctx, tx, d.DomainKey, c.clock())
		if err != nil {
			return err
		}
		v.Preview, err = rollout.NewPreview(world, rollout.PreviewAsk{
			PackageID: p.ID, VersionID: v.Version.ID, Index: in.Index, Analyzer: in.Analyzer, Text: in.Text,
		})
		if err != nil {
			return err
		}
		v.ID, v.CreatedAt = newID(), world.Now
		v.ExpiresAt = v.CreatedAt.Add(searchpack.PreviewLife)
		if err := tx.PutPreview(ctx, &v.Preview); err != nil {
			return err
		}
		return tx.Enqueue(ctx, searchpack.WorkReconcile, d.DomainKey.String(), v.CreatedAt)
	})
	return v, err
}

// awaitPreview looks for the answer until it is there or the wait is over.
func (c *Catalog) awaitPreview(ctx context.Context, v *PreviewView) error {
	tick := time.NewTicker(previewPoll)
	defer tick.Stop()
	over := time.NewTimer(c.previewWait)
	defer over.Stop()
	for {
		err := c.lookForAnswer(ctx, v)
		if err != nil || v.Answer != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-over.C:
			return c.noAnswer(ctx, v)
		case <-tick.C:
		}
	}
}

func (c *Catalog) lookForAnswer(ctx context.Context, v *PreviewView) error {
	err := c.store.View(ctx, func(tx searchpack.Tx) error {
		p, err := tx.Preview(ctx, v.ID)
		if searchpack.ErrorCode(err) == searchpack.ErrNotFound {
			return searchpack.Errorf(searchpack.ErrUnavailable, "The preview has ended without an answer: the domain was deleted, or its time was over.")
		}
		if err != nil || p.Answer == nil {
			return err
		}
		v.Preview = *p
		if p.LiveID != "" {
			v.Live, err = tx.Version(ctx, p.LiveID)
		}
		return err
	})
	if err == nil && v.Answer != nil && v.Answer.Refused != "" {
		return searchpack.Errorf(searchpack.ErrConflict, "Node %s gives no tokens of index %s, analyzer %s: %s.", v.Node, v.Index, v.Analyzer, strings.TrimSuffix(v.Answer.Refused, "."))
	}
	return err
}

// noAnswer says what hinders.
func (c *Catalog) noAnswer(ctx context.Context, v *PreviewView) error {
	why := ""
	err := c.store.View(ctx, func(tx searchpack.Tx) error {
		world, err := runner.Load(ctx, tx, v.Domain, c.clock())
		why = rollout.PreviewHindrance(world, v.Preview)
		return err
	})
	if err != nil {
		return err
	}
	return searchpack.Errorf(searchpack.ErrUnavailable, "No node of domain %s has answered within %s: %s.", v.Domain.Name, c.previewWait, strings.TrimSuffix(why, "."))
}

// endPreview forgets the preview, and with it text and tokens; whoever was asked is asked no more.
func (c *Catalog) endPreview(ctx context.Context, who searchpack.Caller, v *PreviewView, answered bool) error {
	return c.store.Update(ctx, func(tx searchpack.Tx) error {
		err := tx.DeletePreview(ctx, v.ID)
		if err != nil && searchpack.ErrorCode(err) != searchpack.ErrNotFound {
			return err
		}
		if !answered {
			return tx.Enqueue(ctx, searchpack.WorkReconcile, v.Domain.String(), c.clock())
		}
		return c.audit(ctx, tx, who, "PreviewPackage", v.PackageID+" "+v.Domain.Name, fmt.Sprintf("v%d index %s analyzer %s", v.Version.Number, v.Index, v.Analyzer))
	})
}
