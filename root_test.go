package searchpack

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
)

func TestParseDigestTakesOnlyWhatDigestOfGives(t *testing.T) {
	t.Parallel()
	d := DigestOf([]byte("laptop, notebook\n"))
	if got, err := ParseDigest(string(d)); err != nil || got != d {
		t.Errorf("ParseDigest(%s) = %s, %v", d, got, err)
	}
	for _, bad := range []string{"", "abc", strings.ToUpper(string(d)), string(d) + "0", "../" + string(d[3:]), strings.Repeat("g", 64)} {
		if _, err := ParseDigest(bad); err == nil {
			t.Errorf("ParseDigest(%q) passed", bad)
		}
	}
	if got := Digest("abc").Short(); got != "abc" || len(d.Short()) != 12 {
		t.Errorf("Short gives %q and %q", got, d.Short())
	}
}

// What is not an *Error must never reach a client with its own text.
func TestErrorTextsAreOnlyThoseMeantForCallers(t *testing.T) {
	t.Parallel()
	plain := errors.New("dial tcp 10.0.0.1: password=secret")
	if ErrorCode(plain) != ErrInternal || strings.Contains(ErrorMessage(plain), "secret") {
		t.Errorf("plain error: %s %q", ErrorCode(plain), ErrorMessage(plain))
	}
	ours := fmt.Errorf("while importing: %w", Errorf(ErrNotFound, "Bucket %s does not exist: %w", "b", io.EOF))
	if ErrorCode(ours) != ErrNotFound || ErrorMessage(ours) != "Bucket b does not exist: EOF" || !errors.Is(ours, io.EOF) {
		t.Errorf("ours: %s %q", ErrorCode(ours), ErrorMessage(ours))
	}
	if ErrorCode(nil) != "" {
		t.Error("no error has a code")
	}
	hidden := &Error{Code: ErrUnavailable, Message: "Try again.", Err: plain}
	if ErrorMessage(hidden) != "Try again." || !strings.Contains(hidden.Error(), "dial tcp") {
		t.Errorf("cause: %q, %q", ErrorMessage(hidden), hidden.Error())
	}
}

func TestDomainKeyReadsBack(t *testing.T) {
	t.Parallel()
	k := DomainKey{Account: "000000000000", Region: "us-east-1", Name: "products"}
	if got, err := ParseDomainKey(k.String()); err != nil || got != k {
		t.Errorf("%s reads as %+v, %v", k, got, err)
	}
	if k.ARN() != "arn:aws:es:us-east-1:000000000000:domain/products" {
		t.Errorf("ARN %s", k.ARN())
	}
	for _, bad := range []string{"", "a/b", "a//c", "a/b/c/d"} {
		if _, err := ParseDomainKey(bad); err == nil {
			t.Errorf("ParseDomainKey(%q) passed", bad)
		}
	}
}

func TestLaterGoesByEpochThenSeq(t *testing.T) {
	t.Parallel()
	at := func(epoch, seq int64) *Report { return &Report{Epoch: epoch, Seq: seq} }
	for _, c := range []struct {
		in, old *Report
		want    bool
	}{
		{at(1, 1), nil, true}, {at(1, 2), at(1, 1), true}, {at(1, 1), at(1, 1), false},
		{at(2, 1), at(1, 99), true}, {at(1, 100), at(2, 1), false},
	} {
		if got := c.in.Later(c.old); got != c.want {
			t.Errorf("%+v later than %+v: %v", c.in, c.old, got)
		}
	}
}

// Paths of candidates, hidden files and controls must all lie in the folder that agents own, and
// never be each other's.
func TestPathsInTheCandidateFolder(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	paths := []string{CandidatePath(DigestOf(nil)), HiddenPath("F1"), ControlPath(KindUnknown)}
	for _, k := range Kinds {
		if k != KindWords { // what an unknown kind shares
			paths = append(paths, ControlPath(k))
		}
	}
	for _, p := range paths {
		if !strings.HasPrefix(p, CandidateDir+"/") || seen[p] {
			t.Errorf("path %q", p)
		}
		seen[p] = true
	}
	if ReferencePath("F1") != "analyzers/F1" {
		t.Errorf("ReferencePath is %q", ReferencePath("F1"))
	}
}
