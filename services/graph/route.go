package graph

import (
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"axion/services/host"
)

const (
	projectsPath = "/api/projects"
	projectPath  = projectsPath + "/{id}"
)

func (s *service) routes() {
	s.projectRoutes()
	s.graphRoutes()
}

func (s *service) projectRoutes() {
	host.Handle(s.Host, s.RequireAuth(huma.Operation{
		OperationID: "create-project", Method: http.MethodPost, Path: projectsPath, DefaultStatus: http.StatusCreated,
		Summary: "Create a project and deploy it.", MaxBodyBytes: maxGraph + host.MaxBody,
	}), s.postProject)
	host.Handle(s.Host, s.RequireAuth(huma.Operation{
		OperationID: "list-projects", Method: http.MethodGet, Path: projectsPath, Summary: "Your projects, newest first.",
	}), s.getProjects)
	host.Handle(s.Host, s.owned(huma.Operation{
		OperationID: "get-project", Method: http.MethodGet, Path: projectPath, Summary: "One of your projects.",
	}), s.getProject)
	host.Handle(s.Host, s.owned(huma.Operation{
		OperationID: "update-project", Method: http.MethodPatch, Path: projectPath,
		Summary: "Change a project's name, template or config; its next deployment uses them.",
	}), s.patchProject)
	host.Handle(s.Host, s.owned(huma.Operation{
		OperationID: "delete-project", Method: http.MethodDelete, Path: projectPath, DefaultStatus: http.StatusNoContent,
		Summary: "Delete a project and take its site down.",
	}), s.deleteProject)
	host.Handle(s.Host, s.owned(huma.Operation{
		OperationID: "create-deployment", Method: http.MethodPost, Path: projectPath + "/deployments",
		DefaultStatus: http.StatusAccepted, Summary: "Deploy a project again.",
	}), s.postDeployment)
	host.Handle(s.Host, s.owned(huma.Operation{
		OperationID: "list-deployments", Method: http.MethodGet, Path: projectPath + "/deployments",
		Summary: "A project's deployments, newest first.",
	}), s.getDeployments)
	host.Handle(s.Host, s.owned(huma.Operation{
		OperationID: "list-events", Method: http.MethodGet, Path: projectPath + "/events",
		Summary: "A project's history, oldest first; that of a deleted one too.",
	}), s.getEvents)
	host.Handle(s.Host, s.owned(huma.Operation{
		OperationID: "get-code", Method: http.MethodGet, Path: projectPath + "/code", Responses: zipAnswer(),
		Summary: "What is generated for a project now, as a zip archive.",
		Errors:  []int{http.StatusBadGateway},
	}), s.getCode)
}

func (s *service) graphRoutes() {
	const graph = projectPath + "/graph"
	host.Handle(s.Host, s.owned(huma.Operation{
		OperationID: "get-graph", Method: http.MethodGet, Path: graph, Summary: "A project's architecture graph.",
	}), s.getGraph)
	host.Handle(s.Host, s.owned(huma.Operation{
		OperationID: "put-graph", Method: http.MethodPut, Path: graph, MaxBodyBytes: maxGraph,
		Summary: "Replace a project's architecture graph by a new version.",
		Errors:  []int{http.StatusPreconditionFailed, http.StatusRequestEntityTooLarge, http.StatusPreconditionRequired},
	}), s.putGraph)
	host.Handle(s.Host, s.owned(huma.Operation{
		OperationID: "list-graph-versions", Method: http.MethodGet, Path: graph + "/versions",
		Summary: "The versions of a project's graph, newest first.",
	}), s.getVersions)
	host.Handle(s.Host, s.owned(huma.Operation{
		OperationID: "get-graph-version", Method: http.MethodGet, Path: graph + "/versions/{version}",
		Summary: "One version of a project's graph.",
	}), s.getVersion)
	host.Handle(s.Host, s.owned(huma.Operation{
		OperationID: "revert-graph", Method: http.MethodPost, Path: graph + "/revert",
		Summary: "Make an earlier version of a project's graph its newest.",
	}), s.revertGraph)
}

// owned is a secured operation on one project: another user's is not found.
func (s *service) owned(op huma.Operation) huma.Operation {
	op.Errors = append(op.Errors, http.StatusNotFound)
	return s.RequireAuth(op)
}
