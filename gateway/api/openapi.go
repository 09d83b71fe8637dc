package api

import (
	"context"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"axion/gateway/cert"
)

// Register adds to h what the gateway shows beyond Traefik's shapes, and describes
// those that a serves.
func (a *API) Register(h huma.API) {
	huma.Register(h, huma.Operation{
		OperationID: "list-certificates", Method: http.MethodGet, Path: "/api/certificates",
		Summary: "The certificates of the gateway's hosts, and the local authority",
	}, a.listCertificates)
	huma.Register(h, huma.Operation{
		OperationID: "get-snippet", Method: http.MethodGet, Path: "/api/snippet",
		Summary: "The label or setting at a line of a file that the routes were read from; none of any other file",
	}, a.getSnippet)
	for _, o := range operations() {
		h.OpenAPI().AddOperation(o.describe())
	}
}

// certificateList is the answer of /api/certificates.
type certificateList struct {
	Items []cert.Certificate `json:"items"`
	Next  string             `json:"next"` // always empty: the list is given whole
	Root  cert.Root          `json:"root"`
}

type certificatesOutput struct{ Body certificateList }

func (a *API) listCertificates(context.Context, *struct{}) (*certificatesOutput, error) {
	items := a.Cert.List()
	if items == nil {
		items = []cert.Certificate{}
	}
	return &certificatesOutput{certificateList{Items: items, Root: a.Cert.Root()}}, nil
}

type snippetInput struct {
	File string `query:"file" required:"true" maxLength:"4096" doc:"As problems and origins name it; one that is part of the configuration."`
	Line int    `query:"line" required:"true" minimum:"1"`
}

type snippetOutput struct{ Body Snippet }

func (a *API) getSnippet(_ context.Context, in *snippetInput) (*snippetOutput, error) {
	s, ok := a.Snippet(in.File, in.Line)
	if !ok { // a line may go at any moment: that is nothing wrong
		s = Snippet{File: in.File, Line: in.Line, Lines: []string{}}
	}
	return &snippetOutput{s}, nil
}

// operation is one that an [API] serves.
type operation struct {
	id, path, summary string
	query             []string // names of its parameters beside those in the path
}

// Parameters of Traefik's lists.
var (
	pageParams   = []string{"page", "per_page"}
	listParams   = append([]string{"search", "status", "sortBy", "direction"}, pageParams...)
	routerParams = append([]string{"serviceName", "middlewareName"}, listParams...)
)

// operations are those that an [API] serves.
func operations() []operation {
	all := []operation{
		{id: "get-rawdata", path: "/api/rawdata",
			summary: "All routers, services and middlewares, in Traefik's shape, and what is wrong with labels"},
		{id: "get-overview", path: "/api/overview", summary: "How many there are of each, in Traefik's shape"},
		{id: "get-version", path: "/api/version", summary: "The version, in Traefik's shape"},
		{id: "list-entrypoints", path: "/api/entrypoints", summary: "Where the gateway listens", query: pageParams},
		{id: "get-entrypoint", path: "/api/entrypoints/{name}", summary: "One place where the gateway listens"},
		{id: "explain", path: "/api/explain",
			summary: "Which router takes a request and why, what comes second, and what came near; nothing is sent",
			query:   []string{"url", "method", "header", "client"}},
	}
	for _, protocol := range []string{"http", "tcp", "udp"} {
		for _, kind := range []string{"router", "service", "middleware"} {
			if protocol == "udp" && kind == "middleware" {
				continue // UDP has none
			}
			query := listParams
			if kind == "router" {
				query = routerParams
			}
			path := "/api/" + protocol + "/" + kind + "s"
			all = append(all,
				operation{id: "list-" + protocol + "-" + kind + "s", path: path, summary: "The " + kind + "s of " + protocol + ", in Traefik's shape",
					query: query},
				operation{id: "get-" + protocol + "-" + kind, path: path + "/{name}",
					summary: "One " + kind + " of " + protocol + ", by name@provider"})
		}
	}
	return all
}

func (o operation) describe() *huma.Operation {
	text := &huma.Schema{Type: huma.TypeString}
	op := &huma.Operation{
		OperationID: o.id, Method: http.MethodGet, Path: o.path, Summary: o.summary,
		Responses: map[string]*huma.Response{
			"200": {Description: "OK", Content: map[string]*huma.MediaType{"application/json": {}}},
			"default": {Description: "Error",
				Content: map[string]*huma.MediaType{"application/json": {Schema: &huma.Schema{Type: huma.TypeObject,
					Properties: map[string]*huma.Schema{"message": text}}}}},
		},
	}
	if strings.HasSuffix(o.path, "/{name}") {
		op.Parameters = append(op.Parameters, &huma.Param{Name: "name", In: "path", Required: true, Schema: text})
	}
	for _, name := range o.query {
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
	"url":    "Absolute; its port, or else its scheme, chooses the entrypoint.",
	"method": "GET if empty.",
	"header": "\"Name: value\"; may be given several times. Host overrides the URL's.",
	"client": "The client's address; 127.0.0.1 if empty.",
	"search": "Looked for in names and rules, case aside.",
	"status": "enabled, warning or disabled.",
	"sortBy": "name, provider, status; of routers priority, rule, service, entryPoints; of services type, servers; of middlewares " +
		"type.",
	"direction":      "asc, the default, or desc.",
	"serviceName":    "With or without its provider where the router names it without.",
	"middlewareName": "As the router names it.",
	"page":           "From 1; the answer's X-Next-Page is the next one, or 1 at the end.",
}
