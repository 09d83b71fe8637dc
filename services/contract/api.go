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
	Graph     json.RawMessage `json:"graph,omitempty"` // an [Architecture], at the creation alone
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
	Files       []string `json:"files"`
}

// BlueprintList is all of them.
type BlueprintList struct {
	Items []Blueprint `json:"items"`
}

// Statuses of a deployment.
const (
	StatusPending   = "PENDING"
	StatusStarted   = "STARTED"
	StatusSucceeded = "SUCCEEDED"
	StatusFailed    = "FAILED"
	StatusCancelled = "CANCELLED"
)

// DeploymentRequest is the data of the requests to deployment. UserID is whose
// deployments they are about; the fields that a request does not need are left out.
// CREATE_DEPLOYMENT deploys the project as it was deployed last, or with a
// DeploymentID as in that deployment; with Rollback too, the very files of that
// deployment are put back.
type DeploymentRequest struct {
	UserID       string `json:"userId"`
	ProjectID    string `json:"projectId,omitempty"`
	DeploymentID string `json:"deploymentId,omitempty"`
	Rollback     bool   `json:"rollback,omitempty"`
	Limit        int    `json:"limit,omitempty"` // 50 if 0, 200 at most
	After        string `json:"after,omitempty"`
}

// DeploymentRecord is a deployment as its owner sees it. Times are RFC 3339 in UTC.
type DeploymentRecord struct {
	ID        string `json:"id"`
	ProjectID string `json:"projectId"`
	Status    string `json:"status" enum:"PENDING,STARTED,SUCCEEDED,FAILED,CANCELLED"`
	Step      string `json:"step" doc:"The last step that is done: codegen or provision; empty for none."`
	// RollbackTo is the deployment whose files this one puts back.
	RollbackTo string `json:"rollbackTo,omitempty"`
	URL        string `json:"url" doc:"Where the site answers; empty until it does."`
	Error      string `json:"error" doc:"Why it failed; empty unless it did."`
	CreatedAt  string `json:"createdAt"`
	UpdatedAt  string `json:"updatedAt"`
}

// DeploymentList is one page; Next is the next one's After, empty at the end.
type DeploymentList struct {
	Items []DeploymentRecord `json:"items"`
	Next  string             `json:"next"`
}
