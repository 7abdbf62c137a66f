package cli

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

// tracks is an association whose domain follows the latest version.
func tracks(status, serving, wanted, rest string) string {
	return strings.ReplaceAll(associated(status, serving, wanted, rest), `"calls"`, `"latest"`)
}

// Domains that follow the latest version get what is pushed without being named: they are waited for if none
// is named, and named else.
func TestPushFollowed(t *testing.T) {
	t.Parallel()
	const shop = `{"DomainPackageDetailsList":[{"DomainName":"shop"}]}`
	const nowhere = `{"DomainPackageDetailsList":[]}`
	old, rolling, done := tracks("ACTIVE", "v1", "v1", ""), tracks("ASSOCIATING", "v1", "v2", `,"note":"waiting for n2"`), tracks("ACTIVE", "v2", "v2", "")
	for name, c := range map[string]struct {
		command PushCmd
		script  script
		says    string   // of the error; "" = done
		shows   []string // one after the other
		hides   string
	}{
		"waited for": {PushCmd{Wait: true}, newer(script{follows: {shop}, lists: {old, old, rolling, rolling, done}}), "",
			[]string{"shop: it follows the latest version of words\n", "shop: v2 is about to begin\n", "shop: ASSOCIATING: waiting for n2\n", "shop: v2 is ACTIVE, proven by 1 node"}, "by itself"},
		"another first": {PushCmd{Wait: true}, newer(script{follows: {shop}, lists: {old, tracks("ASSOCIATING", "", "v1", ""), done}}), "",
			[]string{"shop: v1 is being rolled out first\n", "shop: v2 is ACTIVE"}, ""},
		"fails": {PushCmd{Wait: true}, newer(script{follows: {shop}, lists: {old, tracks("ASSOCIATION_FAILED", "v1", "v2", `,"error":{"message":"Node n2 refuses v2."}`)}}),
			"words v2 is not rolled out in shop", []string{"shop: ASSOCIATION_FAILED: Node n2 refuses v2.\n"}, ""},
		"newer meanwhile": {PushCmd{Wait: true}, newer(script{follows: {shop}, lists: {old, tracks("ASSOCIATING", "v1", "v3", "")}}),
			"is not rolled out in shop", []string{"somebody changed it meanwhile: it is ASSOCIATING with v1, wanted v3"}, ""},
		"follows no more": {PushCmd{Wait: true}, newer(script{follows: {shop}, lists: {old, associated("ACTIVE", "v1", "v1", "")}}),
			"is not rolled out in shop", []string{"somebody changed it meanwhile"}, ""},
		"there already":  {PushCmd{Wait: true}, there(script{follows: {shop}, lists: {done}}), "", []string{"holds these bytes already", "shop: v2 is ACTIVE"}, ""},
		"nobody follows": {PushCmd{Wait: true}, newer(script{follows: {nowhere}}), "", []string{"no domain follows the latest version of words: there is nothing to wait for\n"}, ""},
		"cannot be asked": {PushCmd{Wait: true}, newer(script{follows: {"403 AccessDeniedException You may not."}}),
			"words v2 is there, but which domains follow its package cannot be asked, so that none is waited for: You may not.", nil, ""},
		"not waiting":          {PushCmd{}, newer(script{follows: {shop}, lists: {old}}), "", []string{"words v2 is rolled out in shop by itself\n"}, "it follows"},
		"not waiting, unasked": {PushCmd{}, newer(script{follows: {"403 AccessDeniedException You may not."}}), "", []string{"words v2 is imported"}, "by itself"},
		"another is named": {PushCmd{Wait: true, Domain: []string{"full"}}, newer(script{
			follows: {shop}, lists: {old}, "GET /domains/full/associations": {done}, "GET /domains/full/proofs": {theProofs}, "GET /domains/full/nodes": {theNodes},
		}), "", []string{"words v2 is rolled out in shop, too, by itself: that is not waited for\n", "full: v2 is ACTIVE"}, "it follows"},
		"it is named": {PushCmd{Wait: true, Domain: []string{"shop"}}, newer(script{follows: {shop}, lists: {old, old, rolling, done}}), "", []string{"shop: v2 is ACTIVE"}, "by itself"},
		"a new package": {PushCmd{Wait: true}, script{
			describes: {noPackages}, creates: {`{"PackageDetails":{"PackageID":"F7"}}`}, listsVs: {versionsOf(attempt("v1", "AVAILABLE", pushed))},
		}, "", []string{"words is new, and no domain follows it: there is nothing to wait for\n"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, format := range []string{"table", "json"} {
				srv, _ := c.script.serving(t)
				p := c.command
				p.File, p.Name, p.Bucket, p.Timeout, p.Every = pushFileOf(t), "words", "dictionaries", Span(time.Minute), time.Millisecond
				out, err := srv.run(t, &p, format, Terminal{})
				if (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
					t.Errorf("%s: want %q, got %v", format, c.says, err)
				}
				if format == "json" {
					var document pushResult
					told := strings.Contains(strings.Join(c.shows, ""), "by itself")
					if json.Unmarshal([]byte(out), &document) != nil || (len(document.Followers) > 0) != told {
						t.Errorf("printed %s", out)
					}
					continue
				}
				rest := out
				for _, text := range c.shows {
					_, after, found := strings.Cut(rest, text)
					if !found {
						t.Errorf("%q is not in\n%s", text, out)
					}
					rest = after
				}
				if c.hides != "" && strings.Contains(out, c.hides) {
					t.Errorf("%q is in\n%s", c.hides, out)
				}
			}
		})
	}
}
