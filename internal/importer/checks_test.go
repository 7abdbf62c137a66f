package importer

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/searchpack/searchpack"
)

const aCheck = `{"schema":1,"checks":[
{"name":"laptop","index":"books","analyze":{"analyzer":"a","text":"laptop"},"expect":{"contains":["notebook"]}}]}`

// mayReadOnly is an authorizer that lets kim read one object.
func mayReadOnly(arn string) searchpack.Authorizer {
	return func(who searchpack.Caller, action, resource string, _ map[string]string) error {
		if who.User == "kim" && action == "s3:GetObject" && resource == "arn:aws:s3:::bucket/"+arn {
			return nil
		}
		return searchpack.Errorf(searchpack.ErrDenied, "User: %s is not authorized to perform: %s on resource: %s", who.User, action, resource)
	}
}

func (w *world) checks(id string) []searchpack.Check {
	w.t.Helper()
	var all []searchpack.Check
	w.view(func(ctx context.Context, tx searchpack.Tx) (err error) { all, err = tx.Checks(ctx, id); return err })
	return all
}

func TestChecksAreImported(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{Authorize: mayReadOnly("checks.json")})
	w.askedBy = &searchpack.Caller{Account: account, User: "kim", Policies: []string{"{}"}}
	w.s3.checks, w.s3.others = " checks.json ", map[string]string{"checks.json": aCheck}
	_, v := w.importOne("v1", "laptop, notebook\n")
	if v.Status != searchpack.PackageAvailable || v.CheckCount != 1 || v.ChecksDigest != searchpack.DigestOf([]byte(aCheck)) || v.AskedBy != nil {
		t.Errorf("%+v %+v", v, v.Error)
	}
	want := []searchpack.Check{{
		Name: "laptop", Index: "books", Analyze: &searchpack.AnalyzeCheck{Analyzer: "a", Text: "laptop"},
		Expect: searchpack.Expectation{Contains: []string{"notebook"}},
	}}
	if d := cmp.Diff(want, w.checks("v1")); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	// The same bytes without checks are a version without.
	w.s3.checks = ""
	_, v = w.importOne("v2", "laptop, notebook\n")
	if v.Status != searchpack.PackageAvailable || v.CheckCount != 0 || v.ChecksDigest != "" || w.checks("v2") != nil || !v.Identical {
		t.Errorf("%+v", v)
	}
}

// Whatever is wrong with the checks, the version that was there stays, and the owner reads what to mend.
func TestChecksAreRefused(t *testing.T) {
	t.Parallel()
	kim := &searchpack.Caller{Account: account, User: "kim"}
	for name, c := range map[string]struct {
		key, doc string
		by       *searchpack.Caller
		as       searchpack.PackageType
		err      error
		status   searchpack.PackageStatus
		want     string
	}{
		"malformed": {"c.json", strings.Replace(aCheck, "contains", "contain", 1), kim, "", nil, searchpack.PackageValidationFailed,
			"Of the checks that the object's metadata x-amz-meta-searchpack-checks names, s3://bucket/c.json: line 2, checks[0].expect.contain: there is no such member"},
		"no JSON":   {"c.json", "laptop, notebook\n", kim, "", nil, searchpack.PackageValidationFailed, "line 1: it is no JSON"},
		"too large": {"c.json", aCheck + strings.Repeat("\n", searchpack.MaxChecksBytes), kim, "", nil, searchpack.PackageValidationFailed, "more than 65536 bytes"},
		"missing":   {"c.json", "", kim, "", nil, searchpack.PackageCopyFailed, "s3://bucket/c.json, cannot be read: the bucket bucket has no object c.json"},
		"not his":   {"secret.json", aCheck, kim, "", nil, searchpack.PackageCopyFailed, "may not be read: User: kim is not authorized to perform: s3:GetObject on resource: arn:aws:s3:::bucket/secret.json"},
		"nor around": {"x//c.json", aCheck, &searchpack.Caller{Account: account, User: "kim"}, "", nil, searchpack.PackageCopyFailed,
			"is not authorized"},
		"somebody else": {"c.json", aCheck, &searchpack.Caller{User: "eve"}, "", nil, searchpack.PackageCopyFailed, "User: eve is not authorized"},
		"nobody knows":  {"c.json", aCheck, nil, "", nil, searchpack.PackageCopyFailed, "call UpdatePackage again"},
		"a license":     {"c.json", aCheck, kim, searchpack.TypeLicense, nil, searchpack.PackageValidationFailed, "are for dictionaries"},
		"not allowed": {"c.json", aCheck, kim, "", searchpack.Errorf(searchpack.ErrInvalid, "the place is not among the allowed sources"),
			searchpack.PackageCopyFailed, "not among the allowed sources"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, Options{Authorize: mayReadOnly("c.json")})
			w.askedBy = kim
			if c.as != "" {
				w.as.Type, w.key = c.as, "license.json"
			}
			content := map[bool]string{true: `{"a":1}`, false: "laptop, notebook\n"}[c.as != ""]
			w.importOne("v1", content)
			w.askedBy, w.s3.checks = c.by, c.key
			if c.doc != "" {
				w.s3.others = map[string]string{c.key: c.doc}
			}
			if c.err != nil {
				w.s3.failing = map[string]error{c.key: c.err}
			}
			p, v := w.importOne("v2", content)
			if v.Status != c.status || v.Error == nil || !strings.Contains(v.Error.Message, c.want) || v.CheckCount != 0 || v.AskedBy != nil {
				t.Errorf("%s %+v, want %s %q", v.Status, v.Error, c.status, c.want)
			}
			if p.AvailableID != "v1" || w.checks("v2") != nil {
				t.Errorf("available is %s, checks %v", p.AvailableID, w.checks("v2"))
			}
		})
	}
}

// S3 may be away while the checks are read: the import is tried again.
func TestChecksAreReadAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	w.s3.content, w.s3.checks = "laptop, notebook\n", "c.json"
	w.s3.others = map[string]string{"c.json": aCheck}
	w.s3.failing = map[string]error{"c.json": searchpack.Errorf(searchpack.ErrUnavailable, "S3 cannot answer now")}
	w.ask("v1")
	if !w.once() || w.version("v1").Status != searchpack.PackageCopying {
		t.Fatalf("%+v", w.version("v1"))
	}
	w.s3.failing = nil
	w.clock.add(time.Minute)
	if v := w.version("v1"); !w.once() || w.version("v1").CheckCount != 1 {
		t.Errorf("%+v", v)
	}
}
