package lint

import (
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"

	"axion/gateway/config"
)

func (c *checker) services() {
	each(c, c.dynamic.Services, func(name string, s *config.Service) { // of failovers others matter
		if s.Failover != nil {
			c.failover(c.at(s.Origin, "http.services", name), s.Failover)
		}
	})
	eachNew(c, c.dynamic.Services, func(name string, s *config.Service) {
		t := c.at(s.Origin, "http.services", name)
		negative(t, "", reflect.ValueOf(*s))
		for _, f := range Service(s) {
			t.warn(f.Path, f.Message, f.Hint)
		}
		switch {
		case s.LoadBalancer != nil:
			c.balancer(t, s.LoadBalancer)
		case s.Weighted != nil:
			sticky(t, "weighted", s.Weighted.Sticky)
			weights(t, "weighted.services", s.Weighted.Services)
		case s.HighestRandomWeight != nil:
			weights(t, "highestrandomweight.services", s.HighestRandomWeight.Services)
		}
	})
	each(c, c.dynamic.TCP.Services, func(name string, s *config.TCPService) {
		t := c.at(s.Origin, "tcp.services", name)
		negative(t, "", reflect.ValueOf(*s))
		if s.Weighted != nil {
			weights(t, "weighted.services", s.Weighted.Services)
		}
		if s.LoadBalancer != nil && len(s.LoadBalancer.Servers) == 0 && s.Origin.Provider == "file" {
			t.warn("loadbalancer.servers", "there is no server: every connection is closed", t.add("loadBalancer.servers"))
		}
	})
}

func (c *checker) balancer(t thing, lb *config.LoadBalancer) {
	sticky(t, "loadbalancer", lb.Sticky)
	if len(lb.Servers) == 0 && t.origin.Provider == "file" {
		t.warn("loadbalancer.servers", "there is no server: every request is answered 503", t.add("loadBalancer.servers"))
	}
	for i, s := range lb.Servers {
		field := "loadbalancer.server.url"
		if t.origin.Provider == "file" {
			field = fmt.Sprintf("loadbalancer.servers[%d].url", i)
		}
		u, err := url.Parse(s.URL)
		if err != nil {
			continue
		}
		if u.Port() != "" && !isPort(u.Port()) {
			t.warn(field, fmt.Sprintf("%q is not a port: every request is answered 502", u.Port()), "write a port from 1 to 65535")
		}
		if strings.Trim(u.Path, "/") != "" && !s.PreservePath {
			t.warn(field, fmt.Sprintf("the path %q is passed over, as in Traefik", u.Path), "set preservePath, or use the middleware addPrefix")
		}
	}
	h := lb.HealthCheck
	if h == nil {
		return
	}
	interval, timeout := time.Duration(h.Interval), time.Duration(h.Timeout)
	if interval > 0 && timeout >= interval {
		t.warn("loadbalancer.healthcheck.timeout", fmt.Sprintf("%s is not less than the interval, %s: a check that hangs holds up the next",
			timeout, interval), "make it shorter")
	}
	if strings.ContainsAny(h.Hostname, ":/ ") {
		t.warn("loadbalancer.healthcheck.hostname", fmt.Sprintf("%q is not the name of a host", h.Hostname), "write the host alone")
	}
	if h.Status != 0 && (h.Status < 100 || h.Status > 599) {
		t.warn("loadbalancer.healthcheck.status", fmt.Sprintf("%d is not the status of an answer: no server is ever healthy", h.Status), "")
	}
}

func sticky(t thing, kind string, s *config.Sticky) {
	if s == nil {
		return
	}
	field := kind + ".sticky"
	if s.Cookie == nil {
		t.warn(field, "without a cookie nothing sticks", t.add(field+".cookie"))
		return
	}
	if strings.EqualFold(s.Cookie.SameSite, "none") && !s.Cookie.Secure {
		t.warn(field+".cookie.secure", "browsers refuse a cookie with SameSite=None that is not secure", t.add(field+".cookie.secure"))
	}
	if s.Cookie.Path != nil && !strings.HasPrefix(*s.Cookie.Path, "/") {
		t.warn(field+".cookie.path", fmt.Sprintf("%q does not start with a slash: browsers pass it over", *s.Cookie.Path),
			"write /"+*s.Cookie.Path)
	}
	if strings.ContainsAny(s.Cookie.Domain, ":/ ") {
		t.warn(field+".cookie.domain", fmt.Sprintf("%q is not the name of a host: browsers refuse the cookie", s.Cookie.Domain),
			"write the host alone")
	}
}

// weights reports a service of services that nothing reaches.
func weights(t thing, field string, list []config.WeightedService) {
	if !slices.ContainsFunc(list, func(s config.WeightedService) bool { return s.Weight == nil || *s.Weight > 0 }) {
		t.warn(field, "no service there has a weight: every request is answered 503", "give one a weight above 0")
	}
}

// failover reports one whose main service never counts as down.
func (c *checker) failover(t thing, f *config.Failover) {
	main := c.dynamic.Services[f.Service]
	if f.Errors == nil && main != nil && main.LoadBalancer != nil && main.LoadBalancer.HealthCheck == nil &&
		main.LoadBalancer.PassiveHealthCheck == nil {
		t.warn("failover.service", fmt.Sprintf("%q has no health check, and so never gives way to the fallback", bare(f.Service)),
			"give it a healthCheck")
	}
}

func (c *checker) transports() {
	each(c, c.dynamic.ServersTransports, func(name string, s *config.ServersTransport) {
		negative(c.at(s.Origin, "http.serversTransports", name), "", reflect.ValueOf(*s))
	})
	each(c, c.dynamic.TCP.ServersTransports, func(name string, s *config.TCPServersTransport) {
		negative(c.at(s.Origin, "tcp.serversTransports", name), "", reflect.ValueOf(*s))
	})
}

// signed are numbers of which negative ones have a meaning, or that whoever builds
// them refuses.
var signed = []string{"origin", "maxage", "flushinterval", "terminationdelay", "priority", "maxidleconnsperhost", "maxbodysize",
	"maxrequestbodybytes", "servers", "port", "percent"}

// negative reports negative numbers, which count as if they were not there.
func negative(t thing, field string, v reflect.Value) {
	if !anyNegative(v) {
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			negative(t, field, v.Elem())
		}
	case reflect.Struct:
		for i := range v.NumField() {
			name := strings.ToLower(v.Type().Field(i).Name)
			if field != "" {
				name = field + "." + name
			}
			if !slices.Contains(signed, name[strings.LastIndexByte(name, '.')+1:]) {
				negative(t, name, v.Field(i))
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			negative(t, fmt.Sprintf("%s[%d]", field, i), v.Index(i))
		}
	case reflect.Int, reflect.Int64:
		if v.Int() < 0 {
			t.warn(field, fmt.Sprintf("%v is negative: it is passed over", v.Interface()), "")
		}
	}
}

// anyNegative reports whether there is one, before names are made for all fields.
func anyNegative(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Pointer:
		return !v.IsNil() && anyNegative(v.Elem())
	case reflect.Struct:
		for i := range v.NumField() {
			if anyNegative(v.Field(i)) {
				return true
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			if anyNegative(v.Index(i)) {
				return true
			}
		}
	case reflect.Int, reflect.Int64:
		return v.Int() < 0
	}
	return false
}

// bare is a name without its provider.
func bare(name string) string {
	name, _, _ = strings.Cut(name, "@")
	return name
}
