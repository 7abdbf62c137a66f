package importer

import (
	"context"
	"io"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/checks"
)

// shipped are the verify checks that came with a version; the zero value if none did.
type shipped struct {
	checks  []searchpack.Check
	digest  searchpack.Digest // of the document
	refused string            // what is wrong with them, for the version's owner
}

// with puts the checks into the end of an import, which fails for them only if nothing else was wrong.
func (o outcome) with(s shipped) outcome {
	if s.refused != "" && o.status == searchpack.PackageAvailable {
		o.status, o.plugin = searchpack.PackageValidationFailed, nil
		o.details = &searchpack.ErrorDetails{Type: typeValidationFailed, Message: s.refused}
	}
	if o.status == searchpack.PackageAvailable {
		o.shipped = s
	}
	return o
}

// readChecks reads the object that the metadata of the imported one names. It is read for who asked for
// the import, as that one was: the key comes from whoever wrote the object, and must open nothing to
// them that they may not read.
func (i *Importer) readChecks(ctx context.Context, j *job, c copied) (shipped, error) {
	if c.checks == "" {
		return shipped{}, nil
	}
	src := searchpack.Source{Bucket: j.version.Source.Bucket, Key: c.checks}
	where := "the checks that the object's metadata x-amz-meta-" + searchpack.MetadataChecks + " names, " + quotedPlace(src)
	if j.pkg.Type != searchpack.TypeDictionary {
		return shipped{refused: where + ", are for dictionaries: packages of the type " + string(j.pkg.Type) + " have none. Take the metadata off."}, nil
	}
	if err := i.mayRead(j.version.AskedBy, src); err != nil {
		return shipped{}, copyError(searchpack.Errorf(searchpack.ErrorCode(err), "%s, may not be read: %s", where, searchpack.ErrorMessage(err)))
	}
	obj, err := i.source.Open(ctx, j.pkg.Account, src)
	if err != nil {
		return shipped{}, unreadable(where, err)
	}
	defer obj.Close()
	doc, err := io.ReadAll(io.LimitReader(obj, searchpack.MaxChecksBytes+1))
	if err != nil {
		return shipped{}, unreadable(where, err)
	}
	if obj.Size >= 0 && obj.Size <= searchpack.MaxChecksBytes && int64(len(doc)) != obj.Size {
		return shipped{}, unreadable(where, searchpack.Errorf(searchpack.ErrUnavailable, "S3 announced %d bytes and sent %d", obj.Size, len(doc)))
	}
	all, err := checks.Parse(doc)
	if err != nil {
		return shipped{refused: "Of " + where + ": " + searchpack.ErrorMessage(err) + "."}, nil
	}
	return shipped{checks: all, digest: searchpack.DigestOf(doc)}, nil
}

// mayRead asks with the rights that who asked for the import had then.
func (i *Importer) mayRead(who *searchpack.Caller, src searchpack.Source) error {
	if i.authorize == nil {
		return nil
	}
	if who == nil {
		return searchpack.Errorf(searchpack.ErrDenied, "who asked for this import is not known, because an older version of Searchpack took the call: call UpdatePackage again")
	}
	return i.authorize.MayRead(*who, src)
}

// unreadable keeps the code, so that what may pass is tried again.
func unreadable(where string, err error) error {
	if searchpack.ErrorCode(err) == searchpack.ErrInternal {
		err = &searchpack.Error{Code: searchpack.ErrUnavailable, Message: "the connection to S3 broke", Err: err}
	}
	return copyError(&searchpack.Error{Code: searchpack.ErrorCode(err), Message: where + ", cannot be read: " + searchpack.ErrorMessage(err), Err: err})
}

// quotedPlace names an object whose key comes from metadata, where anything may stand.
func quotedPlace(s searchpack.Source) string {
	const most = 200 // of a key, in a message
	key := firstBytes(s.Key)
	if len(key) > most {
		key = firstBytes(key[:most]) + "…"
	}
	return "s3://" + s.Bucket + "/" + key
}
