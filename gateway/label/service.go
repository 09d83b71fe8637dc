package label

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"reflect"
	"slices"
	"strings"

	"axion/gateway/config"
)

// services gives every HTTP service its servers, and the compose service a
// default one where it names none. It reports whether all have an address.
func (d *decoder) services() bool {
	if len(d.tree.HTTP.Services) == 0 && d.wantsDefault() {
		d.tree.HTTP.Services = map[string]*service{d.defaultName(): {}}
	}
	ok := true
	for _, name := range slices.Sorted(maps.Keys(d.tree.HTTP.Services)) {
		s := d.tree.HTTP.Services[name]
		composed := s.Service // of other services
		composed.Origin, composed.Middlewares = d.origin("http", "services", name), filled(s.Middlewares)
		if len(kindsOf(reflect.ValueOf(composed))) > 0 {
			if ok = d.composed("http", name, &composed, s.LoadBalancer != nil) && ok; ok {
				put(&d.set.Services, name, &composed)
			}
			continue
		}
		if s.LoadBalancer == nil {
			s.LoadBalancer = &balancer{}
		}
		lb, err := d.balancer(s.LoadBalancer)
		if err != nil {
			ok = false
			d.refuse("http", name, err)
			continue
		}
		put(&d.set.Services, name, &config.Service{Origin: composed.Origin, Middlewares: composed.Middlewares, LoadBalancer: lb})
	}
	return ok
}

// composed refuses a service of other services that is also something else.
func (d *decoder) composed(section, name string, v any, servers bool) bool {
	if servers {
		d.problem(config.Error, d.labelOf(section, "services", name),
			fmt.Sprintf("the service %q has servers and is composed of other services", name), "give each its own name")
		return false
	}
	if !d.single(section, "services", name, v) {
		return false
	}
	d.problem(config.Notice, d.labelOf(section, "services", name),
		fmt.Sprintf("the service %q is composed of others by labels, which Traefik ignores", name),
		"put it into a file of the file provider if Traefik is to follow it too")
	return true
}

func (d *decoder) refuse(section, name string, err error) {
	hint := ""
	if errors.Is(err, errNoPort) {
		hint = fmt.Sprintf("add the label traefik.%s.services.%s.loadbalancer.server.port with the port it listens on", section, name)
	}
	d.problem(config.Error, d.labelOf(section, "services", name), fmt.Sprintf("service %q: %s", name, err), hint)
}

// wantsDefault reports whether something needs a service that no label defines.
// Labels that only define middlewares, or routers of services elsewhere, need
// none, and so no port.
func (d *decoder) wantsDefault() bool {
	for _, r := range d.tree.HTTP.Routers {
		if r.Service == "" || r.Service == d.defaultName() {
			return true
		}
	}
	if len(d.tree.HTTP.Routers) > 0 {
		return false
	}
	if d.has("http.middlewares.") || d.has("tls.") {
		_, err := d.port("", false)
		return err == nil && !d.has("tcp.") && !d.has("udp.")
	}
	return !d.has("tcp.") && !d.has("udp.")
}

// has reports whether a label is in this section.
func (d *decoder) has(section string) bool {
	return slices.ContainsFunc(d.keys, func(key string) bool {
		return strings.HasPrefix(strings.ToLower(key[len(prefix):]), section)
	})
}

// balancer gives the servers that the labels describe their addresses.
func (d *decoder) balancer(b *balancer) (*config.LoadBalancer, error) {
	var s server
	if len(b.Servers) > 0 {
		s = b.Servers[0]
	}
	urls, err := d.urls(s)
	if err != nil {
		return nil, err
	}
	lb := b.LoadBalancer
	for _, u := range urls {
		lb.Servers = append(lb.Servers, config.Server{URL: u, Weight: s.Weight, PreservePath: s.PreservePath})
	}
	return &lb, nil
}

// urls are the upstream addresses that the server labels amount to.
func (d *decoder) urls(s server) ([]string, error) {
	if s.URL != "" {
		if s.Scheme != "" || s.Port != "" {
			return nil, errors.New("server.url excludes server.scheme and server.port")
		}
		u, err := url.Parse(s.URL)
		if err != nil || u.Host == "" {
			return nil, fmt.Errorf("%q is not a URL such as http://127.0.0.1:3000", s.URL)
		}
		return []string{s.URL}, scheme(u.Scheme)
	}
	if s.Scheme == "" {
		s.Scheme = "http"
	}
	if err := scheme(s.Scheme); err != nil {
		return nil, err
	}
	hosts, err := d.hosts(s.Port, false)
	if err != nil {
		return nil, err
	}
	for i, host := range hosts {
		hosts[i] = s.Scheme + "://" + host
	}
	return hosts, nil
}

func scheme(s string) error {
	switch s {
	case "http", "https", "h2c":
		return nil
	}
	return fmt.Errorf("the scheme %q is none of http, https and h2c", s)
}
