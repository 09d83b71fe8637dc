package observe

import "github.com/prometheus/client_golang/prometheus"

// Server is a service's server and whether it is up.
type Server struct {
	Service, URL string
	Up           bool
}

// Connections are those open on an entrypoint; Protocol is TCP or UDP.
type Connections struct {
	EntryPoint, Protocol string
	Open                 int
}

// live tells what is asked for only when metrics are read, so that it is never stale
// and costs requests nothing.
type live struct {
	servers     func() []Server
	connections func() []Connections
}

var (
	_ prometheus.Collector = live{}

	serverUp = prometheus.NewDesc("traefik_service_server_up", "1 for servers that are up, 0 for others.", []string{"service", "url"}, nil)
	opened   = prometheus.NewDesc("traefik_open_connections", "Open connections, by entrypoint.", []string{"entrypoint", "protocol"}, nil)
)

// Describe tells which metrics there are.
func (live) Describe(to chan<- *prometheus.Desc) {
	to <- serverUp
	to <- opened
}

// Collect tells their values.
func (l live) Collect(to chan<- prometheus.Metric) {
	if l.servers != nil {
		told := map[Server]bool{} // one server may be there twice, with other weights
		for _, s := range l.servers() {
			key := Server{Service: s.Service, URL: s.URL}
			if told[key] {
				continue
			}
			told[key] = true
			value := 0.0
			if s.Up {
				value = 1
			}
			to <- prometheus.MustNewConstMetric(serverUp, prometheus.GaugeValue, value, s.Service, s.URL)
		}
	}
	if l.connections != nil {
		for _, c := range l.connections() {
			to <- prometheus.MustNewConstMetric(opened, prometheus.GaugeValue, float64(c.Open), c.EntryPoint, c.Protocol)
		}
	}
}
