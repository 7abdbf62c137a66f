package s3source

import (
	"regexp"
	"strings"

	"github.com/searchpack/searchpack"
)

// bucketName is wider than AWS's rule (older buckets and other servers), but holds nothing that
// could change the request: no "/" and no ":" (an ARN would send it elsewhere).
var bucketName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{1,254}$`)

// maxKey is S3's limit in bytes.
const maxKey = 1024

// check refuses what is no object name and what the account may not read.
func (s *Source) check(account string, src searchpack.Source) error {
	switch {
	case !bucketName.MatchString(src.Bucket) || strings.Contains(src.Bucket, ".."):
		return searchpack.Errorf(searchpack.ErrInvalid, "%.80q is not the name of an S3 bucket", src.Bucket)
	case src.Key == "" || len(src.Key) > maxKey:
		return searchpack.Errorf(searchpack.ErrInvalid, "an S3 key has 1 to %d bytes, this one has %d", maxKey, len(src.Key))
	case s.allowed != nil && !s.allowed(account, src):
		return searchpack.Errorf(searchpack.ErrInvalid,
			"%s is not among the sources that account %s may read; ask the operator of Searchpack to allow it", show(src), account)
	}
	return nil
}

// show names the object for messages.
func show(src searchpack.Source) string { return "s3://" + src.Bucket + "/" + src.Key }
