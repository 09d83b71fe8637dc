// Package contract is the vocabulary that the services share: their names,
// topics, and the types of the messages between them. It holds no behaviour,
// so that a service in any language can follow it.
package contract

import "fmt"

// Names of the builtin services: compose service names, consumer groups and
// the middle part of their topics.
const (
	Graph          = "graph-service"
	Codegen        = "codegen-service"
	Infrastructure = "infrastructure-service"
	Deployment     = "deployment-service"
	Ingest         = "ingest-service"
	Auth           = "auth-service"
)

// Service describes one builtin: its name, default port and public host.
type Service struct {
	Name string
	Port int
	Host string
}

// Services lists the builtins in start order.
func Services() []Service {
	return []Service{
		{Auth, 3010, AuthHost},
		{Codegen, 3002, "codegen.localhost"},
		{Infrastructure, 3004, "infrastructure.localhost"},
		{Deployment, 3005, "deployment.localhost"},
		{Graph, 3001, GraphHost},
		{Ingest, 3007, "events.localhost"},
	}
}

// Names lists the names of the builtins, in the order of [Services].
func Names() []string {
	var names []string
	for _, s := range Services() {
		names = append(names, s.Name)
	}
	return names
}

// Hosts on the gateway.
const (
	GraphHost     = "graph.localhost"
	AuthHost      = "auth.localhost"
	DashboardHost = "axion.localhost"
	// AppsDomain is the parent of deployed projects: "<slug>.apps.localhost".
	AppsDomain = "apps.localhost"
)

// PublicURL is the HTTPS address of a host on a gateway that listens on port,
// which is left out where it is HTTPS's own.
func PublicURL(host string, port int) string {
	if port == 443 {
		return "https://" + host
	}
	return fmt.Sprintf("https://%s:%d", host, port)
}
