package proxy

import (
	"cmp"
	"fmt"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"axion/services/contract"
	"axion/web/guard"
)

// Bounds, in bytes.
const (
	maxBody        = 64 << 10  // of a body
	maxProjectBody = 384 << 10 // of one that may hold a graph
	maxAnswer      = 4 << 20   // of an answer in JSON
	maxArchive     = 32 << 20  // of one that is an archive
)

// operation is one operation of a service that is passed on.
type operation struct {
	service      string // its name; empty means graph-service
	method, path string
	id, summary  string
	query        []string // the parameters that are passed on
	body         int64    // how large the body may be; 0 means that there is none
	archive      bool     // the answer is a zip archive in place of JSON
	match        bool     // needs If-Match
}

// pageParams are the parameters of a list.
var pageParams = []string{"limit", "after"}

// operations are all that is passed on; nothing else is.
var operations = []operation{
	{method: http.MethodGet, path: "/api/projects", id: "list-projects", summary: "List projects, newest first", query: pageParams},
	{method: http.MethodPost, path: "/api/projects", id: "create-project", summary: "Create a project and deploy it", body: maxProjectBody},
	{method: http.MethodGet, path: "/api/projects/{id}", id: "get-project", summary: "Get a project"},
	{method: http.MethodPatch, path: "/api/projects/{id}", id: "update-project", summary: "Change a project's name, template or config",
		body: maxBody},
	{method: http.MethodDelete, path: "/api/projects/{id}", id: "delete-project", summary: "Delete a project and what it deployed"},
	{method: http.MethodGet, path: "/api/projects/{id}/deployments", id: "list-project-deployments",
		summary: "List a project's deployments, newest first", query: pageParams},
	{method: http.MethodPost, path: "/api/projects/{id}/deployments", id: "deploy-project", summary: "Deploy a project as it is now",
		body: maxBody},
	{method: http.MethodGet, path: "/api/projects/{id}/events", id: "list-project-events", summary: "List a project's history, oldest first",
		query: pageParams},
	{method: http.MethodGet, path: "/api/projects/{id}/code", id: "get-project-code",
		summary: "Get what is generated for a project now, as a zip archive", archive: true},
	{method: http.MethodGet, path: "/api/projects/{id}/graph", id: "get-project-graph",
		summary: "Get a project's architecture graph; its ETag is its version"},
	{method: http.MethodPut, path: "/api/projects/{id}/graph", id: "put-project-graph",
		summary: "Replace a project's architecture graph by a new version", body: maxProjectBody, match: true},
	{method: http.MethodGet, path: "/api/projects/{id}/graph/versions", id: "list-project-graph-versions",
		summary: "List the versions of a project's graph, newest first", query: pageParams},
	{method: http.MethodGet, path: "/api/projects/{id}/graph/versions/{version}", id: "get-project-graph-version",
		summary: "Get one version of a project's graph"},
	{method: http.MethodPost, path: "/api/projects/{id}/graph/revert", id: "revert-project-graph",
		summary: "Make an earlier version of a project's graph its newest", body: maxBody},

	{service: contract.Codegen, method: http.MethodGet, path: "/api/blueprints", id: "list-blueprints",
		summary: "List what projects can be generated from"},
	{service: contract.Codegen, method: http.MethodGet, path: "/api/blueprints/{name}", id: "get-blueprint",
		summary: "Get one thing that projects can be generated from"},

	{service: contract.Deployment, method: http.MethodGet, path: "/api/deployments", id: "list-deployments",
		summary: "List deployments, newest first", query: []string{"limit", "after", "projectId"}},
	{service: contract.Deployment, method: http.MethodGet, path: "/api/deployments/{id}", id: "get-deployment", summary: "Get a deployment"},
	{service: contract.Deployment, method: http.MethodGet, path: "/api/deployments/{id}/logs", id: "list-deployment-logs",
		summary: "List what happened in a deployment's steps, oldest first", query: []string{"limit", "after", "step"}},
	{service: contract.Deployment, method: http.MethodPost, path: "/api/deployments/{id}/cancel", id: "cancel-deployment",
		summary: "End a deployment and undo what it changed"},
	{service: contract.Deployment, method: http.MethodPost, path: "/api/deployments/{id}/redeploy", id: "redeploy",
		summary: "Deploy once more what a deployment deployed, generated anew"},
	{service: contract.Deployment, method: http.MethodPost, path: "/api/deployments/{id}/rollback", id: "rollback-deployment",
		summary: "Put the files of a deployment back in place"},

	{service: contract.Infrastructure, method: http.MethodGet, path: "/api/runtimes", id: "list-runtimes",
		summary: "List what runs of the projects"},
	{service: contract.Infrastructure, method: http.MethodGet, path: "/api/runtimes/{id}", id: "get-runtime",
		summary: "Get what runs of one project, by the project's id"},
	{service: contract.Infrastructure, method: http.MethodGet, path: "/api/runtimes/{id}/logs", id: "list-runtime-logs",
		summary: "List the last lines that a project's process said, oldest first", query: []string{"lines"}},
}

// displayName is the service's name in words.
func (o operation) displayName() string {
	return strings.ReplaceAll(cmp.Or(o.service, contract.Graph), "-", " ")
}

// host is the service's; empty means the one that the [Client] names.
func (o operation) host() string {
	for _, s := range contract.Services() {
		if s.Name == o.service {
			return s.Host
		}
	}
	return ""
}

// limit is how large the answer may be, in bytes.
func (o operation) limit() int64 {
	if o.archive {
		return maxArchive
	}
	return maxAnswer
}

// describe gives o in OpenAPI.
func (o operation) describe() *huma.Operation {
	text := &huma.Schema{Type: huma.TypeString}
	op := &huma.Operation{
		Method: o.method, Path: o.path, OperationID: o.id, Summary: o.summary,
		Description: fmt.Sprintf("As the %s answers, whose OpenAPI document describes the bodies.", o.displayName()),
	}
	for part := range strings.SplitSeq(o.path, "/") {
		if name, ok := strings.CutPrefix(part, "{"); ok {
			op.Parameters = append(op.Parameters, &huma.Param{Name: strings.TrimSuffix(name, "}"), In: "path", Required: true, Schema: text})
		}
	}
	for _, name := range o.query {
		op.Parameters = append(op.Parameters, &huma.Param{Name: name, In: "query", Schema: text})
	}
	if o.match {
		op.Parameters = append(op.Parameters, &huma.Param{
			Name: "If-Match", In: "header", Required: true, Schema: text, Description: "The ETag of what is replaced.",
		})
	}
	anything := map[string]*huma.MediaType{"application/json": {Schema: &huma.Schema{}}}
	if o.body > 0 {
		op.RequestBody = &huma.RequestBody{Required: true, Content: anything, Description: fmt.Sprintf("At most %d KB.", o.body>>10)}
	}
	if o.archive {
		anything = map[string]*huma.MediaType{"application/zip": {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}}
	}
	op.Responses = map[string]*huma.Response{"2XX": {Description: "What the service answers.", Content: anything}}
	if !guard.SafeMethod(o.method) {
		op.Security = []map[string][]string{{"token": {}}}
	}
	return op
}
