package cert

import (
	"context"
	"crypto/tls"
	"fmt"
	"time"

	"github.com/caddyserver/certmagic"
	"golang.org/x/sync/singleflight"
)

const (
	// maxCached bounds the certificates in memory; a rule such as
	// HostRegexp(`.*`) admits any number of names.
	maxCached = 4096
	// issueTimeout bounds the wait for another process's lock on the storage.
	issueTimeout = 10 * time.Second
)

// local issues certificates of the local authority on demand.
type local struct {
	allow   func(context.Context, string) bool
	cache   *certmagic.Cache
	config  *certmagic.Config
	recent  recent
	pending singleflight.Group
	ctx     context.Context
}

func newLocal(ctx context.Context, r *root, opts Options) *local {
	l := &local{allow: opts.Allow, ctx: ctx}
	log := zapTo(opts.Log)
	l.cache = certmagic.NewCache(certmagic.CacheOptions{
		GetConfigForCert: func(certmagic.Certificate) (*certmagic.Config, error) { return l.config, nil },
		Capacity:         maxCached,
		Logger:           log,
	})
	l.config = certmagic.New(l.cache, certmagic.Config{
		Issuers:             []certmagic.Issuer{&issuer{root: r}},
		KeySource:           certmagic.StandardKeyGenerator{KeyType: certmagic.P256},
		OCSP:                certmagic.OCSPConfig{DisableStapling: true},
		Storage:             storageIn(opts.Storage),
		DisableStorageCheck: true,
		DisableARI:          true,
		Logger:              log,
	})
	return l
}

// storageIn keeps certificates in dir, or in memory where it is empty.
func storageIn(dir string) certmagic.Storage {
	if dir == "" {
		return newMemory(maxCached)
	}
	return newDisk(dir)
}

// certificate does what certmagic's own on-demand mode does. That mode shares
// its waiting handshakes by host name across the whole process, so that of two
// stacks in one test process one could answer with the other's certificate. It
// gives nil where allow forbids it; a nil allow allows all.
func (l *local) certificate(hello *tls.ClientHelloInfo, host string, allow func(context.Context, string) bool) (*tls.Certificate, error) {
	if c := l.recent.find(hello, host, l.cache); c != nil {
		return c, nil
	}
	if allow != nil && !allow(hello.Context(), host) {
		return nil, nil
	}
	_, err, _ := l.pending.Do(host, func() (any, error) {
		ctx, cancel := context.WithTimeout(l.ctx, issueTimeout)
		defer cancel()
		return nil, l.config.ManageSync(ctx, []string{host})
	})
	if err != nil {
		return nil, fmt.Errorf("certificate for %s: %w", host, err)
	}
	if c := l.recent.find(hello, host, l.cache); c != nil {
		return c, nil
	}
	return nil, fmt.Errorf("certificate for %s: evicted before use", host)
}

func (l *local) close() { l.cache.Stop() }
