package catalog

import (
	"context"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/searchpack/searchpack"
)

// maxTags is AWS's quota of tags per domain.
const maxTags = 10

// domainARN is what DomainKey.ARN writes, in any of AWS's partitions.
var domainARN = regexp.MustCompile(`^arn:aws[a-z-]*:es:([a-z0-9-]+):([0-9]{12}):domain/([a-z][a-z0-9-]{2,27})$`)

// Tags returns the tags of the domain that the ARN names, by key. ErrInvalid (no ARN of a domain),
// ErrNotFound (no domain of the caller's account and region).
func (c *Catalog) Tags(ctx context.Context, who searchpack.Caller, arn string) ([]searchpack.Tag, error) {
	tags := []searchpack.Tag{}
	err := c.store.View(ctx, func(tx searchpack.Tx) error {
		d, err := domainOfARN(ctx, tx, who, arn)
		if err == nil {
			tags = append(tags, d.Tags...)
		}
		return err
	})
	return tags, err
}

// AddTags sets tags of a domain; a key that it has gets the new value. ErrInvalid, ErrNotFound as
// Tags; ErrLimit.
func (c *Catalog) AddTags(ctx context.Context, who searchpack.Caller, arn string, tags []searchpack.Tag) error {
	return c.changeTags(ctx, who, "AddTags", arn, func(d *searchpack.Domain) ([]searchpack.Tag, error) {
		var err error
		d.Tags, err = withTags(d.Tags, tags)
		return tags, err
	})
}

// RemoveTags takes tags off a domain; keys that it has not are ignored. ErrInvalid, ErrNotFound as
// Tags.
func (c *Catalog) RemoveTags(ctx context.Context, who searchpack.Caller, arn string, keys []string) error {
	return c.changeTags(ctx, who, "RemoveTags", arn, func(d *searchpack.Domain) (gone []searchpack.Tag, err error) {
		d.Tags = slices.DeleteFunc(d.Tags, func(t searchpack.Tag) bool {
			named := slices.Contains(keys, t.Key)
			if named {
				gone = append(gone, t)
			}
			return named
		})
		return gone, nil
	})
}

// changeTags writes what change makes of the domain's tags; change returns those it set or removed.
func (c *Catalog) changeTags(ctx context.Context, who searchpack.Caller, action, arn string, change func(d *searchpack.Domain) ([]searchpack.Tag, error)) error {
	return c.store.Update(ctx, func(tx searchpack.Tx) error {
		d, err := domainOfARN(ctx, tx, who, arn)
		if err != nil {
			return err
		}
		changed, err := change(d)
		if err != nil {
			return err
		}
		keys := make([]string, len(changed))
		for i, t := range changed {
			keys[i] = t.Key
		}
		if err := tx.PutDomain(ctx, d); err != nil {
			return err
		}
		return c.audit(ctx, tx, who, action, d.Name, strings.Join(keys, ", "))
	})
}

// ParseDomainARN returns the domain that an ARN names; false: it is none of a domain. The partition
// does not count, so one domain has several ARNs: policies are held against DomainKey.ARN only.
func ParseDomainARN(arn string) (searchpack.DomainKey, bool) {
	m := domainARN.FindStringSubmatch(arn)
	if m == nil {
		return searchpack.DomainKey{}, false
	}
	return searchpack.DomainKey{Region: m[1], Account: m[2], Name: m[3]}, true
}

// domainOfARN returns the caller's domain of that ARN.
func domainOfARN(ctx context.Context, tx searchpack.Tx, who searchpack.Caller, arn string) (*searchpack.Domain, error) {
	key, ok := ParseDomainARN(arn)
	if !ok {
		return nil, searchpack.Errorf(searchpack.ErrInvalid, "Invalid ARN: %s. An ARN of a domain looks like %s.", arn, who.Key("my-domain").ARN())
	}
	if key != who.Key(key.Name) {
		return nil, searchpack.Errorf(searchpack.ErrNotFound, "Domain not found: %s in region %s of account %s", key.Name, key.Region, key.Account)
	}
	return domainOf(ctx, tx, who, key.Name)
}

// withTags lays added over have and returns them by key.
func withTags(have, added []searchpack.Tag) ([]searchpack.Tag, error) {
	given, all := map[string]bool{}, map[string]string{}
	for _, t := range have {
		all[t.Key] = t.Value
	}
	for _, t := range added {
		switch {
		case strings.HasPrefix(strings.ToLower(t.Key), "aws:"):
			return nil, searchpack.Errorf(searchpack.ErrInvalid, "Tag key %s is reserved: keys must not begin with aws:.", t.Key)
		case given[t.Key]:
			return nil, searchpack.Errorf(searchpack.ErrInvalid, "Tag key %s is given twice.", t.Key)
		}
		given[t.Key] = true
		all[t.Key] = t.Value
	}
	if len(all) > maxTags {
		return nil, searchpack.Errorf(searchpack.ErrLimit, "A domain can have at most %d tags, it would have %d. Remove some first.", maxTags, len(all))
	}
	out := make([]searchpack.Tag, 0, len(all))
	for _, key := range slices.Sorted(maps.Keys(all)) {
		out = append(out, searchpack.Tag{Key: key, Value: all[key]})
	}
	return out, nil
}
