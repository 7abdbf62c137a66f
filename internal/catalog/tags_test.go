package catalog

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/searchpack/searchpack"
)

func TestTags(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.domain("products")
	arn := b.who.Key("products").ARN()
	want := func(tags ...searchpack.Tag) {
		t.Helper()
		got, err := b.Tags(t.Context(), b.who, arn)
		if diff := cmp.Diff(tags, got, cmpopts.EquateEmpty()); err != nil || diff != "" {
			t.Errorf("%v (-want +got):\n%s", err, diff)
		}
	}
	want()
	add := func(tags ...searchpack.Tag) error { return b.AddTags(t.Context(), b.who, arn, tags) }
	if err := add(searchpack.Tag{Key: "b", Value: "1"}, searchpack.Tag{Key: "a"}); err != nil {
		t.Fatal(err)
	}
	if err := add(searchpack.Tag{Key: "b", Value: "2"}); err != nil {
		t.Fatal(err)
	}
	want(searchpack.Tag{Key: "a"}, searchpack.Tag{Key: "b", Value: "2"})
	wantCode(t, add(searchpack.Tag{Key: "c"}, searchpack.Tag{Key: "c"}), searchpack.ErrInvalid)
	wantCode(t, add(searchpack.Tag{Key: "AWS:c"}), searchpack.ErrInvalid)
	if err := b.RemoveTags(t.Context(), b.who, arn, []string{"a", "none"}); err != nil {
		t.Fatal(err)
	}
	want(searchpack.Tag{Key: "b", Value: "2"})
	var many []searchpack.Tag
	for i := range maxTags {
		many = append(many, searchpack.Tag{Key: fmt.Sprint(i)})
	}
	wantCode(t, add(many...), searchpack.ErrLimit)
	if err := add(many[1:]...); err != nil {
		t.Errorf("as many as may be: %v", err)
	}
	if e := b.newest(2)[1]; e.Action != "RemoveTags" || e.Detail != "a" {
		t.Errorf("audited %+v", e)
	}
}

// newest are the newest n events, newest first.
func (b *bench) newest(n int) []*searchpack.Event {
	b.t.Helper()
	page, err := b.Events(b.t.Context(), b.who, EventQuery{Limit: n})
	if err != nil || len(page.Events) != n {
		b.t.Fatalf("%+v, %v", page, err)
	}
	return page.Events
}

func TestTagsByARN(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.domain("products")
	for arn, want := range map[string]searchpack.Code{
		"arn:aws:es:us-east-1:111122223333:domain/products":    "",
		"arn:aws-cn:es:us-east-1:111122223333:domain/products": "",
		"arn:aws:es:us-east-1:111122223333:domain/nowhere":     searchpack.ErrNotFound,
		"arn:aws:es:eu-west-1:111122223333:domain/products":    searchpack.ErrNotFound,
		"arn:aws:es:us-east-1:999988887777:domain/products":    searchpack.ErrNotFound,
		"arn:aws:s3:::bucket":                                  searchpack.ErrInvalid,
		"x arn:aws:es:us-east-1:111122223333:domain/products":  searchpack.ErrInvalid,
		"products": searchpack.ErrInvalid,
		"":         searchpack.ErrInvalid,
	} {
		_, err := b.Tags(t.Context(), b.who, arn)
		if searchpack.ErrorCode(err) != want {
			t.Errorf("%s: %v, want %q", arn, err, want)
		}
		if err := b.AddTags(t.Context(), b.who, arn, []searchpack.Tag{{Key: "k"}}); searchpack.ErrorCode(err) != want {
			t.Errorf("AddTags %s: %v, want %q", arn, err, want)
		}
	}
}
