// Package pgtest gives tests a real PostgreSQL: one throw-away server per test process, a fresh
// database per call of Start.
//
// The server listens on a Unix socket in a temporary folder only. It does not outlive the test
// process, however that ends: the kernel stops it with its parent, and what it leaves in the
// temporary folder is removed by Main or by the next test process. This package is for tests only
// and must not be imported by the program.
package pgtest
