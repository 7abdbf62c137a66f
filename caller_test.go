package searchpack

import "testing"

// A policy that denies an object denies every way to write its key, and one that allows a way to write it
// does not allow the object.
func TestMayRead(t *testing.T) {
	t.Parallel()
	var only Authorizer = func(who Caller, action, resource string, _ map[string]string) error {
		if who.User != "kim" || action != "s3:GetObject" || resource == "arn:aws:s3:::bucket/secret/a" || resource == "arn:aws:s3:::bucket/other//a" {
			return Errorf(ErrDenied, "no")
		}
		return nil
	}
	for key, may := range map[string]bool{
		"a": true, "x//a": true, "x/../a": true, "secret/a": false, "secret//a": false, "secret/./a": false, "x/../secret/a": false, "other//a": false, "other/a": true,
	} {
		if err := only.MayRead(Caller{User: "kim"}, Source{Bucket: "bucket", Key: key}); (err == nil) != may {
			t.Errorf("%s: %v", key, err)
		}
	}
	if err := only.MayRead(Caller{User: "eve"}, Source{Bucket: "bucket", Key: "a"}); ErrorCode(err) != ErrDenied {
		t.Errorf("%v", err)
	}
	if err := Authorizer(nil).MayRead(Caller{}, Source{Bucket: "bucket", Key: "a"}); err != nil {
		t.Errorf("without an authorizer: %v", err)
	}
}
