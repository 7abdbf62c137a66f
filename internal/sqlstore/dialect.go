package sqlstore

import (
	"context"
	"database/sql"
	"time"
)

// dialect is what the two databases do not share.
type dialect struct {
	// update, view and claim are how transactions begin.
	update, view, claim *sql.TxOptions
	// skipLocked ends the query that picks a work item.
	skipLocked string
	// nextToken is a statement that returns a work token never given before.
	nextToken string
	// nextSeq is an expression for the seq of a new row of the table.
	nextSeq func(table string) string
	// clock returns the dialect's time; process is what the caller's clock says.
	clock func(ctx context.Context, q querier, process time.Time) (time.Time, error)
	// retryable: the same transaction may well succeed when it is run again.
	retryable func(error) bool
	// away says why the database cannot serve for now, "" if that is not what the error means.
	away func(error) string
	// orphan: a row names a parent that does not exist.
	orphan func(error) bool
}

// querier is what *sql.DB and *sql.Tx share.
type querier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}
