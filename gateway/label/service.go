package label

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"axion/gateway/config"
)

var errNoPort = errors.New("port is missing")

// services gives every service its servers, and the compose service a default
// one where it names none. It reports whether all have an address.
func (d *decoder) services() bool {
	if len(d.tree.HTTP.Services) == 0 && d.wantsDefault() {
		d.tree.HTTP.Services = map[string]*service{d.defaultName(): {}}
	}
	ok := true
	for name, s := range d.tree.HTTP.Services {
		if s.LoadBalancer == nil {
			s.LoadBalancer = &balancer{}
		}
		urls, err := d.urls(s.LoadBalancer.Servers)
		if err != nil {
			ok = false
			d.problem(config.Error, d.labelOf("services", name), fmt.Sprintf("service %q: %s", name, err), d.hint(name, err))
			continue
		}
		lb := &config.LoadBalancer{HealthCheck: s.LoadBalancer.HealthCheck, PassHostHeader: s.LoadBalancer.PassHostHeader}
		for _, u := range urls {
			lb.Servers = append(lb.Servers, config.Server{URL: u})
		}
		d.set.Services[name] = &config.Service{Origin: d.origin("services", name), LoadBalancer: lb}
	}
	return ok
}

// wantsDefault reports whether something needs a service that no label defines.
// Labels that only define middlewares, or routers of services elsewhere, need
// none, and so no port.
func (d *decoder) wantsDefault() bool {
	for name, r := range d.tree.HTTP.Routers {
		if (r.Service == "" || r.Service == d.defaultName()) && d.out[ref("routers", name)] == "" {
			return true
		}
	}
	if d.has("http.routers.") {
		return false
	}
	if d.has("http.middlewares.") {
		_, err := d.urls(nil)
		return err == nil
	}
	return !d.has("tcp.") && !d.has("udp.")
}

// has reports whether a label is in this section.
func (d *decoder) has(section string) bool {
	for key := range d.Labels {
		if hasPrefix(key) && strings.HasPrefix(strings.ToLower(key[len(prefix):]), section) {
			return true
		}
	}
	return false
}

// defaultName is the name that Traefik gives to a service and router of a
// container whose labels give none.
func (d *decoder) defaultName() string {
	name := d.Name
	if d.Project != "" {
		name += "_" + d.Project
	}
	return strings.Join(strings.FieldsFunc(name, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsNumber(r)
	}), "-")
}

// urls are the upstream addresses that the server labels, of which there are at
// most one set, amount to.
func (d *decoder) urls(servers []server) ([]string, error) {
	var s server
	if len(servers) > 0 {
		s = servers[0]
	}
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
	port, err := d.port(s.Port)
	if err != nil {
		return nil, err
	}
	hosts := d.Addresses
	if len(hosts) == 0 {
		hosts = []string{d.address(port)}
	}
	urls := make([]string, len(hosts))
	for i, host := range hosts {
		urls[i] = (&url.URL{Scheme: s.Scheme, Host: host}).String()
	}
	return urls, nil
}

func scheme(s string) error {
	switch s {
	case "http", "https":
		return nil
	case "h2c":
		return errors.New("the scheme h2c is not supported yet")
	}
	return fmt.Errorf("the scheme %q is neither http nor https", s)
}

// port is the container's port: the label's, else the lowest there is.
func (d *decoder) port(label string) (int, error) {
	if label != "" {
		n, err := strconv.ParseUint(label, 10, 16)
		if err != nil || n == 0 {
			return 0, fmt.Errorf("%q is not a port", label)
		}
		return int(n), nil
	}
	ports := slices.Clone(d.Exposed)
	for _, p := range d.Ports {
		ports = append(ports, p.Target)
	}
	if len(ports) == 0 {
		if len(d.Addresses) > 0 {
			return 0, nil
		}
		return 0, errNoPort
	}
	return slices.Min(ports), nil
}

// address is where the host reaches a container's port.
func (d *decoder) address(port int) string {
	host := "127.0.0.1"
	for _, p := range d.Ports {
		if p.Target != port || p.Published == 0 {
			continue
		}
		if ip, err := netip.ParseAddr(p.HostIP); err == nil && !ip.IsUnspecified() {
			host = ip.String()
		}
		port = p.Published
		break
	}
	return net.JoinHostPort(host, strconv.Itoa(port))
}

func (d *decoder) hint(service string, err error) string {
	if !errors.Is(err, errNoPort) {
		return ""
	}
	return fmt.Sprintf("add the label traefik.http.services.%s.loadbalancer.server.port with the port it listens on", service)
}
