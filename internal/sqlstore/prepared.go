package sqlstore

import (
	"context"
	"database/sql"
	"sync"
)

// maxPrepared is how many statements of a handle are kept: more than this package has texts, but
// lists of values (IN) come in many lengths.
const maxPrepared = 256

// prepared keeps the statements of a handle, so that SQLite compiles each text once a connection
// and not at each call, which is half of the time of a read. A text is prepared only after the
// transaction that first met it: before its end it holds the connection that preparing would wait
// for.
type prepared struct {
	db *sql.DB

	mu    sync.Mutex
	stmts map[string]*sql.Stmt
}

func newPrepared(db *sql.DB) *prepared { return &prepared{db: db, stmts: map[string]*sql.Stmt{}} }

// get returns the statement for the text, nil if there is none yet.
func (p *prepared) get(query string) *sql.Stmt {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stmts[query]
}

// learn prepares texts, outside any transaction. What cannot be prepared stays as it was: the next
// transaction that runs it says what is wrong.
func (p *prepared) learn(ctx context.Context, queries []string) {
	for _, query := range queries {
		if !p.room(query) {
			continue
		}
		stmt, err := p.db.PrepareContext(ctx, query)
		if err != nil {
			return
		}
		p.keep(query, stmt)
	}
}

func (p *prepared) room(query string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stmts[query] == nil && len(p.stmts) < maxPrepared
}

// keep keeps the first statement of a text.
func (p *prepared) keep(query string, stmt *sql.Stmt) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stmts[query] == nil {
		p.stmts[query] = stmt
		return
	}
	_ = stmt.Close() // somebody else was first
}

// runner is what runs one text in a transaction: the transaction itself, or a statement of it.
type runner struct {
	tx    *sql.Tx
	stmt  *sql.Stmt // nil: by text
	query string
}

// runner returns how to run the text, and remembers one that is worth preparing.
func (t *tx) runner(ctx context.Context, query string) runner {
	r := runner{tx: t.tx, query: query}
	if t.prepared == nil {
		return r
	}
	if stmt := t.prepared.get(query); stmt != nil {
		r.stmt = t.tx.StmtContext(ctx, stmt)
		return r
	}
	t.unprepared = append(t.unprepared, query)
	return r
}

func (r runner) exec(ctx context.Context, args []any) (sql.Result, error) {
	if r.stmt != nil {
		return r.stmt.ExecContext(ctx, args...)
	}
	return r.tx.ExecContext(ctx, r.query, args...)
}

func (r runner) queryContext(ctx context.Context, args []any) (*sql.Rows, error) {
	if r.stmt != nil {
		return r.stmt.QueryContext(ctx, args...)
	}
	return r.tx.QueryContext(ctx, r.query, args...)
}

func (r runner) row(ctx context.Context, args []any) *sql.Row {
	if r.stmt != nil {
		return r.stmt.QueryRowContext(ctx, args...)
	}
	return r.tx.QueryRowContext(ctx, r.query, args...)
}
