package static

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"axion/gateway/config"
)

// checker finds values that have the right form and are none nevertheless. Each is left
// out.
type checker struct{ *report }

// check checks all of them.
func (c *checker) check(s *config.Static) {
	if p := s.Ping; p != nil && p.TerminatingStatusCode != 0 && (p.TerminatingStatusCode < 200 || p.TerminatingStatusCode > 599) {
		c.wrong("ping.terminatingStatusCode", fmt.Sprintf("%d is not a status that can be answered", p.TerminatingStatusCode),
			"it is from 200 to 599; 503 is the usual one")
		p.TerminatingStatusCode = 0
	}
	if a := s.API; a != nil && a.BasePath != "" && (a.BasePath[0] != '/' || strings.ContainsAny(a.BasePath, "`?#")) {
		c.wrong("api.basePath", fmt.Sprintf("%q is not an absolute path, and Traefik does not start with it", a.BasePath),
			"write one such as /traefik")
		a.BasePath = ""
	}
	if s.AccessLog != nil {
		c.checkAccessLog(s.AccessLog)
	}
	if s.Metrics != nil {
		c.checkMetrics(s.Metrics.Prometheus)
	}
	for _, name := range slices.Sorted(maps.Keys(s.EntryPoints)) {
		c.checkProxyProtocol(name, s.EntryPoints[name])
	}
}

// checkProxyProtocol reports a PROXY protocol that nobody may speak, which Traefik's
// TCP listeners refuse.
func (c *checker) checkProxyProtocol(name string, e *config.EntryPoint) {
	p := e.ProxyProtocol
	if p == nil || p.Insecure || len(p.TrustedIPs) > 0 || strings.HasSuffix(strings.ToLower(e.Address), "/udp") {
		return
	}
	c.wrong("entryPoints."+name+".proxyProtocol", "nobody is trusted to speak it, and Traefik does not start with it",
		"list the balancers in front under trustedIPs, or set insecure for a test")
	e.ProxyProtocol = nil
}

func (c *checker) checkMetrics(p *config.Prometheus) {
	for _, m := range p.Mistakes() {
		c.wrong("metrics.prometheus."+m.Label, m.Message, m.Fix)
		if label, ok := strings.CutPrefix(m.Label, "headerLabels."); ok {
			delete(p.HeaderLabels, label)
		} else {
			p.Buckets = nil
		}
	}
}

func (c *checker) checkAccessLog(log *config.AccessLog) {
	if !slices.Contains([]string{"", "common", "genericCLF", "json"}, log.Format) {
		c.warn("accessLog.format", fmt.Sprintf("%q is none of common, genericCLF and json: common is used, as by Traefik", log.Format))
		log.Format = ""
	}
	if f := log.Filters; f != nil {
		f.StatusCodes = slices.DeleteFunc(f.StatusCodes, func(text string) bool {
			low, high, _ := strings.Cut(text, "-")
			bad := !isStatus(low) || high != "" && !isStatus(high)
			if bad {
				c.wrong("accessLog.filters.statusCodes", fmt.Sprintf("%q is not a status", text), "write one such as 404, or a range such as 500-599")
			}
			return bad
		})
	}
	f := log.Fields
	if f == nil {
		return
	}
	field := []string{"keep", "drop", "redact"}
	c.checkMode("accessLog.fields", &f.DefaultMode, f.Names, field)
	if f.Headers != nil {
		c.checkMode("accessLog.fields.headers", &f.Headers.DefaultMode, f.Headers.Names, field)
	}
	if f.QueryParameters != nil {
		c.checkMode("accessLog.fields.queryParameters", &f.QueryParameters.DefaultMode, nil, []string{"keep", "drop"})
	}
}

// checkMode leaves out what is no mode: the usual one holds.
func (c *checker) checkMode(path string, mode *string, names map[string]string, modes []string) {
	none := func(path, mode string) bool {
		if mode == "" || slices.ContainsFunc(modes, func(m string) bool { return strings.EqualFold(m, mode) }) {
			return false
		}
		c.warn(path, fmt.Sprintf("%q is none of %s: the usual mode holds, as with Traefik", mode, strings.Join(modes, ", ")))
		return true
	}
	if none(path+".defaultMode", *mode) {
		*mode = ""
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if none(path+".names."+name, names[name]) {
			delete(names, name)
		}
	}
}

func isStatus(text string) bool {
	n, err := strconv.Atoi(strings.TrimSpace(text))
	return err == nil && n >= 100 && n <= 999
}

func (c *checker) wrong(path, message, hint string) {
	c.problem(config.Error, c.lines[strings.ToLower(path)], path+": "+message, hint)
}

func (c *checker) warn(path, message string) {
	c.problem(config.Warning, c.lines[strings.ToLower(path)], path+": "+message, "")
}
