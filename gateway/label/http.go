package label

import (
	"axion/gateway/config"
	"axion/gateway/rule"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"reflect"
	"slices"
)

// httpDecoder decodes HTTP's services and routers.
type httpDecoder struct{ *decoder }

// services gives every HTTP service its servers, and the compose service a
// default one where it names none. It reports whether all have an address.
func (d httpDecoder) services() bool {
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

// wantsDefault reports whether something needs a service that no label defines.
// Labels that only define middlewares, or routers of services elsewhere, need
// none, and so no port.
func (d httpDecoder) wantsDefault() bool {
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

// balancer gives the servers that the labels describe their addresses.
func (d httpDecoder) balancer(b *balancer) (*config.LoadBalancer, error) {
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
func (d httpDecoder) urls(s server) ([]string, error) {
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

// routers gives every router its rule and service, and the compose service a
// default one where its labels define none. One that lacks either, or whose rule
// cannot be read, is left out by itself, as in Traefik. complete says that no service is missing for a mistake
// reported already.
func (d httpDecoder) routers(complete bool) {
	routers := d.tree.HTTP.Routers
	if len(routers) == 0 && len(d.set.Services) == 1 {
		routers = map[string]*config.Router{d.defaultName(): {}}
	}
	services := slices.Sorted(maps.Keys(d.set.Services))
	for _, name := range slices.Sorted(maps.Keys(routers)) {
		r := routers[name]
		r.Origin = d.origin("http", "routers", name)
		r.EntryPoints, r.Middlewares = filled(r.EntryPoints), filled(r.Middlewares)
		if !d.syntax("http", name, r.RuleSyntax) {
			continue
		}
		sound := r.Rule != "" || d.defaultRule(name, r)
		linked := !complete || d.linkService("http", name, &r.Service, services)
		if sound && d.check(name, r) && linked {
			put(&d.set.Routers, name, r)
		}
	}
}

// defaultRule gives a router the default rule.
func (d httpDecoder) defaultRule(name string, r *config.Router) bool {
	if d.DefaultRule == nil {
		r.Rule = "Host(`" + d.defaultName() + "`)"
		return true
	}
	var err error
	if r.Rule, err = d.DefaultRule.rule(&d.Service); err != nil {
		d.problem(config.Error, d.labelOf("http", "routers", name), fmt.Sprintf("the default rule cannot be made: %v", err),
			fmt.Sprintf("add the label traefik.http.routers.%s.rule", name))
		return false
	}
	return true
}

// check parses the rule.
func (d httpDecoder) check(name string, r *config.Router) bool {
	_, err := d.Rules.Parse(r.Rule)
	if err == nil {
		return true
	}
	hint := ""
	if e, ok := errors.AsType[*rule.Error](err); ok {
		hint = e.Hint()
	}
	d.problem(config.Error, d.fieldLabel("http", "routers", name, "rule"), err.Error(), hint)
	return false
}
