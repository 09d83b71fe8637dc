package contract

import "encoding/json"

// ProjectRequest is the data of the requests to graph. UserID is whose projects
// they are about; the fields that a request does not need are left out.
type ProjectRequest struct {
	UserID    string          `json:"userId"`
	ProjectID string          `json:"projectId,omitempty"`
	Name      string          `json:"name,omitempty"`
	Template  string          `json:"template,omitempty"`
	Config    json.RawMessage `json:"config,omitempty"`
	Limit     int             `json:"limit,omitempty"` // 50 if 0, 200 at most
	After     string          `json:"after,omitempty"`
}

// Project is a project as its owner sees it. Times are RFC 3339 in UTC.
type Project struct {
	ID        string          `json:"id"`
	UserID    string          `json:"userId"`
	Name      string          `json:"name"`
	Slug      string          `json:"slug"`
	Template  string          `json:"template"`
	Config    json.RawMessage `json:"config"`
	CreatedAt string          `json:"createdAt"`
	UpdatedAt string          `json:"updatedAt"`
}

// ProjectList is one page; Next is the next one's After, empty at the end.
type ProjectList struct {
	Items []Project `json:"items"`
	Next  string    `json:"next"`
}

// BlueprintRequest names one blueprint.
type BlueprintRequest struct {
	Name string `json:"name"`
}

// Blueprint describes what codegen can generate from. Files are their paths.
type Blueprint struct {
	Name        string   `json:"name"`
	Description string   `json:"description"`
	Runtime     string   `json:"runtime"`
	Files       []string `json:"files"`
}

// BlueprintList is all of them.
type BlueprintList struct {
	Items []Blueprint `json:"items"`
}

// DeploymentRequest is the data of the requests to deployment. UserID is whose
// deployments they are about.
type DeploymentRequest struct {
	UserID       string `json:"userId"`
	ProjectID    string `json:"projectId,omitempty"`
	DeploymentID string `json:"deploymentId,omitempty"`
	Limit        int    `json:"limit,omitempty"` // 50 if 0, 200 at most
	After        string `json:"after,omitempty"`
}

// Statuses of a deployment.
const (
	StatusPending   = "PENDING"
	StatusStarted   = "STARTED"
	StatusSucceeded = "SUCCEEDED"
	StatusFailed    = "FAILED"
	StatusCancelled = "CANCELLED"
)

// DeploymentRecord is a deployment as its owner sees it. Times are RFC 3339 in UTC.
type DeploymentRecord struct {
	ID        string `json:"id"`
	ProjectID string `json:"projectId"`
	Status    string `json:"status"`
	URL       string `json:"url"`
	Error     string `json:"error"`
	CreatedAt string `json:"createdAt"`
	UpdatedAt string `json:"updatedAt"`
}

// DeploymentList is one page; Next is the next one's After, empty at the end.
type DeploymentList struct {
	Items []DeploymentRecord `json:"items"`
	Next  string             `json:"next"`
}

// Runtimes that a project runs on.
const (
	RuntimeStatic  = "static"  // files, served in-process
	RuntimeProcess = "process" // a command, supervised
)

// Run says how a generated project runs. Its zero value is [RuntimeStatic].
type Run struct {
	Runtime string `json:"runtime,omitempty"`
	// Command starts a process in the project's directory; it listens on the port
	// in its environment variable PORT.
	Command []string `json:"command,omitempty"`
	// Health is the path that answers 2xx once the process is up, "/health" if empty.
	Health string `json:"health,omitempty"`
}

// Runtime is one project that runs. StartedAt is RFC 3339 in UTC.
type Runtime struct {
	ProjectID    string `json:"projectId"`
	DeploymentID string `json:"deploymentId"`
	Slug         string `json:"slug"`
	Runtime      string `json:"runtime"`
	State        string `json:"state"` // running, starting, restarting or failed
	URL          string `json:"url"`
	Address      string `json:"address"`
	Restarts     int    `json:"restarts"`
	StartedAt    string `json:"startedAt"`
}

// RuntimeList is all of them.
type RuntimeList struct {
	Items []Runtime `json:"items"`
}
