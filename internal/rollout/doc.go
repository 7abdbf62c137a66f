// Package rollout decides, for one domain at one moment, what every node should be like and which
// statuses follow from what the nodes report: Decide(World) Decision. It also holds the table of
// what AssociatePackage and DissociatePackage do to an association (Associate, Dissociate) and who
// must prove a version (Members).
//
// It is pure: no clock, no randomness, no I/O. The worker in internal/runner loads the World in a
// transaction and writes the Decision in one; reports arrive between at any time, repeated, lost,
// late. So Decide believes only what is in the World: what was ordered (the stored orders), what
// was reported, and the few facts in the rollout row that cannot be derived (phase, round, former
// versions). Applying a decision and deciding again at the same time changes nothing.
//
// How a rollout goes is a list of phases, each a function that either goes on or says what it
// waits for: associate.go, giveback.go and dissociate.go. What nodes are told follows from the
// phase alone: files.go, probes.go, duties.go, put together in orders.go.
package rollout
