package searchpack

import "time"

const (
	// PreviewLife is how long a preview stays. Then it is forgotten, answered or not.
	PreviewLife = 2 * time.Minute
	// MaxPreviews of a domain at a time.
	MaxPreviews = 10
	// MaxPreviewText bounds the text of a preview, in bytes.
	MaxPreviewText = 1 << 10
	// MaxPreviewTokens bounds the tokens that are shown of an analysis; the rest is counted.
	MaxPreviewTokens = 200
)

// Preview asks a node what a version of a dictionary would make of a text, and what the version that
// serves makes of it. Nothing that is live changes: the bytes lie beside as a candidate, and both
// analyses are inline.
type Preview struct {
	ID        string
	Domain    DomainKey
	PackageID string
	VersionID string // that is tried
	Index     string // whose analyzer it is
	Analyzer  string
	// Partial: Body ends with the component that reads the file, because the whole chain of this
	// analyzer is not known inline.
	Partial   bool
	Body      string // inline _analyze with PathMark
	Text      string
	CreatedAt time.Time
	ExpiresAt time.Time
	// Of the answer, all zero before: the node that gave it, and the version that served there ("" =
	// none).
	Node   string
	LiveID string
	Answer *PreviewReport
}

// PreviewTask is a Preview as one agent gets it, in a duty.
type PreviewTask struct {
	PackageID string `json:"package_id"`
	Text      string `json:"text"`
	// Before is an inline _analyze that reads the live file, whose bytes are Live; "" = nothing serves.
	Before string `json:"before,omitempty"`
	Live   Digest `json:"live,omitempty"`
	// After is the same with the candidate, which the order lists.
	After     string `json:"after"`
	Candidate Digest `json:"candidate"`
}

// PreviewReport is what a node says to a PreviewTask.
type PreviewReport struct {
	Before *Tokens `json:"before,omitempty"` // nil: nothing serves
	After  *Tokens `json:"after,omitempty"`
	// Refused says why there are no tokens and never will be; "" if there are.
	Refused string `json:"refused,omitempty"`
}

// Tokens is what an analysis gave, in its order.
type Tokens struct {
	Tokens []Token `json:"tokens"` // MaxPreviewTokens at most
	More   int     `json:"more,omitempty"`
}

// Token is one token of an analysis.
type Token struct {
	Text     string `json:"token"`
	Position int    `json:"position"`
	// Length is how many positions the token spans; 0 = one.
	Length int    `json:"length,omitempty"`
	Type   string `json:"type,omitempty"` // "SYNONYM"
}
