package gateway

import (
	"context"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"axion/gateway/cert"
)

// Register adds to an API what the gateway tells beyond Traefik's shapes, and
// describes those that [Gateway.API] serves.
func (g *Gateway) Register(api huma.API) {
	huma.Register(api, huma.Operation{
		OperationID: "list-certificates", Method: http.MethodGet, Path: "/api/certificates",
		Summary: "The certificates of the gateway's hosts, and the local authority",
	}, g.listCertificates)
	huma.Register(api, huma.Operation{
		OperationID: "get-snippet", Method: http.MethodGet, Path: "/api/snippet",
		Summary: "The lines around one of a file that the routes were read from; none of any other file",
	}, g.getSnippet)
	for _, d := range shapes() {
		api.OpenAPI().AddOperation(d.operation())
	}
}

// certificateList is the answer of /api/certificates.
type certificateList struct {
	Items []cert.Certificate `json:"items"`
	Next  string             `json:"next"` // always empty: the list is given whole
	Root  cert.Root          `json:"root"`
}

type certificatesOutput struct{ Body certificateList }

func (g *Gateway) listCertificates(context.Context, *struct{}) (*certificatesOutput, error) {
	items := g.cert.List()
	if items == nil {
		items = []cert.Certificate{}
	}
	return &certificatesOutput{certificateList{Items: items, Root: g.cert.Root()}}, nil
}

type snippetInput struct {
	File string `query:"file" required:"true" maxLength:"4096" doc:"As problems and origins name it; one that is part of the configuration."`
	Line int    `query:"line" required:"true" minimum:"1"`
}

type snippetOutput struct{ Body Snippet }

func (g *Gateway) getSnippet(_ context.Context, in *snippetInput) (*snippetOutput, error) {
	s, ok := g.Snippet(in.File, in.Line)
	if !ok { // a line may go at any moment: that is nothing wrong
		s = Snippet{File: in.File, Line: in.Line, Lines: []string{}}
	}
	return &snippetOutput{s}, nil
}

// shape describes an operation of [Gateway.API].
type shape struct {
	id, path, summary string
	query             []string // names of its parameters beside those in the path
}

// Parameters of Traefik's lists.
var (
	paged  = []string{"page", "per_page"}
	listed = append([]string{"search", "status", "sortBy", "direction"}, paged...)
	routed = append([]string{"serviceName", "middlewareName"}, listed...)
)

// shapes are those that [Gateway.API] serves.
func shapes() []shape {
	all := []shape{
		{id: "get-rawdata", path: "/api/rawdata", summary: "All routers, services and middlewares, in Traefik's shape, and what is wrong with labels"},
		{id: "get-overview", path: "/api/overview", summary: "How many there are of each, in Traefik's shape"},
		{id: "get-version", path: "/api/version", summary: "The version, in Traefik's shape"},
		{id: "list-entrypoints", path: "/api/entrypoints", summary: "Where the gateway listens", query: paged},
		{id: "get-entrypoint", path: "/api/entrypoints/{name}", summary: "One place where the gateway listens"},
		{id: "explain", path: "/api/explain", summary: "Which router takes a request and why, what comes second, and what came near; nothing is sent",
			query: []string{"url", "method", "header", "client"}},
	}
	for _, protocol := range []string{"http", "tcp", "udp"} {
		for _, kind := range []string{"router", "service", "middleware"} {
			if protocol == "udp" && kind == "middleware" {
				continue // UDP has none
			}
			query := listed
			if kind == "router" {
				query = routed
			}
			path := "/api/" + protocol + "/" + kind + "s"
			all = append(all,
				shape{id: "list-" + protocol + "-" + kind + "s", path: path, summary: "The " + kind + "s of " + protocol + ", in Traefik's shape",
					query: query},
				shape{id: "get-" + protocol + "-" + kind, path: path + "/{name}", summary: "One " + kind + " of " + protocol + ", by name@provider"})
		}
	}
	return all
}

func (s shape) operation() *huma.Operation {
	text := &huma.Schema{Type: huma.TypeString}
	op := &huma.Operation{
		OperationID: s.id, Method: http.MethodGet, Path: s.path, Summary: s.summary,
		Responses: map[string]*huma.Response{
			"200":     {Description: "OK", Content: map[string]*huma.MediaType{"application/json": {}}},
			"default": {Description: "Error", Content: map[string]*huma.MediaType{"application/json": {Schema: &huma.Schema{Type: huma.TypeObject, Properties: map[string]*huma.Schema{"message": text}}}}},
		},
	}
	if strings.HasSuffix(s.path, "/{name}") {
		op.Parameters = append(op.Parameters, &huma.Param{Name: "name", In: "path", Required: true, Schema: text})
	}
	for _, name := range s.query {
		p := &huma.Param{Name: name, In: "query", Schema: text, Description: parameters[name]}
		if name == "header" {
			p.Schema = &huma.Schema{Type: huma.TypeArray, Items: text}
		}
		p.Required = name == "url"
		op.Parameters = append(op.Parameters, p)
	}
	return op
}

// parameters say what those that need it mean.
var parameters = map[string]string{
	"url":            "Absolute; its port, or else its scheme, chooses the entrypoint.",
	"method":         "GET if empty.",
	"header":         "\"Name: value\"; may be given several times. Host overrides the URL's.",
	"client":         "The client's address; 127.0.0.1 if empty.",
	"search":         "Looked for in names and rules, case aside.",
	"status":         "enabled, warning or disabled.",
	"sortBy":         "name, provider, status; of routers priority, rule, service, entryPoints; of services type, servers; of middlewares type.",
	"direction":      "asc, the default, or desc.",
	"serviceName":    "With or without its provider where the router names it without.",
	"middlewareName": "As the router names it.",
	"page":           "From 1; the answer's X-Next-Page is the next one, or 1 at the end.",
}
