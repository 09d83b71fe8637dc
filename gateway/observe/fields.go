package observe

import (
	"net"
	"strings"
	"time"
)

// fields are those of a JSON line, under Traefik's names.
func (l *accessLog) fields(e *Exchange, took time.Duration, count int64) map[string]any {
	r := e.request
	_, port, _ := net.SplitHostPort(r.RemoteAddr)
	all := map[string]any{
		"time": e.start.Format(time.RFC3339), "level": "info", "msg": "",
		"StartUTC": e.start.UTC().Format(time.RFC3339Nano), "StartLocal": e.start.Format(time.RFC3339Nano),
		"Duration": took.Nanoseconds(), "ClientAddr": r.RemoteAddr, "ClientHost": clientHost(r), "ClientPort": port,
		"ClientUsername": user(r), "RequestAddr": e.host, "RequestHost": host(e.host), "RequestMethod": e.method, "RequestPath": e.uri,
		"RequestProtocol": r.Proto, "RequestScheme": scheme(e), "RequestContentSize": max(r.ContentLength, 0), "RequestCount": count,
		"DownstreamStatus": e.status, "DownstreamContentSize": e.size, "RetryAttempts": e.retries,
		"RouterName": e.router, "ServiceName": e.service, "ServiceURL": e.serverURL(), "entryPointName": e.entrypoint,
	}
	if e.fault != "" {
		all["Fault"] = e.fault
	}
	f := l.config.Fields
	if f == nil {
		return all
	}
	out := make(map[string]any, len(all))
	for name, value := range all {
		if v, ok := treat(f.DefaultMode, "keep", f.Names, name, value); ok {
			out[name] = v
		}
	}
	if f.Headers == nil {
		return out
	}
	for name, values := range r.Header {
		if v, ok := treat(f.Headers.DefaultMode, "drop", f.Headers.Names, name, strings.Join(values, ",")); ok {
			out["request_"+name] = v
		}
	}
	return out
}

// treat keeps, drops or redacts one field.
func treat(mode, usual string, names map[string]string, name string, value any) (any, bool) {
	if mode == "" {
		mode = usual
	}
	for n, m := range names {
		if strings.EqualFold(n, name) {
			mode = m
		}
	}
	switch strings.ToLower(mode) {
	case "drop":
		return nil, false
	case "redact":
		return "REDACTED", true
	}
	return value, true
}

func host(addr string) string {
	if h, _, err := net.SplitHostPort(addr); err == nil {
		return h
	}
	return addr
}

func scheme(e *Exchange) string {
	if e.request.TLS != nil {
		return "https"
	}
	return "http"
}
