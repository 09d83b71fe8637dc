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
	goldmark.WithParserOptions(parser.WithAutoHeadingID(), parser.WithASTTransformers(util.Prioritized(links{}, 100))),
)

// links has links between topics lead to their pages.
type links struct{}

// Transform changes the links of one document.
func (links) Transform(doc *ast.Document, _ text.Reader, _ parser.Context) {
	_ = ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) { // the function gives no error
		link, ok := n.(*ast.Link)
		if !ok || !entering {
			return ast.WalkContinue, nil
		}
		if name, ok := strings.CutSuffix(string(link.Destination), ".md"); ok && !strings.Contains(name, "/") {
			link.Destination = []byte("/docs/" + name)
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
	first, rest, _ := strings.Cut(md, "\n")
	var html bytes.Buffer
	err = markdown.Convert([]byte(rest), &html)
	return page{Topic: Topic{Name: name, Title: strings.TrimPrefix(first, "# ")}, HTML: html.String()}, err
}
