package rollout

// guards switches off single rules of this package. Only tests set one, to show that the simulator
// notices when the rule is missing.
type guards struct {
	blockers    bool // nodes that block are not waited for
	verdicts    bool // a bad verdict does not count
	newcomers   bool // a node that joins during a rollout gets the new version unprobed
	settled     bool // a report counts although it is older than the order
	firstLook   bool // hide without looking who uses the file
	secondLook  bool // remove without looking again
	rounds      bool // duty ids without the round: old answers count
	giveBack    bool // a failure after placing leaves the new version in place
	latch       bool // a failed update forgets the version that served
	laterCall   bool // an ending rollout overwrites the status that a later call set
	keepServing bool // orders leave out the serving version until the new one may be placed
	reload      bool // no refresh after placing
	witness     bool // what a node has loaded is not asked
	together    bool // a rollout that fails says so of its first package only
	plugins     bool // a plugin is put on nodes like a dictionary
	apart       bool // a node is told of one package of a plugin before it has the others ready
	oneStops    bool // permits are begun beside each other
	gate        bool // permits are begun whatever the cluster's health
	lost        bool // copies that do not come back after a restart are waited for
	offers      bool // allocation is held for ever for a node that may not stop
	putBack     bool // what a rollout changed in the cluster's settings stays
	parked      bool // a parked rollout goes on with nobody, and what it has told nodes is forgotten
	pause       bool // a pause holds nothing
	abort       bool // an abort is not heard
	texts       bool // a version is proven without texts that tell it from the former one
	turned      bool // a node that turned back keeps its proof
	mend        bool // a node that turned back is not reloaded
	heal        bool // a node that shows again what serves stays an incident
	preflight   bool // a file is adopted without a look at it on every node
	releases    bool // an adopted file is removed like one that was placed
	askAgain    bool // a look whose answer was lost is not asked again
	verify      bool // the checks of a version are not run
	needs       bool // a plugin is removed without asking who needs it
	line        bool // every node is given the version that serves, whatever OpenSearch it has
	moveOn      bool // an association stays with a version that no node runs any more
	stale       bool // of the bytes that serve nothing is reloaded, although a node has others loaded
}
