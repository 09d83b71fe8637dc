package observe

import (
	"strconv"
	"strings"
	"time"

	"axion/gateway/secret"
)

// common appends Traefik's form of the Common Log Format, or that format itself.
func (l *accessLog) common(b []byte, e *Exchange, took time.Duration, count int64) []byte {
	b = append(b, clean(l.shown("ClientHost", clientHost(e)))...)
	b = append(b, " - "...)
	b = append(b, clean(l.shown("ClientUsername", user(e)))...)
	b = append(b, ' ')
	if l.shown("StartUTC", "-") == "" {
		b = append(b, "[-]"...)
	} else {
		b = e.start.AppendFormat(b, "[02/Jan/2006:15:04:05 -0700]")
	}
	b = append(b, ' ')
	b = strconv.AppendQuote(b, orDash(l.shown("RequestMethod", bounded(e.method)))+" "+orDash(l.shown("RequestPath", l.path(e)))+" "+
		orDash(l.shown("RequestProtocol", e.request.Proto)))
	b = l.number(b, "OriginStatus", int64(e.status))
	b = l.number(b, "OriginContentSize", e.size)
	for _, name := range []string{"Referer", "User-Agent"} {
		b = append(b, ' ')
		b = quoted(b, l.header(name, e.request.Header.Get(name)))
	}
	if l.config.Format == formatGeneric {
		return append(b, '\n')
	}
	b = l.number(b, "RequestCount", count)
	b = append(b, ' ')
	b = quoted(b, l.shown("RouterName", e.router))
	b = append(b, ' ')
	b = quoted(b, l.shown("ServiceURL", serverURL(e)))
	b = l.number(b, "Duration", took.Milliseconds())
	b = append(b, "ms"...)
	if e.fault != "" {
		b = append(b, " fault="...)
		b = strconv.AppendQuote(b, e.fault)
	}
	return append(b, '\n')
}

// number appends a space and a field that is a number.
func (l *accessLog) number(b []byte, name string, n int64) []byte {
	b = append(b, ' ')
	if l.config.Fields != nil {
		return append(b, orDash(l.shown(name, strconv.FormatInt(n, 10)))...)
	}
	return strconv.AppendInt(b, n, 10)
}

// shown is a field as its mode has it, empty where it is dropped.
func (l *accessLog) shown(name, value string) string {
	if l.config.Fields == nil {
		return value
	}
	return shown(l.modes, name, value)
}

// header is a request header as its mode has it. Those of the Common Log Format are
// reported unless something is said of headers.
func (l *accessLog) header(name, value string) string {
	if l.config.Fields == nil || l.config.Fields.Headers == nil {
		return value
	}
	return shown(l.headerModes, name, value)
}

func shown(m modes, name, value string) string {
	v, ok := m.apply(name, value)
	if !ok {
		return ""
	}
	return v.(string) // as it was handed over, or redacted
}

// path is the request's, without its query where queries are dropped. Where nothing is
// said of them, what they have of secrets is hidden: browsers can send the token of a
// WebSocket nowhere else.
func (l *accessLog) path(e *Exchange) string {
	path, mode := pathAndQuery(e.uri), ""
	if f := l.config.Fields; f != nil && f.QueryParameters != nil {
		mode = strings.ToLower(f.QueryParameters.DefaultMode)
	}
	switch mode {
	case "drop":
		path, _, _ = strings.Cut(path, "?")
	case "":
		path = secret.URL(path)
	}
	return bounded(path)
}

// internal reports whether the gateway answers for a service itself.
func internal(service string) bool { return strings.HasSuffix(service, "@internal") }
