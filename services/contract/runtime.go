package contract

// Runtimes that a project runs on.
const (
	RuntimeStatic  = "static"  // files, served in-process
	RuntimeProcess = "process" // a command, supervised
)

// Run says how a generated project runs. Its zero value is [RuntimeStatic].
type Run struct {
	Runtime string `json:"runtime,omitempty"`
	// Directory is where the commands run, relative to the project's; empty: there.
	Directory string `json:"directory,omitempty"`
	// Build are the commands that come before the first start, in order.
	Build [][]string `json:"build,omitempty"`
	// Command starts the process. It listens on the port that its environment
	// variable PORT names.
	Command []string `json:"command,omitempty"`
	// Health is the path that answers 2xx while the process is well, "/health" if
	// empty.
	Health string `json:"health,omitempty"`
}

// States of a [Runtime].
const (
	StateStarting   = "starting"   // not healthy yet
	StateRunning    = "running"    // healthy, or static files
	StateUnhealthy  = "unhealthy"  // runs, and its health check fails
	StateRestarting = "restarting" // ended, and waits for its next start
	StateFailed     = "failed"     // cannot be started
)

// Runtime is one project that runs. StartedAt is RFC 3339 in UTC; Restarts counts
// those since then, and Error is why the last one was necessary.
type Runtime struct {
	ProjectID    string `json:"projectId"`
	DeploymentID string `json:"deploymentId"`
	Slug         string `json:"slug"`
	Runtime      string `json:"runtime" enum:"static,process"`
	State        string `json:"state" enum:"starting,running,unhealthy,restarting,failed"`
	URL          string `json:"url" doc:"Its address through the gateway."`
	Address      string `json:"address" doc:"Its own address."`
	PID          int    `json:"pid,omitempty" doc:"The process; none for static files."`
	Restarts     int    `json:"restarts"`
	Error        string `json:"error"`
	StartedAt    string `json:"startedAt" doc:"When its deployment was started here."`
}

// RuntimeRequest is the data of LIST_RUNTIMES. UserID is whose; empty means all.
type RuntimeRequest struct {
	UserID string `json:"userId,omitempty"`
}

// RuntimeList is all of them, ordered by slug.
type RuntimeList struct {
	Items []Runtime `json:"items"`
}
