package cert

import (
	"crypto/tls"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddyserver/certmagic"
)

// recentTime is how long a handshake does without a look into certmagic's cache.
// Certificates are renewed days before they end.
const recentTime = time.Minute

// certCache spares handshakes certmagic's cache, which has one lock for all and
// copies what it finds. The zero value is ready to use.
type certCache struct {
	hosts sync.Map // of *hit by host
	count atomic.Int64
}

type cacheEntry struct {
	certificate *tls.Certificate
	until       time.Time
}

// find gives the certificate in cache for host, or nil.
func (r *certCache) find(hello *tls.ClientHelloInfo, host string, cache *certmagic.Cache) *tls.Certificate {
	now := time.Now()
	if v, ok := r.hosts.Load(host); ok {
		if h := v.(*cacheEntry); now.Before(h.until) {
			return h.certificate
		}
	}
	found, err := certmagic.DefaultCertificateSelector(hello, cache.AllMatchingCertificates(host))
	if err != nil {
		return nil
	}
	if r.count.Add(1) > maxCached {
		r.hosts.Clear()
		r.count.Store(0)
	}
	r.hosts.Store(host, &cacheEntry{&found.Certificate, now.Add(recentTime)})
	return &found.Certificate
}

func (r *certCache) forget(host string) { r.hosts.Delete(host) }
