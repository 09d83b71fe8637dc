package contract

import "encoding/json"

// Event types. The topic is that of the service which consumes the event, the
// key is the project id.
const (
	// ProjectCreated: graph to deployment, with a [ProjectEvent].
	ProjectCreated = "PROJECT_CREATED"
	// ProjectDeleted: graph to deployment, with a [ProjectEvent].
	ProjectDeleted = "PROJECT_DELETED"
	// DeploymentRequested: graph to deployment, with a [ProjectEvent]; asks for
	// one more deployment of a project.
	DeploymentRequested = "DEPLOYMENT_REQUESTED"

	// DeploymentStarted and those below: deployment to graph, with a
	// [DeploymentEvent].
	DeploymentStarted   = "DEPLOYMENT_STARTED"
	DeploymentProgress  = "DEPLOYMENT_PROGRESS"
	DeploymentSucceeded = "DEPLOYMENT_SUCCEEDED"
	DeploymentFailed    = "DEPLOYMENT_FAILED"
	DeploymentCancelled = "DEPLOYMENT_CANCELLED"

	// ProjectUpdated and GraphChanged are in graph's history only.
	ProjectUpdated = "PROJECT_UPDATED"
	GraphChanged   = "GRAPH_CHANGED"

	// NotificationCreated: from an instance of a service to all of them, on its
	// [NotificationTopic], with a [NotificationEvent] and no key.
	NotificationCreated = "FEED_CHANGED"
)

// NotificationEvent names the user who has something new to read.
type NotificationEvent struct {
	UserID string `json:"userId"`
}

// ProjectEvent is the data of the events about a project. Only ProjectID is
// sure to be there when a foreign service sends it: an empty Template means
// [DefaultTemplate], an empty Slug is made from the id, an empty
// DeploymentID is made from the event's id.
type ProjectEvent struct {
	ProjectID    string          `json:"projectId"`
	UserID       string          `json:"userId"`
	Config       json.RawMessage `json:"config"`
	Name         string          `json:"name,omitempty"`
	Slug         string          `json:"slug,omitempty"`
	Template     string          `json:"template,omitempty"`
	DeploymentID string          `json:"deploymentId,omitempty"`
	// Graph is what to generate the project from; nil means its template alone.
	Graph *Architecture `json:"graph,omitempty"`
}

// GraphEvent is the data of GRAPH_CHANGED: version Version of the project's graph.
type GraphEvent struct {
	ProjectID string       `json:"projectId"`
	UserID    string       `json:"userId"`
	Version   int          `json:"version"`
	Graph     Architecture `json:"graph"`
}

// DeploymentEvent is the data of the DEPLOYMENT_* events.
type DeploymentEvent struct {
	ProjectID    string `json:"projectId"`
	DeploymentID string `json:"deploymentId"`
	// Step is set on DEPLOYMENT_PROGRESS: "codegen" or "provision".
	Step string `json:"step,omitempty"`
	// URL is set on DEPLOYMENT_SUCCEEDED: the address a browser opens.
	URL string `json:"url,omitempty"`
	// Error is set on DEPLOYMENT_FAILED: the reason, fit for the user.
	Error string `json:"error,omitempty"`
}

// Steps of a deployment, in order, as DEPLOYMENT_PROGRESS reports them.
const (
	StepCodegen   = "codegen"
	StepProvision = "provision"
)
