package config

// TCP holds the routers of raw connections, and what they refer to.
type TCP struct {
	Routers           map[string]*TCPRouter
	Services          map[string]*TCPService
	Middlewares       map[string]*TCPMiddleware
	ServersTransports map[string]*TCPServersTransport
}

// TCPRouter sends the connections that match Rule to Service.
type TCPRouter struct {
	Origin      Origin `label:"-" file:"-"`
	EntryPoints []string
	Rule        string
	RuleSyntax  string // "v3" or empty
	Priority    int    // 0 means the rule's length, as for HTTP
	Service     string // qualified after merging
	Middlewares []string
	// TLS nil means plain connections, for which only HostSNI(`*`) can be matched.
	TLS *RouterTLS `label:"allowEmpty" file:"allowEmpty"`
}

// TCPService is one way to serve a connection. Exactly one field is set.
type TCPService struct {
	Origin       Origin `label:"-" file:"-"`
	LoadBalancer *TCPLoadBalancer
	Weighted     *TCPWeighted
}

// TCPLoadBalancer spreads connections over Servers in turn.
type TCPLoadBalancer struct {
	Servers          []TCPServer
	ServersTransport string // qualified after merging
	// ProxyProtocol not nil sends servers the client's address.
	ProxyProtocol *ProxyProtocol `label:"allowEmpty" file:"allowEmpty"`
	// TerminationDelay is how long, in milliseconds, the other direction may go on
	// once one side has closed; nil means 100, negative means for ever.
	TerminationDelay *int
	HealthCheck      *TCPHealthCheck
}

// TCPServer is a server's "host:port".
type TCPServer struct {
	Address string
	TLS     bool
}

// ProxyProtocol is HAProxy's header. Version is 1 or 2; 0 means 2.
type ProxyProtocol struct {
	Version int
}

// TCPHealthCheck connects to each server, and where set sends Send and expects
// Expect. Zero values: interval 30s, timeout 5s.
type TCPHealthCheck struct {
	Port              int
	Send              string
	Expect            string
	Interval          Duration
	UnhealthyInterval Duration
	Timeout           Duration
}

// TCPWeighted spreads connections over other services by weight.
type TCPWeighted struct {
	Services []WeightedService
}

// TCPMiddleware holds exactly one non-nil field besides Origin.
type TCPMiddleware struct {
	Origin       Origin `label:"-" file:"-"`
	InFlightConn *InFlightConn
	IPAllowList  *TCPIPAllowList
	IPWhiteList  *TCPIPAllowList // the former name of IPAllowList
}

// InFlightConn bounds the connections of one client address.
type InFlightConn struct {
	Amount int64
}

// TCPIPAllowList closes connections from addresses outside SourceRange.
type TCPIPAllowList struct {
	SourceRange []string
}

// TCPServersTransport is how TCP servers are connected to. Zero values: dial
// timeout 30s, keep-alive 15s.
type TCPServersTransport struct {
	Origin           Origin `label:"-" file:"-"`
	DialTimeout      *Duration
	DialKeepAlive    *Duration
	TerminationDelay *Duration      // 100ms if nil
	ProxyProtocol    *ProxyProtocol `label:"allowEmpty" file:"allowEmpty"`
	TLS              *TCPClientTLS  `label:"allowEmpty" file:"allowEmpty"`
}

// TCPClientTLS is the TLS towards a TCP server.
type TCPClientTLS struct {
	ServerName         string
	InsecureSkipVerify bool
	RootCAs            []string
	Certificates       []KeyPair
	PeerCertURI        string
}

// UDP holds the routers of datagrams.
type UDP struct {
	Routers  map[string]*UDPRouter
	Services map[string]*UDPService
}

// UDPRouter sends an entrypoint's datagrams to Service.
type UDPRouter struct {
	Origin      Origin `label:"-" file:"-"`
	EntryPoints []string
	Service     string // qualified after merging
}

// UDPService is one way to serve datagrams. Exactly one field is set.
type UDPService struct {
	Origin       Origin `label:"-" file:"-"`
	LoadBalancer *UDPLoadBalancer
	Weighted     *TCPWeighted
}

// UDPLoadBalancer spreads sessions over Servers in turn.
type UDPLoadBalancer struct {
	Servers []UDPServer
}

// UDPServer is a server's "host:port".
type UDPServer struct {
	Address string
}
