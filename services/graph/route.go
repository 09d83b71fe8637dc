package graph

import (
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"axion/services/graph/architecture"
	"axion/services/host"
)

const (
	projectsPath = "/api/projects"
	projectPath  = projectsPath + "/{id}"
)

// register adds the operations to a service.
func (h *projectHandlers) register(service *host.Host) {
	host.Handle(service, service.RequireAuth(huma.Operation{
		OperationID: "create-project", Method: http.MethodPost, Path: projectsPath, DefaultStatus: http.StatusCreated,
		Summary: "Create a project and deploy it.", MaxBodyBytes: architecture.MaxBytes + host.MaxBody,
	}), h.post)
	host.Handle(service, service.RequireAuth(huma.Operation{
		OperationID: "list-projects", Method: http.MethodGet, Path: projectsPath, Summary: "Your projects, newest first.",
	}), h.list)
	host.Handle(service, withOwner(service, huma.Operation{
		OperationID: "get-project", Method: http.MethodGet, Path: projectPath, Summary: "One of your projects.",
	}), h.get)
	host.Handle(service, withOwner(service, huma.Operation{
		OperationID: "update-project", Method: http.MethodPatch, Path: projectPath,
		Summary: "Change a project's name, template or config; its next deployment uses them.",
	}), h.patch)
	host.Handle(service, withOwner(service, huma.Operation{
		OperationID: "delete-project", Method: http.MethodDelete, Path: projectPath, DefaultStatus: http.StatusNoContent,
		Summary: "Delete a project and take its site down.",
	}), h.delete)
	host.Handle(service, withOwner(service, huma.Operation{
		OperationID: "create-deployment", Method: http.MethodPost, Path: projectPath + "/deployments",
		DefaultStatus: http.StatusAccepted, Summary: "Deploy a project again.",
	}), h.postDeployment)
	host.Handle(service, withOwner(service, huma.Operation{
		OperationID: "list-deployments", Method: http.MethodGet, Path: projectPath + "/deployments",
		Summary: "A project's deployments, newest first.",
	}), h.getDeployments)
	host.Handle(service, withOwner(service, huma.Operation{
		OperationID: "list-events", Method: http.MethodGet, Path: projectPath + "/events",
		Summary: "A project's history, oldest first; that of a deleted one too.",
	}), h.getEvents)
}

// register adds the operation to a service.
func (d *download) register(service *host.Host) {
	host.Handle(service, withOwner(service, huma.Operation{
		OperationID: "get-code", Method: http.MethodGet, Path: projectPath + "/code", Responses: zipAnswer(),
		Summary: "What is generated for a project now, as a zip archive.",
		Errors:  []int{http.StatusBadGateway},
	}), d.get)
}

// register adds the operations to a service.
func (h *graphHandlers) register(service *host.Host) {
	const graph = projectPath + "/graph"
	host.Handle(service, withOwner(service, huma.Operation{
		OperationID: "get-graph", Method: http.MethodGet, Path: graph, Summary: "A project's architecture graph.",
	}), h.get)
	host.Handle(service, withOwner(service, huma.Operation{
		OperationID: "put-graph", Method: http.MethodPut, Path: graph, MaxBodyBytes: architecture.MaxBytes,
		Summary: "Replace a project's architecture graph by a new version.",
		Errors:  []int{http.StatusPreconditionFailed, http.StatusRequestEntityTooLarge, http.StatusPreconditionRequired},
	}), h.put)
	host.Handle(service, withOwner(service, huma.Operation{
		OperationID: "list-graph-versions", Method: http.MethodGet, Path: graph + "/versions",
		Summary: "The versions of a project's graph, newest first.",
	}), h.getVersions)
	host.Handle(service, withOwner(service, huma.Operation{
		OperationID: "get-graph-version", Method: http.MethodGet, Path: graph + "/versions/{version}",
		Summary: "One version of a project's graph.",
	}), h.getVersion)
	host.Handle(service, withOwner(service, huma.Operation{
		OperationID: "revert-graph", Method: http.MethodPost, Path: graph + "/revert",
		Summary: "Make an earlier version of a project's graph its newest.",
	}), h.revert)
}

// withOwner is a secured operation on one project: another user's is not found.
func withOwner(h *host.Host, op huma.Operation) huma.Operation {
	op.Errors = append(op.Errors, http.StatusNotFound)
	return h.RequireAuth(op)
}
