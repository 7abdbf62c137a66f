// Package searchpack holds the words of Searchpack: packages and their versions, domains and
// nodes, associations and rollouts, orders and reports, proofs and findings, and the interfaces
// that stores and edges fill or use.
//
// It imports nothing else of this module, and nothing here talks to a network, a disk or a clock:
// values come in, values go out. The pure packages (internal/rollout, internal/usage,
// internal/inspect) are functions of these values; everything else moves them about.
//
// Times are UTC and are stored with microsecond precision. Ids are opaque strings.
package searchpack
