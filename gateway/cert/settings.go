package cert

import (
	"cmp"
	"crypto/tls"
	"log/slog"

	"axion/gateway/config"
)

// Settings say which certificates and handshakes the routers ask for. They are
// not to be changed once they are applied.
type Settings struct {
	// TLS holds the user's certificates, options and stores. Of the stores only
	// "default" counts, as in Traefik; what a certificate says of stores does not.
	TLS config.TLS
	// Resolvers are the certificate resolvers by name. Those without ACME, and
	// names that are not here, mean the local authority.
	Resolvers map[string]*config.CertResolver
	// Routers are the enabled ones that terminate TLS.
	Routers []Router
	// OptionsFor gives the name of the TLS options that an entrypoint has for a host,
	// which is as [hostname.Name] gives it; "" is a client that names none. It answers
	// "" or "default" for the default ones. It is called concurrently, in every
	// handshake. Nil means the default ones for all.
	OptionsFor func(entrypoint, host string) string
}

// Router is one that terminates TLS.
type Router struct {
	Name   string
	Origin config.Origin
	TLS    *config.RouterTLS // not nil
	// Hosts are those of its rule. TLS.Domains, where there are any, stand in for
	// them when certificates are asked for.
	Hosts []string
}

// state is what Settings came to. It does not change.
type state struct {
	settings Settings
	pairs    fileCerts        // the user's certificates
	fallback *tls.Certificate // the user's default certificate, or nil
	// generated is the default certificate that a resolver issues, or nil.
	generated *generated
	options   map[string]*option // by name
	usual     *option
	public    map[string]*account // of the hosts with certificates by ACME
}

// Apply puts settings in force for the handshakes that come, and reports what is
// wrong with them. What cannot be read stays as it was; certificate files are read
// anew each time, and when they change. Hosts whose options never were valid are refused. It may be
// called concurrently with handshakes, but not with itself.
//
// Certificates are asked of an ACME server in the background, and only for hosts
// with a public name of routers whose resolver has ACME: until one is there such a
// host gets the default certificate, else one of the local authority, which no
// client trusts for a public name.
func (a *Authority) Apply(settings Settings) []config.Problem {
	a.applying.Lock()
	defer a.applying.Unlock()
	old := a.state.Load()
	next := &state{settings: settings, usual: a.usual}
	var r report
	next.pairs, next.fallback = a.files.load(settings.TLS, &r)
	next.options = optionsBuilder{&a.chooser, &r}.build(settings.TLS.Options, old.options)
	for _, router := range settings.Routers {
		next.checkOptions(router, &r)
	}
	if next.fallback == nil {
		next.generated = newGenerated(settings.TLS.Stores[defaultName], &r)
	}
	next.public = a.public.plan(next, &r)
	a.local.name(next.named())
	a.state.Store(next)
	a.public.manage(next.public)
	return r.problems
}

// Check reports what is wrong with settings, as Apply would, without putting them in
// force: no certificate is issued and no ACME server is asked.
func Check(settings Settings) []config.Problem {
	a := &Authority{chooser: chooser{log: slog.New(slog.DiscardHandler), public: &acmeIssuer{dry: true}}}
	s := &state{settings: settings}
	var r report
	s.pairs, s.fallback = a.files.load(settings.TLS, &r)
	s.options = optionsBuilder{&a.chooser, &r}.build(settings.TLS.Options, nil)
	for _, router := range settings.Routers {
		s.checkOptions(router, &r)
	}
	if s.fallback == nil {
		s.generated = newGenerated(settings.TLS.Stores[defaultName], &r)
	}
	a.public.plan(s, &r)
	return r.problems
}

// named are the hosts that routers spell out, and the default one.
func (s *state) named() []string {
	hosts := []string{defaultHost}
	for _, r := range s.settings.Routers {
		if !r.TLS.Passthrough {
			hosts = append(hosts, r.Hosts...)
		}
	}
	if s.generated != nil {
		hosts = append(hosts, s.generated.host)
	}
	return hosts
}

// optionsFor is the name of the options of a host on an entrypoint.
func (s *state) optionsFor(entrypoint, host string) string {
	if s.settings.OptionsFor == nil {
		return defaultName
	}
	return cmp.Or(s.settings.OptionsFor(entrypoint, host), defaultName)
}

// option is the one of a name, or nil where there is none.
func (s *state) option(name string) *option {
	if o := s.options[name]; o != nil || name != defaultName {
		return o
	}
	return s.usual
}

// checkOptions reports a router whose options do not exist.
func (s *state) checkOptions(r Router, to *report) {
	name := r.TLS.Options
	if name == "" || name == defaultName || r.TLS.Passthrough || s.options[name] != nil {
		return
	}
	to.fail(r.Origin, "router "+quote(r.Name)+": the TLS options "+quote(name)+" do not exist: its hosts are refused",
		nearest(name, keys(s.options)))
}

// generated is a default certificate that is issued for a host.
type generated struct {
	at       config.Origin
	resolver string
	host     string
	others   []string // also asked of the resolver
}

func newGenerated(store *config.TLSStore, to *report) *generated {
	if store == nil || store.DefaultGeneratedCert == nil {
		return nil
	}
	g := store.DefaultGeneratedCert
	if g.Domain == nil || g.Domain.Main == "" {
		to.fail(store.Origin, "the store \"default\": defaultGeneratedCert has no domain.main", "name the host that the certificate is for")
		return nil
	}
	return &generated{at: store.Origin, resolver: g.Resolver, host: normal(g.Domain.Main), others: g.Domain.SANs}
}
