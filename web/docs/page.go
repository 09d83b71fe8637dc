package docs

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// page is a topic as the dashboard shows it.
type page struct {
	Topic
	HTML     string    `json:"html" doc:"Its text, rendered; it has no scripts and no styles"`
	Headings []heading `json:"headings"`

	sections []section // the first is what stands before any heading
}

// heading is a place in a page.
type heading struct {
	ID    string `json:"id" doc:"Its fragment in addresses"`
	Title string `json:"title"`
	Level int    `json:"level" doc:"2 for the page's parts, 3 for parts of those"`
}

// section is the text below a heading, for the search.
type section struct {
	heading
	text string
}

// page is that of a topic. The error is an [*UnknownError] where there is no such topic.
func (d *Docs) page(name string) (page, error) {
	at := slices.Index(order, name)
	if at < 0 {
		return page{}, &UnknownError{Name: name}
	}
	pages, err := d.pages()
	if err != nil {
		return page{}, err
	}
	return pages[at], nil
}

// render makes the pages of all topics.
func (d *Docs) render() ([]page, error) {
	pages := make([]page, 0, len(order))
	for _, name := range order {
		md, err := d.Text(name)
		if err != nil {
			return nil, err
		}
		title, rest := split(md)
		source := []byte(rest)
		doc := markdown.Parser().Parse(text.NewReader(source))
		p := page{Topic: Topic{Name: name, Title: title}, Headings: []heading{}, sections: sections(doc, source)}
		for _, s := range p.sections[1:] {
			p.Headings = append(p.Headings, s.heading)
		}
		var html bytes.Buffer
		if err := markdown.Renderer().Render(&html, source, doc); err != nil {
			return nil, fmt.Errorf("render %s: %w", name, err)
		}
		p.HTML = html.String()
		pages = append(pages, p)
	}
	return pages, nil
}

// sections reads the text of a document as it is shown.
func sections(doc ast.Node, source []byte) []section {
	all := []section{{}}
	for n := doc.FirstChild(); n != nil; n = n.NextSibling() {
		if h, ok := n.(*ast.Heading); ok {
			id, _ := h.AttributeString("id")
			fragment, _ := id.([]byte)
			title := strings.TrimSpace(plain(h, source))
			all = append(all, section{heading: heading{ID: string(fragment), Title: title, Level: h.Level}})
			continue
		}
		last := &all[len(all)-1]
		last.text += plain(n, source) + " "
	}
	return all
}

// plain is a node's text without its marks.
func plain(node ast.Node, source []byte) string {
	var b strings.Builder
	_ = ast.Walk(node, func(n ast.Node, entering bool) (ast.WalkStatus, error) { // the function gives no error
		switch {
		case !entering && n.Type() == ast.TypeBlock:
			b.WriteByte(' ')
		case !entering:
		case n.Kind() == ast.KindText:
			t := n.(*ast.Text)
			b.Write(t.Segment.Value(source))
			if t.SoftLineBreak() {
				b.WriteByte(' ')
			}
		case n.Kind() == ast.KindFencedCodeBlock || n.Kind() == ast.KindCodeBlock:
			b.Write(n.Lines().Value(source))
		}
		return ast.WalkContinue, nil
	})
	return strings.Join(strings.Fields(b.String()), " ")
}

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
			name, fragment, _ := strings.Cut(string(n.Destination), "#")
			if name, ok := strings.CutSuffix(name, ".md"); ok && !strings.Contains(name, "/") {
				n.Destination = []byte(strings.TrimSuffix("/docs/"+name+"#"+fragment, "#"))
			}
		case *ast.FencedCodeBlock:
			if n.Info == nil {
				break
			}
			if _, file, ok := strings.Cut(string(n.Info.Value(source.Source())), " "); ok {
				above := ast.NewParagraph()
				above.SetAttributeString("class", []byte("docs-file"))
				above.AppendChild(above, ast.NewString([]byte(file)))
				n.Parent().InsertBefore(n.Parent(), n, above)
			}
		}
		return ast.WalkContinue, nil
	})
}
