package codegen

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"axion/services/contract"
)

// GraphError is the refusal of a node or an edge of a project's graph.
type GraphError struct {
	// Part is the node or the edge: `node "db"`.
	Part, Reason string
}

// Error names the node or the edge.
func (e *GraphError) Error() string { return e.Part + ": " + e.Reason }

// Bounds of a graph; graph-service has the same.
const (
	maxNodes = 200
	maxEdges = 1000
	maxHost  = 253 // RFC 1035
)

// Languages of skeletons.
const (
	languageNestJS = "nestjs"
	languageGo     = "go"
)

var (
	label = regexp.MustCompile(`^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$`) // RFC 1123

	nodeTypes = []string{
		contract.NodeService, contract.NodeDatabase, contract.NodeQueue, contract.NodeCache, contract.NodeIngress, contract.NodeLogic,
	}
	edgeTypes = []string{contract.EdgeHTTP, contract.EdgeGRPC, contract.EdgeKafka, contract.EdgeDatabase}
	languages = []string{languageNestJS, languageGo}
)

// edgeRules says what the types of edges lead from and to.
var edgeRules = map[string]string{
	contract.EdgeHTTP:     "leads from an ingress, a service or a logic to a service or a logic",
	contract.EdgeGRPC:     "leads from an ingress, a service or a logic to a service or a logic",
	contract.EdgeDatabase: "leads from a service or a logic to a database or a cache",
	contract.EdgeKafka:    "leads from a service or a logic to a queue, or back",
}

// checkNode returns an error for a node that nothing can be generated from.
func checkNode(n contract.Node) error {
	wrong := func(format string, args ...any) error {
		return &GraphError{fmt.Sprintf("node %.64q", n.ID), fmt.Sprintf(format, args...)}
	}
	switch {
	case n.ID == "":
		return wrong("its id is missing")
	case n.Name != "" && !label.MatchString(n.Name):
		return wrong("its name %.64q is no DNS label: lower-case letters, digits and -, at most 63", n.Name)
	case !slices.Contains(nodeTypes, n.Type):
		return wrong("unknown type %.64q; there are %s", n.Type, strings.Join(nodeTypes, ", "))
	case n.Language != "" && !slices.Contains(languages, n.Language):
		return wrong("unknown language %.64q; there are %s", n.Language, strings.Join(languages, ", "))
	case n.Port < 0 || n.Port > 65535:
		return wrong("its port %d must be from 1 to 65535, or 0 for any", n.Port)
	case n.Host != "" && !isHost(n.Host):
		return wrong("its host %.64q must be a host name in lower case, such as shop.example.com", n.Host)
	}
	return nil
}

func isHost(host string) bool {
	for part := range strings.SplitSeq(host, ".") {
		if !label.MatchString(part) {
			return false
		}
	}
	return len(host) <= maxHost
}

// isProgram reports whether a type of node has code of its own.
func isProgram(kind string) bool {
	return kind == contract.NodeService || kind == contract.NodeLogic
}

// edgeAllowed reports whether an edge of a type may lead from one type of node to another.
func edgeAllowed(edge, from, to string) bool {
	switch edge {
	case contract.EdgeHTTP, contract.EdgeGRPC:
		return (isProgram(from) || from == contract.NodeIngress) && isProgram(to)
	case contract.EdgeDatabase:
		return isProgram(from) && (to == contract.NodeDatabase || to == contract.NodeCache)
	case contract.EdgeKafka:
		return isProgram(from) && to == contract.NodeQueue || from == contract.NodeQueue && isProgram(to)
	}
	return false
}
