package extapi

import (
	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/catalog"
)

// previewRequest is the body of PreviewPackage.
type previewRequest struct {
	Version  string `json:"version"` // "v3"; "": the one that AssociatePackage takes
	Index    string `json:"index"`
	Analyzer string `json:"analyzer"`
	Text     string `json:"text"`
}

// previewJSON is what a node made of a text, with the version that serves and with another.
type previewJSON struct {
	Domain    string `json:"domain"`
	PackageID string `json:"package_id"`
	Name      string `json:"name"`
	Version   string `json:"version"`
	Live      string `json:"live,omitempty"` // absent: none serves
	Index     string `json:"index"`
	Analyzer  string `json:"analyzer"`
	// Partial: the analysis ends with the component that reads the file.
	Partial bool        `json:"partial"`
	Node    string      `json:"node"`
	Text    string      `json:"text"`
	Before  *tokensJSON `json:"before,omitempty"` // absent: none serves
	After   *tokensJSON `json:"after"`
}

type tokensJSON struct {
	Tokens []tokenOfText `json:"tokens"`
	More   int           `json:"more"` // that are left out
}

type tokenOfText struct {
	Token    string `json:"token"`
	Position int    `json:"position"`
	Length   int    `json:"length,omitempty"`
	Type     string `json:"type,omitempty"`
}

func (e *edge) preview(c call) (any, error) {
	var body previewRequest
	if err := decode(c.body, &body); err != nil {
		return nil, searchpack.Errorf(searchpack.ErrInvalid, "The request body is no JSON object of version, index, analyzer and text.")
	}
	in := catalog.PreviewInput{PackageID: c.PathValue("package"), Index: body.Index, Analyzer: body.Analyzer, Text: body.Text}
	if body.Version != "" {
		var err error
		if in.Number, err = versionNumber(body.Version); err != nil {
			return nil, searchpack.Errorf(searchpack.ErrInvalid, "version is no version: write it as v3.")
		}
	}
	v, err := e.Catalog.Preview(c.Context(), c.who, c.PathValue("domain"), in)
	if err != nil {
		return nil, err
	}
	return previewOf(v), nil
}

func previewOf(v *catalog.PreviewView) previewJSON {
	p := previewJSON{
		Domain: v.Domain.Name, PackageID: v.PackageID, Name: v.Package.Name, Version: VersionName(v.Version.Number),
		Index: v.Index, Analyzer: v.Analyzer, Partial: v.Partial, Node: v.Node, Text: v.Text,
		Before: tokensOf(v.Answer.Before), After: tokensOf(v.Answer.After),
	}
	if v.Live != nil {
		p.Live = VersionName(v.Live.Number)
	}
	return p
}

func tokensOf(t *searchpack.Tokens) *tokensJSON {
	if t == nil {
		return nil
	}
	out := &tokensJSON{Tokens: []tokenOfText{}, More: t.More}
	for _, x := range t.Tokens {
		out.Tokens = append(out.Tokens, tokenOfText{x.Text, x.Position, x.Length, x.Type})
	}
	return out
}
