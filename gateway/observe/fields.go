package observe

import (
	"cmp"
	"crypto/tls"
	"maps"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"axion/gateway/hostname"
)

// maxValue bounds the bytes of one value in a line: a client may send a header or a
// path of a megabyte.
const maxValue = 8 << 10

// fields are those of a JSON line, under Traefik's names and of its types.
func (l *accessLog) fields(e *Exchange, took time.Duration, count int64) map[string]any {
	all := fieldsOf(e, took)
	all["RequestCount"], all["RequestPath"] = count, l.path(e)
	out := make(map[string]any, len(all)+8)
	for name, value := range all {
		if v, ok := l.modes.apply(name, value); ok {
			out[name] = v
		}
	}
	// Those of the line itself are no fields that could be dropped.
	out["time"], out["level"], out["msg"] = e.start.Format(time.RFC3339), "info", ""
	if l.headers {
		l.addHeaders(out, "request_", e.request.Header)
		if e.detail != nil {
			l.addHeaders(out, "origin_", e.detail.origin)
		}
		l.addHeaders(out, "downstream_", headerOf(e))
	}
	return out
}

func (l *accessLog) addHeaders(out map[string]any, prefix string, header http.Header) {
	for name, values := range header {
		if v, ok := l.headerModes.apply(name, ""); ok && values != nil {
			if v == "" {
				v = bounded(strings.Join(values, ","))
			}
			out[prefix+name] = v
		}
	}
}

// fieldsOf are what is known of the request. What there is not, such as the router of a
// request that none took, is left out.
func fieldsOf(e *Exchange, took time.Duration) map[string]any {
	r := e.request
	client, port := splitPort(r.RemoteAddr)
	all := map[string]any{
		"StartUTC": e.start.UTC().Format(time.RFC3339Nano), "StartLocal": e.start.Format(time.RFC3339Nano),
		"Duration": took.Nanoseconds(), "Overhead": took.Nanoseconds(),
		"ClientAddr": r.RemoteAddr, "ClientHost": client, "ClientPort": port, "ClientUsername": orDash(bounded(user(e))),
		"RequestMethod": bounded(e.method), "RequestProtocol": r.Proto, "RequestScheme": "http",
		"RequestContentSize": readBytes(e), "RetryAttempts": e.retries,
		"DownstreamStatus": e.status, "DownstreamContentSize": e.size,
		"OriginDuration": int64(0), "OriginStatus": 0, "OriginContentSize": int64(0),
		"entryPointName": e.entrypoint,
	}
	if e.host != "" {
		host, port := splitPort(e.host)
		all["RequestAddr"], all["RequestHost"], all["RequestPort"] = bounded(e.host), bounded(host), bounded(port)
	}
	maps.Copy(all, given(map[string]string{
		"RouterName": e.router, "ServiceName": serviceName(e), "ServiceURL": serverURL(e), "Fault": e.fault,
	}))
	if e.server != nil {
		all["ServiceAddr"] = e.server.Host
	}
	if s := r.TLS; s != nil {
		all["RequestScheme"], all["TLSVersion"], all["TLSCipher"] = "https", tlsVersion(s.Version), tlsCipher(s.CipherSuite)
		if len(s.PeerCertificates) > 0 {
			all["TLSClientSubject"] = bounded(s.PeerCertificates[0].Subject.String())
		}
	}
	if e.detail != nil {
		e.detail.add(all, took, e.size)
	}
	return all
}

// add reports the server that was asked, and the trace.
func (d *detail) add(all map[string]any, took time.Duration, size int64) {
	if d.client != "" {
		all["ClientHost"] = bounded(d.client)
	}
	if d.span.IsValid() {
		all["TraceId"], all["SpanId"] = d.span.TraceID().String(), d.span.SpanID().String()
	}
	if d.asked.IsZero() {
		return
	}
	all["OriginDuration"], all["OriginStatus"], all["OriginContentSize"] = d.took.Nanoseconds(), d.status, d.size
	all["Overhead"] = max(took-d.took, 0).Nanoseconds()
	if size != 0 && size != d.size {
		all["GzipRatio"] = float64(d.size) / float64(size)
	}
}

// serviceName is that of the service whose server was asked, or else the router's.
func serviceName(e *Exchange) string {
	if e.asked != "" {
		return e.asked
	}
	return e.service
}

// given leaves out what is empty.
func given(values map[string]string) map[string]any {
	some := map[string]any{}
	for name, value := range values {
		if value != "" {
			some[name] = value
		}
	}
	return some
}

// modes say what becomes of fields, or of headers: keep, drop or redact.
type modes struct {
	usual string
	names map[string]string // by name in lower case
}

func newModes(usual, mode string, names map[string]string) modes {
	m := modes{usual: usual, names: make(map[string]string, len(names))}
	if mode = strings.ToLower(mode); mode == "keep" || mode == "drop" || mode == "redact" {
		m.usual = mode
	}
	for name, mode := range names {
		m.names[strings.ToLower(name)] = strings.ToLower(mode)
	}
	return m
}

// keepsAny reports whether anything is kept.
func (m modes) keepsAny() bool {
	for _, mode := range m.names {
		if mode != "drop" {
			return true
		}
	}
	return m.usual != "drop"
}

// apply keeps, drops or redacts a value.
func (m modes) apply(name string, value any) (any, bool) {
	mode, ok := m.names[strings.ToLower(name)]
	if !ok || mode != "keep" && mode != "drop" && mode != "redact" {
		mode = m.usual
	}
	if mode == "redact" {
		return "REDACTED", true
	}
	return value, mode != "drop"
}

// bounded cuts what is too long, between two characters.
func bounded(text string) string {
	if len(text) <= maxValue {
		return text
	}
	end := maxValue
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + "…"
}

// splitPort is host and port; the port is "-" where there is none, as in Traefik.
func splitPort(addr string) (host, port string) {
	host, port, err := hostname.Split(addr)
	if err != nil {
		return addr, "-"
	}
	return host, cmp.Or(port, "-")
}

// pathAndQuery is a request's target without scheme and host, which HTTP/1 clients
// send to proxies (RFC 9112, section 3.2.2).
func pathAndQuery(uri string) string {
	if strings.HasPrefix(uri, "/") {
		return uri
	}
	if _, rest, ok := strings.Cut(uri, "://"); ok {
		if i := strings.IndexAny(rest, "/?"); i >= 0 {
			return rest[i:]
		}
		return "/"
	}
	return uri
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

func tlsVersion(v uint16) string {
	switch v {
	case tls.VersionTLS10:
		return "1.0"
	case tls.VersionTLS11:
		return "1.1"
	case tls.VersionTLS12:
		return "1.2"
	case tls.VersionTLS13:
		return "1.3"
	}
	return "unknown"
}

func tlsCipher(id uint16) string {
	if name := tls.CipherSuiteName(id); !strings.HasPrefix(name, "0x") {
		return name
	}
	return "unknown"
}
