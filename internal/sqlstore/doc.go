// Package sqlstore is the searchpack.Store on a SQL database: SQLite (one server, a file) or
// PostgreSQL (any number of servers).
//
// Rows come from and go to the values of the root package; what they mean is decided elsewhere
// (internal/catalog, internal/rollout, the workers). This package must not know an API, a node or
// a blob, and must not look at the clock but through Options.Now or the database.
//
// Both databases run the same SQL: $1 placeholders, times as microseconds, ids, states and JSON as
// text. What they do not share stands in dialect, and in the migrations whose names end in
// .sqlite.sql or .postgres.sql. storetest is the suite that both pass.
//
// Do not begin a transaction inside the function of another one: SQLite has one writer, so an
// Update within an Update waits for itself until its context ends.
package sqlstore
