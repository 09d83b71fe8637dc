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
