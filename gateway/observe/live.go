package observe

import (
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

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

// Certificate is one that handshakes get, for the hosts of Names.
type Certificate struct {
	Name, Serial string // of its subject, and its own
	Names        []string
	NotAfter     time.Time
}

// live says what is asked for only when metrics are read, so that it is never stale
// and costs requests nothing.
type live struct {
	servers      func() []Server
	connections  func() []Connections
	certificates func() []Certificate
}

var (
	_ prometheus.Collector = live{}

	serverUp = desc("traefik_service_server_up", "1 for servers that are up, 0 for others.", "service", "url")
	notAfter = desc("traefik_tls_certs_not_after", "When certificates end, in Unix seconds.", "cn", "serial", "sans")
	opened   = desc("traefik_open_connections", "Open connections, by entrypoint.", "entrypoint", "protocol")
)

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, labels, nil)
}

// Describe says which metrics there are.
func (live) Describe(to chan<- *prometheus.Desc) {
	to <- serverUp
	to <- opened
	to <- notAfter
}

// Collect sends their values.
func (l live) Collect(to chan<- prometheus.Metric) {
	if l.servers != nil {
		reported := map[Server]bool{} // one server may be there twice, with other weights
		for _, s := range l.servers() {
			key := Server{Service: s.Service, URL: s.URL}
			if reported[key] {
				continue
			}
			reported[key] = true
			value := 0.0
			if s.Up {
				value = 1
			}
			to <- prometheus.MustNewConstMetric(serverUp, prometheus.GaugeValue, value, s.Service, s.URL)
		}
	}
	l.collectCertificates(to)
	if l.connections != nil {
		for _, c := range l.connections() {
			to <- prometheus.MustNewConstMetric(opened, prometheus.GaugeValue, float64(c.Open), c.EntryPoint, c.Protocol)
		}
	}
}

func (l live) collectCertificates(to chan<- prometheus.Metric) {
	if l.certificates == nil {
		return
	}
	reported := map[string]bool{}
	for _, c := range l.certificates() {
		names := slices.Clone(c.Names)
		slices.Sort(names)
		sans := strings.Join(names, ",")
		if key := c.Name + separator + c.Serial + separator + sans; reported[key] {
			continue
		} else {
			reported[key] = true
		}
		to <- prometheus.MustNewConstMetric(notAfter, prometheus.GaugeValue, float64(c.NotAfter.Unix()), strings.ToValidUTF8(c.Name, ""),
			c.Serial, sans)
	}
}
