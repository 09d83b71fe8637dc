package docs

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// markdown renders topics. It leaves HTML out.
var markdown = goldmark.New(
	goldmark.WithExtensions(extension.Table),
	goldmark.WithParserOptions(parser.WithAutoHeadingID(), parser.WithASTTransformers(util.Prioritized(rewriter{}, 100))),
)

// rewriter has links between topics lead to their pages, and puts the name of its file,
// which is the second word after its fence, above a block of code.
type rewriter struct{}

// Transform changes one document.
func (rewriter) Transform(doc *ast.Document, source text.Reader, _ parser.Context) {
	_ = ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) { // the function gives no error
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Link:
			name, heading, _ := strings.Cut(string(n.Destination), "#")
			if name, ok := strings.CutSuffix(name, ".md"); ok && !strings.Contains(name, "/") {
				n.Destination = []byte(strings.TrimSuffix("/docs/"+name+"#"+heading, "#"))
			}
		case *ast.FencedCodeBlock:
			if n.Info == nil {
				break
			}
			if _, file, ok := strings.Cut(string(n.Info.Value(source.Source())), " "); ok {
				above := ast.NewParagraph()
				above.SetAttributeString("class", []byte("file"))
				above.AppendChild(above, ast.NewString([]byte(file)))
				n.Parent().InsertBefore(n.Parent(), n, above)
			}
		}
		return ast.WalkContinue, nil
	})
}

// page is a topic as the dashboard shows it.
type page struct {
	Topic
	HTML string `json:"html" doc:"Its text, rendered; it has no scripts and no styles"`
}

// Register adds the documentation to an API: its topics, and each as a page.
func (d *Docs) Register(api huma.API) {
	type listed struct {
		Body struct {
			Items []Topic `json:"items"`
		}
	}
	huma.Register(api, huma.Operation{
		Method: http.MethodGet, Path: "/api/docs", OperationID: "list-docs", Summary: "Topics of the documentation", Tags: []string{"docs"},
	}, func(context.Context, *struct{}) (*listed, error) {
		topics, err := d.Topics()
		out := &listed{}
		out.Body.Items = topics
		return out, err
	})
	huma.Register(api, huma.Operation{
		Method: http.MethodGet, Path: "/api/docs/{name}", OperationID: "get-docs", Summary: "A topic of the documentation",
		Tags: []string{"docs"}, Errors: []int{http.StatusNotFound},
	}, func(_ context.Context, in *struct {
		Name string `path:"name" maxLength:"100"`
	}) (*struct{ Body page }, error) {
		p, err := d.page(in.Name)
		if unknown := new(UnknownError); errors.As(err, &unknown) {
			return nil, huma.Error404NotFound(err.Error() + ": " + unknown.Hint())
		}
		return &struct{ Body page }{p}, err
	})
}

func (d *Docs) page(name string) (page, error) {
	md, err := d.Text(name)
	if err != nil {
		return page{}, err
	}
	title, rest := split(md)
	var html bytes.Buffer
	err = markdown.Convert([]byte(rest), &html)
	return page{Topic: Topic{Name: name, Title: title}, HTML: html.String()}, err
}
