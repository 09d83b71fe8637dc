package contract

import "encoding/json"

// Kinds of nodes in a project's graph.
const (
	NodeService  = "service"
	NodeDatabase = "database"
	NodeQueue    = "queue"
	NodeCache    = "cache"
	NodeIngress  = "ingress"
	NodeLogic    = "logic"
)

// Kinds of edges in a project's graph.
const (
	EdgeHTTP     = "http"
	EdgeGRPC     = "grpc"
	EdgeKafka    = "kafka"
	EdgeDatabase = "database"
)

// Architecture is the graph of what a project consists of.
type Architecture struct {
	Nodes []Node `json:"nodes"`
	Edges []Edge `json:"edges"`
}

// Node is one part of a project. ID is unique within the graph; Name is what
// generated files call it, the ID if empty.
type Node struct {
	ID   string `json:"id"`
	Type string `json:"type"`
	Name string `json:"name,omitempty"`
	// Language is that of a service's skeleton: "nestjs", the default, or "go".
	Language string `json:"language,omitempty"`
	// Port is where a service listens; 0 leaves the choice to codegen.
	Port int `json:"port,omitempty"`
	// Host is an ingress's public host name; empty means one below the project's.
	Host   string          `json:"host,omitempty"`
	Config json.RawMessage `json:"config,omitempty"`
}

// Edge leads from the node that sends requests to the one that answers, or from the one
// that sends to the one that receives.
type Edge struct {
	ID   string `json:"id"`
	From string `json:"from"`
	To   string `json:"to"`
	Type string `json:"type"`
}
