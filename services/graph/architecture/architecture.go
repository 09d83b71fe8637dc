// Package architecture checks the architecture graphs of projects.
package architecture

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"axion/services/contract"
	"axion/services/graph/history"
	"axion/services/host"
)

// MaxBytes bounds a graph in bytes of JSON.
const MaxBytes = 256 << 10

// Bounds of a graph.
const (
	maxNodes    = 200
	maxEdges    = 1000
	maxFindings = 50 // that one answer names
)

var (
	nodeTypes = []string{
		contract.NodeService, contract.NodeDatabase, contract.NodeQueue, contract.NodeCache, contract.NodeIngress, contract.NodeLogic,
	}
	languages = []string{"", "nestjs", "go"}

	idForm    = regexp.MustCompile(`^[A-Za-z0-9_.:-]{1,64}$`)
	labelForm = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`) // RFC 1123
)

// Types of nodes by what edges may do with them.
var (
	programs = []string{contract.NodeService, contract.NodeLogic}
	callers  = []string{contract.NodeService, contract.NodeLogic, contract.NodeIngress}
	stores   = []string{contract.NodeDatabase, contract.NodeCache}
	queues   = []string{contract.NodeQueue}
)

// fits are the types of nodes that each type of edge may join, from and to.
var fits = map[string][][2][]string{
	contract.EdgeHTTP:     {{callers, programs}},
	contract.EdgeGRPC:     {{callers, programs}},
	contract.EdgeDatabase: {{programs, stores}},
	contract.EdgeKafka:    {{programs, queues}, {queues, programs}},
}

// hints say what each type of edge joins.
var hints = map[string]string{
	contract.EdgeHTTP:     "an http edge leads from an ingress, a service or a logic to a service or a logic",
	contract.EdgeGRPC:     "a grpc edge leads from an ingress, a service or a logic to a service or a logic",
	contract.EdgeDatabase: "a database edge leads from a service or a logic to a database or a cache",
	contract.EdgeKafka:    "a kafka edge joins a service or a logic with a queue",
}

// findings are what is wrong with a graph, each at its JSON Pointer below root.
type findings struct {
	root string
	list []host.FieldError
}

func (f *findings) add(pointer, format string, args ...any) {
	if len(f.list) < maxFindings {
		f.list = append(f.list, host.FieldError{Pointer: f.root + pointer, Detail: fmt.Sprintf(format, args...)})
	}
}

// Check refuses a graph of which nothing could be generated, and names the
// node or the edge. It brings the graph into the form in which it is kept. root
// is the pointer to it in the body. Cycles of calls are allowed.
func Check(root string, g *contract.Architecture) error {
	if g.Nodes == nil {
		g.Nodes = []contract.Node{}
	}
	if g.Edges == nil {
		g.Edges = []contract.Edge{}
	}
	f := &findings{root: root}
	if len(g.Nodes) > maxNodes {
		f.add("/nodes", "must not be more than %d, and are %d", maxNodes, len(g.Nodes))
	}
	if len(g.Edges) > maxEdges {
		f.add("/edges", "must not be more than %d, and are %d", maxEdges, len(g.Edges))
	}
	if len(f.list) == 0 {
		f.nodes(g.Nodes)
		f.edges(g)
	}
	if len(f.list) == 0 {
		f.size(g)
	}
	if len(f.list) == 0 {
		return nil
	}
	problem := host.Invalid("", "")
	problem.Errors = f.list
	return problem
}

func (f *findings) nodes(nodes []contract.Node) {
	ids, names, ports := map[string]bool{}, map[string]string{}, map[int]string{}
	for i := range nodes {
		n, at := &nodes[i], fmt.Sprintf("/nodes/%d", i)
		switch {
		case !idForm.MatchString(n.ID):
			f.add(at+"/id", "node %.64q: an id is 1 to 64 letters, digits, '_', '.', ':' or '-'", n.ID)
		case ids[n.ID]:
			f.add(at+"/id", "node %q: another node has this id", n.ID)
		}
		ids[n.ID] = true
		if !slices.Contains(nodeTypes, n.Type) {
			f.add(at+"/type", "node %q: unknown type %.64q; there are %s", n.ID, n.Type, strings.Join(nodeTypes, ", "))
		}
		f.name(at, n, names)
		if !slices.Contains(languages, n.Language) {
			f.add(at+"/language", "node %q: unknown language %.64q; there are nestjs and go", n.ID, n.Language)
		}
		if n.Port < 0 || n.Port > 65535 {
			f.add(at+"/port", "node %q: port %d is not from 1 to 65535", n.ID, n.Port)
		} else if other, taken := ports[n.Port]; taken && n.Port != 0 {
			f.add(at+"/port", "node %q: node %q has port %d already", n.ID, other, n.Port)
		}
		ports[n.Port] = n.ID
		f.host(at, n)
		f.config(at, n)
	}
}

// name checks what generated files call a node: its id where it has no name.
func (f *findings) name(at string, n *contract.Node, names map[string]string) {
	name, at := n.Name, at+"/name"
	if name == "" {
		name, at = n.ID, strings.TrimSuffix(at, "name")+"id"
	}
	if !labelForm.MatchString(name) {
		f.add(at, "node %.64q: the name %.64q is no DNS label: 1 to 63 of a to z, 0 to 9 and '-', which is neither first nor last", n.ID, name)
	} else if other, taken := names[name]; taken && other != n.ID {
		f.add(at, "node %q: node %q is called %q already", n.ID, other, name)
	}
	names[name] = n.ID
}

func (f *findings) host(at string, n *contract.Node) {
	if n.Host == "" {
		return
	}
	valid := len(n.Host) <= 253
	for label := range strings.SplitSeq(n.Host, ".") {
		valid = valid && labelForm.MatchString(label)
	}
	if !valid {
		f.add(at+"/host", "node %q: %.64q is no host name in lower case", n.ID, n.Host)
	}
}

func (f *findings) config(at string, n *contract.Node) {
	if n.Config == nil {
		return
	}
	config, err := history.Canonical(n.Config)
	if err != nil || history.Depth(config) > history.MaxDepth {
		f.add(at+"/config", "node %q: must not be nested more than %d deep", n.ID, history.MaxDepth)
		return
	}
	n.Config = config
}

func (f *findings) edges(g *contract.Architecture) {
	types, ids := map[string]string{}, map[string]bool{}
	for _, n := range g.Nodes {
		types[n.ID] = n.Type
	}
	for i, e := range g.Edges {
		at := fmt.Sprintf("/edges/%d", i)
		switch {
		case !idForm.MatchString(e.ID):
			f.add(at+"/id", "edge %.64q: an id is 1 to 64 letters, digits, '_', '.', ':' or '-'", e.ID)
		case ids[e.ID]:
			f.add(at+"/id", "edge %q: another edge has this id", e.ID)
		}
		ids[e.ID] = true
		from, okFrom := types[e.From]
		to, okTo := types[e.To]
		if !okFrom {
			f.add(at+"/from", "edge %q: there is no node %.64q", e.ID, e.From)
		}
		if !okTo {
			f.add(at+"/to", "edge %q: there is no node %.64q", e.ID, e.To)
		}
		kinds, known := fits[e.Type]
		switch {
		case !known:
			f.add(at+"/type", "edge %q: unknown type %.64q; there are http, grpc, kafka, database", e.ID, e.Type)
		case !okFrom || !okTo:
		case e.From == e.To:
			f.add(at+"/to", "edge %q: leads from node %q to itself", e.ID, e.From)
		case !slices.ContainsFunc(kinds, func(k [2][]string) bool {
			return slices.Contains(k[0], from) && slices.Contains(k[1], to)
		}):
			f.add(at+"/type", "edge %q: leads from %s %q to %s %q, but %s", e.ID, from, e.From, to, e.To, hints[e.Type])
		}
	}
}

func (f *findings) size(g *contract.Architecture) {
	text, err := json.Marshal(g)
	if err != nil || len(text) > MaxBytes {
		f.add("", "the graph must not be larger than %d bytes of JSON, and has %d", MaxBytes, len(text))
	}
}
