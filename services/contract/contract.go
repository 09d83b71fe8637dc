// Package contract is the vocabulary that the services share: their names,
// topics, and the types of the messages between them. It holds no behaviour,
// so that a service in any language can follow it.
package contract

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
		{Auth, 3010, "auth.localhost"},
		{Codegen, 3002, "codegen.localhost"},
		{Infrastructure, 3004, "infrastructure.localhost"},
		{Deployment, 3005, "deployment.localhost"},
		{Graph, 3001, "graph.localhost"},
		{Ingest, 3007, "events.localhost"},
	}
}

// DashboardHost is the dashboard's name on the gateway.
const DashboardHost = "axion.localhost"

// AppsDomain is the parent domain of deployed projects: "<slug>.apps.localhost".
const AppsDomain = "apps.localhost"
