package cert

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/caddyserver/certmagic"

	"axion/gateway/cert/zaplog"
	"axion/gateway/config"
	"axion/gateway/hint"
)

// maxCached bounds the certificates by ACME in memory.
const maxCached = 4096

// acmeIssuer has certificates from ACME servers. It does nothing, and opens nothing,
// until a host needs it.
type acmeIssuer struct {
	log     *slog.Logger
	ctx     context.Context
	storage string
	cache   atomic.Pointer[certmagic.Cache] // nil until needed
	recent  certCache
	dry     bool // accounts are looked at only

	mu            sync.Mutex
	challengePort net.Listener        // see openChallengePort
	accounts      map[string]*account // by resolver
	hosts         map[string]managed
}

// managed is a host that has a certificate, or for which one is being got.
type managed struct {
	account *account
	cancel  context.CancelFunc
}

func newPublic(ctx context.Context, opts Options) *acmeIssuer {
	p := &acmeIssuer{log: opts.Log, ctx: ctx, accounts: make(map[string]*account), hosts: make(map[string]managed)}
	if opts.Storage != "" {
		p.storage = filepath.Join(opts.Storage, "acme")
	}
	return p
}

// find gives the certificate of a host, or nil while there is none.
func (p *acmeIssuer) find(hello *tls.ClientHelloInfo, host string) *tls.Certificate {
	cache := p.cache.Load()
	if cache == nil {
		return nil
	}
	return p.recent.find(hello, host, cache)
}

// open makes the cache at the first need of it.
func (p *acmeIssuer) open() (*certmagic.Cache, error) {
	if c := p.cache.Load(); c != nil {
		return c, nil
	}
	challengePort, err := openChallengePort()
	if err != nil {
		return nil, err
	}
	cache := certmagic.NewCache(certmagic.CacheOptions{
		GetConfigForCert: p.configOf,
		Capacity:         maxCached,
		Logger:           zaplog.New(p.log),
	})
	p.mu.Lock()
	p.challengePort = challengePort
	p.mu.Unlock()
	p.cache.Store(cache)
	return cache, nil
}

// configOf gives certmagic the account by which it is to renew a certificate.
func (p *acmeIssuer) configOf(c certmagic.Certificate) (*certmagic.Config, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, name := range c.Names {
		if m, ok := p.hosts[name]; ok {
			return m.account.magic, nil
		}
	}
	return nil, errors.New("no router asks for this certificate any more")
}

// manage gets certificates for hosts in the background, keeps them renewed, and
// lets go of those of other hosts.
func (p *acmeIssuer) manage(hosts map[string]*account) {
	type job struct {
		ctx     context.Context
		account *account
	}
	var gone []string
	start := make(map[string]job)
	p.mu.Lock()
	for host, m := range p.hosts {
		if hosts[host] != m.account {
			m.cancel()
			delete(p.hosts, host)
			gone = append(gone, host)
		}
	}
	p.accounts = make(map[string]*account, len(p.accounts))
	for host, account := range hosts {
		p.accounts[account.name] = account
		if _, ok := p.hosts[host]; !ok {
			ctx, cancel := context.WithCancel(p.ctx)
			p.hosts[host] = managed{account, cancel}
			start[host] = job{ctx, account}
		}
	}
	p.mu.Unlock()
	// Without the lock, as certmagic asks for it under its own.
	for _, host := range gone {
		p.cache.Load().RemoveManaged([]certmagic.SubjectIssuer{{Subject: host}})
		p.recent.forget(host)
	}
	for _, host := range keys(start) {
		j := start[host]
		p.log.Info("getting a certificate by ACME", "host", host, "resolver", j.account.name, "server", j.account.server)
		if err := j.account.magic.ManageAsync(j.ctx, []string{host}); err != nil {
			p.log.Warn("no certificate by ACME", "host", host, "error", err)
		}
	}
}

func (p *acmeIssuer) close() {
	if c := p.cache.Load(); c != nil {
		c.Stop()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.challengePort != nil {
		_ = p.challengePort.Close()
	}
	for _, m := range p.hosts {
		m.cancel()
	}
}

// plan says which hosts get certificates by which account.
func (p *acmeIssuer) plan(s *state, to *report) map[string]*account {
	plan := &plan{public: p, state: s, to: to, accounts: make(map[string]*account), hosts: make(map[string]*account)}
	for _, r := range s.settings.Routers {
		if r.TLS.CertResolver == "" || r.TLS.Passthrough {
			continue
		}
		names := slices.Clone(r.Hosts)
		if len(r.TLS.Domains) > 0 {
			names = nil
		}
		for _, d := range r.TLS.Domains {
			names = append(append(names, d.Main), d.SANs...)
		}
		plan.add(r.Origin, r.TLS.CertResolver, names)
	}
	if g := s.generated; g != nil {
		plan.add(g.at, g.resolver, append([]string{g.host}, g.others...))
	}
	return plan.hosts
}

// plan is one under way.
type plan struct {
	public   *acmeIssuer
	state    *state
	to       *report
	accounts map[string]*account // by resolver; nil for one that is wrong
	hosts    map[string]*account
}

func (p *plan) add(at config.Origin, resolver string, names []string) {
	c := p.state.settings.Resolvers[resolver]
	if c == nil || c.ACME == nil {
		return
	}
	for _, name := range names {
		name = normal(name)
		if !isPublic(name) || p.hosts[name] != nil || p.state.pairs.names(name) {
			continue
		}
		if isWildcard(name) {
			p.to.warn(at, "the resolver "+quote(resolver)+" cannot have a certificate for "+quote(name)+
				": wildcards need the DNS challenge, which is not supported",
				"name the hosts one by one in tls.domains, or give a certificate by file")
			continue
		}
		account, known := p.accounts[resolver]
		if !known {
			account = p.account(at, resolver, c.ACME)
			p.accounts[resolver] = account
		}
		if account != nil {
			p.hosts[name] = account
		}
	}
}

// account gives the resolver's, the one in force where nothing of it has changed.
func (p *plan) account(at config.Origin, resolver string, c *config.ACME) *account {
	what := "the resolver " + quote(resolver) + ": "
	if c.DNSChallenge != nil {
		p.to.warn(at, what+"the DNS challenge is not supported", "use httpChallenge or tlsChallenge")
		if c.HTTPChallenge == nil && c.TLSChallenge == nil {
			return nil
		}
	}
	var cache *certmagic.Cache
	var err error
	if p.public.dry {
		if _, _, err = authorities(c); err == nil {
			_, err = parse("keyType", c.KeyType, keyTypes)
		}
		if err == nil {
			return nil
		}
	} else {
		cache, err = p.public.open()
	}
	if err == nil {
		p.public.mu.Lock()
		old := p.public.accounts[resolver]
		p.public.mu.Unlock()
		var account *account
		if account, err = p.public.newAccount(cache, resolver, c, old); err == nil {
			return account
		}
	}
	p.to.fail(at, what+err.Error(), hint.Of(err))
	return nil
}
