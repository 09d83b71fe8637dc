package graph

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"axion/services/bus"
	"axion/services/contract"
	"axion/services/graph/readmodel"
	"axion/services/host"
)

// codegenTimeout is how long codegen has to generate a project.
const codegenTimeout = 5 * time.Second

// download answers requests for the files of projects.
type download struct {
	queries readmodel.Queries
	bus     *bus.Bus
}

// register adds the operation to a service.
func (d *download) register(service *host.Host) {
	host.Handle(service, withOwner(service, huma.Operation{
		OperationID: "get-code", Method: http.MethodGet, Path: projectPath + "/code", Responses: zipAnswer(),
		Summary: "What is generated for a project now, as a zip archive.",
		Errors:  []int{http.StatusBadGateway},
	}), d.get)
}

type codeOutput struct {
	Type        string `header:"Content-Type"`
	Disposition string `header:"Content-Disposition"`
	Body        []byte
}

// zipAnswer describes the answer in OpenAPI. huma adds to what it is given.
func zipAnswer() map[string]*huma.Response {
	return map[string]*huma.Response{"200": {
		Description: "The files, as a zip archive.",
		Content:     map[string]*huma.MediaType{"application/zip": {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}},
	}}
}

// get answers with what codegen makes of a project now. The same files make
// the same bytes.
func (d *download) get(ctx context.Context, in *IDInput) (*codeOutput, error) {
	user := host.Caller(ctx).UserID
	p, err := d.queries.Project(ctx, user, in.ID)
	if err != nil {
		return nil, err
	}
	graph, version, err := d.queries.Graph(ctx, user, in.ID)
	if err != nil {
		return nil, err
	}
	event := p.Event("")
	if version > 0 {
		event.Graph = &graph
	}
	files, err := d.generate(ctx, event)
	if err != nil {
		return nil, err
	}
	body, err := archive(files)
	if err != nil {
		return nil, err
	}
	return &codeOutput{Type: "application/zip", Disposition: `attachment; filename="` + p.Slug + `.zip"`, Body: body}, nil
}

// generate requests a project's files of codegen. Its failures are a 502, but for
// our own.
func (d *download) generate(ctx context.Context, p contract.ProjectEvent) ([]contract.File, error) {
	ctx, cancel := context.WithTimeout(ctx, codegenTimeout)
	defer cancel()
	var reply contract.GenerateCodeReply
	err := d.bus.Request(ctx, bus.Call{
		Topic: contract.Topic(contract.Codegen), Service: contract.Codegen, Type: contract.GenerateCode, Key: p.ProjectID,
		In: contract.GenerateCodeRequest{
			ProjectID: p.ProjectID, Template: p.Template, Name: p.Name, Config: p.Config, Slug: p.Slug, Graph: p.Graph,
		},
		Out: &reply,
	})
	var public interface{ Public() string }
	switch {
	case errors.As(err, &public):
		return nil, badGateway(contract.Codegen + " gave no code: " + public.Public())
	case err != nil:
		return nil, err
	}
	for _, f := range reply.Files {
		if !fs.ValidPath(f.Path) || f.Path == "." || strings.ContainsRune(f.Path, '\\') {
			return nil, badGateway(fmt.Sprintf("%s gave a file with an unusable path: %.100q", contract.Codegen, f.Path))
		}
	}
	return reply.Files, nil
}

func badGateway(detail string) error { return huma.NewError(http.StatusBadGateway, detail) }

// archive zips files, by their paths and without their times.
func archive(files []contract.File) ([]byte, error) {
	files = slices.SortedFunc(slices.Values(files), func(a, b contract.File) int { return strings.Compare(a.Path, b.Path) })
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, f := range files {
		entry, err := w.CreateHeader(&zip.FileHeader{
			Name: f.Path, Method: zip.Deflate, Modified: time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC),
		})
		if err == nil {
			_, err = entry.Write([]byte(f.Content))
		}
		if err != nil {
			return nil, fmt.Errorf("zip %s: %w", f.Path, err)
		}
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("zip: %w", err)
	}
	return b.Bytes(), nil
}
