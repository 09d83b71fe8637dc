package label

import (
	"axion/gateway/config"
	"fmt"
	"strings"
)

// enabled reports whether the labels count at all.
func (r *report) enabled() bool {
	enabled := len(r.keys) > 0 && !r.RequireEnable
	for _, k := range r.keys {
		if !strings.EqualFold(k, prefix+"enable") {
			continue
		}
		switch v := strings.ToLower(r.Labels[k]); v {
		case "true", "1", "t":
			enabled = true
		case "false", "0", "f":
			return false
		default:
			r.problem(config.Error, k, fmt.Sprintf("%q is neither true nor false", v), "write true, in quotes where labels are a mapping")
			return false
		}
	}
	return enabled
}

// disabled reports whether traefik.enable switches the labels off, and whether they
// do not count only because it is missing.
func (r *report) disabled() (off, forgotten bool) {
	forgotten = r.RequireEnable
	for _, k := range r.keys {
		if strings.EqualFold(k, prefix+"enable") {
			v := strings.ToLower(r.Labels[k])
			off, forgotten = v == "false" || v == "0" || v == "f", false
		}
	}
	return off, forgotten && (r.has("http.") || r.has("tcp.") || r.has("udp."))
}

// warnForgotten warns that traefik.enable is missing.
func (r *report) warnForgotten() *config.Unserved {
	const why = "traefik.enable is missing, and Traefik's exposedByDefault is false"
	hint := "add the label traefik.enable=true"
	r.problem(config.Warning, r.keys[0], "the labels of this service are ignored: "+why, hint)
	return WouldServe(r.Service, why, hint)
}

// WouldServe is what the labels of a service that does not count would configure.
func WouldServe(s Service, why, hint string) *config.Unserved {
	s.RequireEnable = false
	set := Decode(s)
	return &config.Unserved{Origin: set.Origin, Why: why, Hint: hint, Routers: set.Routers}
}
