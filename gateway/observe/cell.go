package observe

import (
	"cmp"
	"net/http"
	"strconv"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// kind is what requests are counted by.
type kind int

const (
	ofEntryPoint kind = iota
	ofRouter
	ofService
	kinds
)

var (
	kindNames  = [kinds]string{"entrypoint", "router", "service"}
	kindLabels = [kinds][]string{{"entrypoint"}, {"router", "service"}, {"service"}}
)

// seriesKey is what makes requests alike.
type seriesKey struct {
	entrypoint, router, service string
	asked                       string // the service whose server was asked, where it is another
	method, protocol            string
	headers                     string // of those that are labels, joined
	status, code                int    // code is gRPC's where that is the protocol
	tls                         uint32 // version and cipher suite; 0 without TLS
}

// recentCells is how many cells are found at once: a power of two.
const recentCells = 64

// place is where of recentCells a cell may be. It need not distinguish cells.
func (c *seriesKey) place() uint {
	h := uint(c.status) + uint(len(c.method))<<2 + uint(len(c.entrypoint))<<1 + uint(len(c.router))*7
	if n := len(c.router); n > 1 {
		h += uint(c.router[0])*5 + uint(c.router[n/2])*13
	}
	return h % recentCells
}

// newCell is the request's.
func newCell(e *Exchange, l *headerLabels) seriesKey {
	c := seriesKey{
		entrypoint: e.entrypoint, router: e.router, service: e.service,
		method: known(e.method), protocol: protocol(e), headers: l.of(e.request.Header), status: e.status, code: e.status,
	}
	if e.asked != e.service {
		c.asked = e.asked
	}
	if c.protocol == "grpc" || c.protocol == "grpc-web" {
		c.code = grpcCode(headerOf(e))
	}
	if s := e.request.TLS; s != nil {
		c.tls = uint32(s.Version)<<16 | uint32(s.CipherSuite)
	}
	return c
}

// own are the values of a kind's own labels; nil where the request had none of it.
func (c *seriesKey) own(k kind) []string {
	switch {
	case k == ofEntryPoint:
		return []string{c.entrypoint}
	case c.router == "":
		return nil
	case k == ofRouter:
		return []string{c.router, c.service}
	}
	return []string{cmp.Or(c.asked, c.service)}
}

func (c *seriesKey) labels(own []string) []string {
	return append([]string{strconv.Itoa(c.code), c.method, c.protocol}, own...)
}

func (c *seriesKey) requestLabels(own []string) []string {
	return append(split(c.headers), c.labels(own)...)
}

func (c *seriesKey) secureLabels(own []string) []string {
	if c.tls == 0 {
		return nil
	}
	return append([]string{tlsVersion(uint16(c.tls >> 16)), tlsCipher(uint16(c.tls))}, own...)
}

// attributes are those of OpenTelemetry's conventions for HTTP, and Traefik's names
// for what took the request.
func (c *seriesKey) attributes() []metric.RecordOption {
	list := []attribute.KeyValue{
		attribute.String("http.request.method", c.method), attribute.Int("http.response.status_code", c.status),
		attribute.String("network.protocol.name", c.protocol), attribute.String(entryPointKey, c.entrypoint),
		attribute.String(routerKey, c.router), attribute.String(serviceKey, c.service),
	}
	if c.status >= http.StatusInternalServerError {
		list = append(list, attribute.String("error.type", strconv.Itoa(c.status)))
	}
	return []metric.RecordOption{metric.WithAttributeSet(attribute.NewSet(list...))}
}

// The attributes that name what took a request.
const (
	entryPointKey = "traefik.entrypoint"
	routerKey     = "traefik.router"
	serviceKey    = "traefik.service"
)

// known bounds the methods reported: a client may send any word.
func known(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
		http.MethodConnect, http.MethodOptions, http.MethodTrace, "PRI":
		return method
	}
	return "EXTENSION_METHOD"
}

// protocol is what the client speaks, by Traefik's names.
func protocol(e *Exchange) string {
	h := e.request.Header
	switch {
	case e.status == http.StatusSwitchingProtocols,
		h["Upgrade"] != nil && names(h["Upgrade"], "websocket") && names(h["Connection"], "upgrade"):
		return "websocket"
	case eventStream(h["Accept"]):
		return "sse"
	}
	if kind := h["Content-Type"]; len(kind) > 0 && strings.HasPrefix(kind[0], "application/grpc") {
		if strings.HasPrefix(kind[0], "application/grpc-web") {
			return "grpc-web"
		}
		return "grpc"
	}
	return "http"
}

func eventStream(accept []string) bool {
	for _, line := range accept {
		if strings.Contains(line, "text/event-stream") {
			return true
		}
	}
	return false
}

// names reports whether one of a header's items is this word, its case aside.
func names(lines []string, word string) bool {
	for _, line := range lines {
		for item := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(strings.TrimSpace(item), word) {
				return true
			}
		}
	}
	return false
}

// unknownCode is gRPC's code for what has none.
const unknownCode = 2

// grpcCode is the code in an answer's header or trailer.
func grpcCode(h http.Header) int {
	for _, name := range []string{"Grpc-Status", http.TrailerPrefix + "Grpc-Status"} {
		if v := h[name]; len(v) > 0 {
			if n, err := strconv.Atoi(v[0]); err == nil && n >= 0 && n <= 16 {
				return n
			}
		}
	}
	return unknownCode
}
