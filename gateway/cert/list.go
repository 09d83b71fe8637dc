package cert

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"maps"
	"slices"
	"time"

	"github.com/caddyserver/certmagic"

	"axion/gateway/config"
)

// Where a [Certificate] comes from.
const (
	FromFile  = "file"  // the user's own
	FromACME  = "acme"  // an ACME server, by a resolver
	FromLocal = "local" // this machine's own authority
)

// Certificate is what handshakes for some hosts get.
type Certificate struct {
	Hosts  []string `json:"hosts"`
	Source string   `json:"source" enum:"file,acme,local"`
	// Issued is false for one that is not there yet: the local authority issues at
	// a host's first handshake, an ACME server when it is done.
	Issued    bool      `json:"issued"`
	Issuer    string    `json:"issuer,omitempty"`
	NotBefore time.Time `json:"notBefore,omitzero"`
	NotAfter  time.Time `json:"notAfter,omitzero"`
	// File is that of the user's own; Resolver and Server are an ACME one's.
	File     string `json:"file,omitempty"`
	Resolver string `json:"resolver,omitempty"`
	Server   string `json:"server,omitempty"`
	// Default says that unknown names get it.
	Default bool `json:"default,omitempty"`
	// Routers ask for it.
	Routers []string `json:"routers"`
	// Leaf is the certificate itself; nil where it is not issued.
	Leaf *x509.Certificate `json:"-"`
}

// Root is the local authority's own certificate, which clients have to trust.
type Root struct {
	Subject  string    `json:"subject"`
	NotAfter time.Time `json:"notAfter"`
	File     string    `json:"file" doc:"PEM, for clients to trust."`
	Names    []string  `json:"names" doc:"It may vouch for these and what is below them, and for no other."`
}

// Root reports the local authority.
func (a *Authority) Root() Root {
	c := a.root.cert
	names := slices.Clone(c.PermittedDNSDomains)
	for _, r := range c.PermittedIPRanges {
		names = append(names, r.String())
	}
	return Root{Subject: c.Subject.CommonName, NotAfter: c.NotAfter, File: a.root.file, Names: names}
}

// List says which certificates there are and which are asked for: the user's
// first, then those of ACME servers, then the local authority's, each by host.
func (a *Authority) List() []Certificate {
	s := a.state.Load()
	l := lister{state: s, routers: map[string][]string{}, taken: map[string]bool{}}
	for _, r := range s.settings.Routers {
		for _, host := range r.Hosts {
			if names := l.routers[host]; !r.TLS.Passthrough && !slices.Contains(names, r.Name) {
				l.routers[host] = append(names, r.Name)
			}
		}
	}
	a.listFiles(&l)
	a.public.list(&l)
	a.local.list(&l)
	return l.all
}

// lister gathers certificates.
type lister struct {
	state   *state
	routers map[string][]string // by host that is asked for
	taken   map[string]bool     // hosts that have one already
	all     []Certificate
}

// add appends c, whose content is that of crt where there is one.
func (l *lister) add(c Certificate, crt *tls.Certificate) {
	if crt != nil && crt.Leaf != nil {
		c.Issued, c.NotBefore, c.NotAfter, c.Leaf = true, crt.Leaf.NotBefore, crt.Leaf.NotAfter, crt.Leaf
		c.Issuer = cmp.Or(crt.Leaf.Issuer.CommonName, crt.Leaf.Issuer.String())
	}
	c.Routers = []string{}
	for host, routers := range l.routers {
		if slices.ContainsFunc(c.Hosts, func(name string) bool { return certmagic.MatchWildcard(host, name) }) {
			l.taken[host] = true
			c.Routers = append(c.Routers, routers...)
		}
	}
	slices.Sort(c.Routers)
	c.Routers = slices.Compact(c.Routers)
	l.all = append(l.all, c)
}

// listFiles reports the user's own.
func (a *Authority) listFiles(l *lister) {
	a.applying.Lock()
	read := maps.Clone(a.files.last)
	a.applying.Unlock()
	keys := slices.SortedFunc(maps.Keys(read), func(a, b config.KeyPair) int { return cmp.Compare(nameOf(a.CertFile), nameOf(b.CertFile)) })
	for _, k := range keys {
		crt := read[k].certificate
		own := fileCerts{}
		own.add(crt)
		l.add(Certificate{Hosts: slices.Sorted(maps.Keys(own)), Source: FromFile, File: nameOf(k.CertFile), Default: l.state.fallback == crt},
			crt)
	}
}

func (p *acmeIssuer) list(l *lister) {
	p.mu.Lock()
	hosts := maps.Clone(p.hosts)
	p.mu.Unlock()
	for _, host := range slices.Sorted(maps.Keys(hosts)) {
		if l.taken[host] {
			continue
		}
		m := hosts[host]
		l.add(Certificate{
			Hosts: []string{host}, Source: FromACME, Resolver: m.account.name, Server: m.account.server,
			Default: l.state.generated != nil && l.state.generated.host == host,
		}, cached(p.cache.Load(), host))
	}
}

// list reports the hosts that routers ask for, and of those that were asked for in
// handshakes, such as one that an expression allows.
func (l *localIssuer) list(into *lister) {
	hosts := l.hosts()
	for _, host := range slices.Sorted(maps.Keys(hosts)) {
		if routed := len(into.routers[host]) > 0; !into.taken[host] && (routed || hosts[host] != nil) {
			into.add(Certificate{Hosts: []string{host}, Source: FromLocal}, hosts[host])
		}
	}
}

// cached is the certificate for host that ends last, or nil.
func cached(cache *certmagic.Cache, host string) *tls.Certificate {
	if cache == nil {
		return nil
	}
	var best *tls.Certificate
	for _, c := range cache.AllMatchingCertificates(host) {
		if best == nil || c.Leaf.NotAfter.After(best.Leaf.NotAfter) {
			best = &c.Certificate
		}
	}
	return best
}
