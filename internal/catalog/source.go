package catalog

import (
	"path"
	"slices"
	"strings"

	"github.com/searchpack/searchpack"
)

// endings of the keys that a package of a type may come from; no entry: any.
var endings = map[searchpack.PackageType][]string{
	searchpack.TypePlugin:  {".zip"},
	searchpack.TypeLicense: {".json", ".xml"},
	searchpack.TypeConfig:  {".zip"},
}

// checkSource refuses a source that cannot or may not be imported, without reading it.
func (c *Catalog) checkSource(who searchpack.Caller, t searchpack.PackageType, s searchpack.Source) error {
	if s.Bucket == "" || s.Key == "" {
		return searchpack.Errorf(searchpack.ErrInvalid, "PackageSource needs both S3BucketName and S3Key.")
	}
	if may := endings[t]; may != nil && !slices.Contains(may, strings.ToLower(path.Ext(s.Key))) {
		return searchpack.Errorf(searchpack.ErrInvalid, "A package of the type %s comes from an object whose key ends in %s, not from s3://%s/%s.",
			t, strings.Join(may, " or "), s.Bucket, s.Key)
	}
	if c.source == nil {
		return nil
	}
	if why := c.source.Refused(s); why != "" {
		return searchpack.Errorf(searchpack.ErrInvalid, "No package can be imported from s3://%s/%s: %s.", s.Bucket, s.Key, why)
	}
	if !c.source.Allowed(who.Account, s) {
		return searchpack.Errorf(searchpack.ErrInvalid, "Account %s may not import packages from s3://%s/%s: the place is not among the server's allowed sources.", who.Account, s.Bucket, s.Key)
	}
	return nil
}

// mayRead asks whether the caller may read the source.
func (c *Catalog) mayRead(who searchpack.Caller, s searchpack.Source) error {
	if s.Bucket == "" || s.Key == "" {
		return nil // checkSource says what is wrong
	}
	return c.authorize.MayRead(who, s)
}
