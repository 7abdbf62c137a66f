package importer

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/inspect"
)

// outcome is how an import ended.
type outcome struct {
	status    searchpack.PackageStatus
	details   *searchpack.ErrorDetails // only with a *_FAILED status
	copied    copied
	inspected inspect.Result
	plugin    *searchpack.PluginProperties // of a plugin that is AVAILABLE
	shipped   shipped
}

// Types of ErrorDetails.
const (
	typeCopyFailed       = "CopyFailed"
	typeValidationFailed = "ValidationFailed"
)

// judged is the end of an import whose bytes were inspected; message says what is wrong with them,
// if something is.
func judged(c copied, res inspect.Result, message string) outcome {
	out := outcome{status: searchpack.PackageAvailable, copied: c, inspected: res}
	if res.Failed() {
		out.status = searchpack.PackageValidationFailed
		out.details = &searchpack.ErrorDetails{Type: typeValidationFailed, Message: message}
	}
	return out
}

// refused is the end of an import that failed for another reason than the bytes.
func refused(status searchpack.PackageStatus, message string) outcome {
	d := &searchpack.ErrorDetails{Type: typeCopyFailed, Message: message}
	if status == searchpack.PackageValidationFailed {
		d.Type = typeValidationFailed
	}
	return outcome{status: status, details: d}
}

// write writes the outcome, unless the package is gone or the import was ended by another worker.
// It may run more than once and changes nothing but rows.
func (o outcome) write(ctx context.Context, tx searchpack.Tx, versionID string, at time.Time) error {
	v, p, err := current(ctx, tx, versionID)
	if err != nil || v == nil {
		return err
	}
	if o.copied.digest != "" {
		if v.Digest != o.copied.digest {
			// Another worker read other bytes since: these may be swept away by now. The lease ends by
			// itself, and the import is done again.
			return searchpack.Errorf(searchpack.ErrConflict, "the version %s names other bytes than these: another worker imports it", versionID)
		}
		o.copied.describe(v)
	}
	v.Status, v.Error, v.ImportedAt = o.status, o.details, at
	v.Kind, v.KindDeclared, v.FindingCount = o.inspected.Kind, o.inspected.Declared, o.inspected.FindingCount
	v.KindLearnt, v.KindConfidence = o.inspected.Learnt, o.inspected.Confidence
	v.Plugin, v.Tree = o.plugin, o.inspected.Zip && o.status == searchpack.PackageAvailable
	v.CheckCount, v.ChecksDigest, v.AskedBy = len(o.shipped.checks), o.shipped.digest, nil
	if o.status == searchpack.PackageAvailable {
		if err := number(ctx, tx, p, v); err != nil {
			return err
		}
		p.AvailableID, p.AvailableNumber = v.ID, v.Number
		p.AvailablePlugin, p.AvailableConfiguration = v.Plugin, v.Configuration
	}
	if p.ImportID == v.ID {
		p.Status, p.Error = o.status, o.details
	}
	p.UpdatedAt = at
	if err := tx.PutVersion(ctx, v); err != nil {
		return err
	}
	if err := tx.PutFindings(ctx, v.ID, o.inspected.Findings); err != nil {
		return err
	}
	if err := tx.PutManifest(ctx, v.ID, o.inspected.Manifest); err != nil {
		return err
	}
	if err := tx.PutChecks(ctx, v.ID, o.shipped.checks); err != nil {
		return err
	}
	if len(o.inspected.SBOM) > 0 {
		if err := tx.PutSBOM(ctx, v.ID, o.inspected.SBOM); err != nil {
			return err
		}
	}
	if err := tx.PutPackage(ctx, p); err != nil {
		return err
	}
	if err := o.tellFollowers(ctx, tx, p, at); err != nil {
		return err
	}
	return tx.AddEvent(ctx, o.event(p, v, at))
}

// tellFollowers has the domains reconciled that follow the latest version of the package. Of a plugin all
// that have one of that name: what they run may have another version of OpenSearch to choose from now.
func (o outcome) tellFollowers(ctx context.Context, tx searchpack.Tx, p *searchpack.Package, at time.Time) error {
	if o.status != searchpack.PackageAvailable {
		return nil
	}
	line, err := searchpack.Line(ctx, tx, p)
	if err != nil {
		return err
	}
	all, err := searchpack.AssociationsOfAll(ctx, tx, line)
	if err != nil {
		return err
	}
	if p.Type != searchpack.TypePlugin {
		all = slices.DeleteFunc(all, func(a *searchpack.Association) bool { return a.Track != searchpack.TrackLatest })
	}
	return searchpack.ReconcileAll(ctx, tx, all, at)
}

// number gives the version its number and compares it with the one before.
func number(ctx context.Context, tx searchpack.Tx, p *searchpack.Package, v *searchpack.Version) error {
	all, err := tx.Versions(ctx, p.ID)
	if err != nil {
		return err
	}
	for _, other := range all {
		v.Number = max(v.Number, other.Number)
		if other.ID == p.AvailableID {
			v.Identical = other.Digest == v.Digest
		}
	}
	v.Number++
	return nil
}

func (o outcome) event(p *searchpack.Package, v *searchpack.Version, at time.Time) *searchpack.Event {
	e := &searchpack.Event{
		At: at, Account: p.Account, Region: p.Region, Actor: "searchpack", Subject: p.ID,
		Action: "import failed",
	}
	if o.details != nil {
		e.Detail = o.details.Message
		return e
	}
	e.Action = "version available"
	e.Detail = fmt.Sprintf("v%d, %d bytes, SHA-256 %s, findings: %d", v.Number, v.Size, v.Digest, v.FindingCount)
	if v.CheckCount > 0 {
		e.Detail += fmt.Sprintf(", checks: %d", v.CheckCount)
	}
	return e
}
