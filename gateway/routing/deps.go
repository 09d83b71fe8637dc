package routing

import (
	"log/slog"
	"net/http"
	"syscall"

	"axion/gateway/lint"
	"axion/gateway/listen/peer"
	"axion/gateway/middleware"
	"axion/gateway/proxy"
	"axion/gateway/rule"
	"axion/gateway/selfaddr"
)

// Deps are what a table needs of the gateway that it is built for.
type Deps struct {
	// Current is the table in force, for middlewares that outlive the table that they
	// were built for.
	Current func() *Table
	// Internals are the handlers of the services that the gateway brings itself, by
	// their names without "@internal".
	Internals map[string]http.Handler
	// Port is where an entrypoint of that name is open for TCP, or 0.
	Port func(entrypoint string) int
	// Own are the stack's listeners once these entrypoints are in force, in the same
	// order each time: no router of the user's may lead there.
	Own func(EntryPoints) selfaddr.Set
	// Private are those of them that are no entrypoints.
	Private selfaddr.Set
	// Addresses are those of compose services that are the stack's own.
	Addresses map[string][]string
	// Guard says whose connections are led to Private. Nil: everybody's.
	Guard *peer.Guard
	// Control refuses connections back to the stack.
	Control func(network, address string, c syscall.RawConn) error
	// Begin is closed once health checks may begin.
	Begin <-chan struct{}
	// Rules are the rules that were parsed before.
	Rules *rule.Cache
	// Proxy makes the services. Only looked at, a table has one of its own.
	Proxy *proxy.Proxy
	// Linter looks at the whole configuration.
	Linter *lint.Checker
	// Middleware is what middlewares are built with.
	Middleware middleware.Env
	Log        *slog.Logger
}
