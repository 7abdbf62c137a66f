package awsapi

import (
	"context"

	"github.com/searchpack/searchpack"
)

type tagOf struct{ Key, Value string }

// tags turns a list of the input into the domain's own.
func tags(list []tagOf) []searchpack.Tag {
	var out []searchpack.Tag
	for _, t := range list {
		out = append(out, searchpack.Tag(t))
	}
	return out
}

// nothing is the answer of an operation without output: an empty JSON object.
type nothing struct{}

type addTagsInput struct {
	ARN     string
	TagList []tagOf
}

func addTags(ctx context.Context, h *handler, c *call, in addTagsInput) (*nothing, error) {
	return new(nothing), h.Catalog.AddTags(ctx, c.caller, in.ARN, tags(in.TagList))
}

type listTagsInput struct{ ARN string }

type listTagsOutput struct{ TagList []tagOf }

func listTags(ctx context.Context, h *handler, c *call, in listTagsInput) (*listTagsOutput, error) {
	list, err := h.Catalog.Tags(ctx, c.caller, in.ARN)
	if err != nil {
		return nil, err
	}
	out := &listTagsOutput{TagList: []tagOf{}}
	for _, t := range list {
		out.TagList = append(out.TagList, tagOf(t))
	}
	return out, nil
}

type removeTagsInput struct {
	ARN     string
	TagKeys []string
}

func removeTags(ctx context.Context, h *handler, c *call, in removeTagsInput) (*nothing, error) {
	return new(nothing), h.Catalog.RemoveTags(ctx, c.caller, in.ARN, in.TagKeys)
}
