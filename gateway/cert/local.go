package cert

import (
	"container/list"
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
)

const (
	// maxOnDemand bounds the certificates of hosts that no router spells out: any
	// client can ask for any name.
	maxOnDemand = 1024
	// renewTime is how long before its end a certificate is issued again. It is
	// issued in the handshake that needs it, which takes less than a millisecond.
	renewTime = leafLifetime / 3
)

// localIssuer has the certificates of the local authority. Those of hosts that routers
// spell out are kept, on disk too; those of others are in memory, the least recently
// used of which go first.
type localIssuer struct {
	ctx     context.Context
	issuer  *issuer
	log     *slog.Logger
	dir     string // of the files; empty for none
	issuing singleflight.Group

	mu       sync.Mutex
	named    map[string]*tls.Certificate // of the hosts that routers spell out; nil until issued
	onDemand map[string]*list.Element    // of *issued, by host
	order    list.List                   // the most recently used first
}

type issued struct {
	host        string
	certificate *tls.Certificate
}

func newLocal(ctx context.Context, r *root, opts Options) *localIssuer {
	l := &localIssuer{
		ctx: ctx, issuer: &issuer{root: r}, log: opts.Log,
		named: make(map[string]*tls.Certificate), onDemand: make(map[string]*list.Element),
	}
	if opts.Storage != "" {
		l.dir = filepath.Join(opts.Storage, "certificates", l.issuer.directory())
	}
	return l
}

// certificate gives the one for host, which is issued where there is none. However
// many handshakes wait for it, it is issued once.
func (l *localIssuer) certificate(host string) (*tls.Certificate, error) {
	if c := l.find(host); c != nil {
		return c, nil
	}
	v, err, _ := l.issuing.Do(host, func() (any, error) {
		if c := l.find(host); c != nil {
			return c, nil
		}
		return l.make(host)
	})
	if err != nil {
		return nil, fmt.Errorf("certificate for %s: %w", host, err)
	}
	return v.(*tls.Certificate), nil
}

// find gives a certificate that is not near its end, or nil.
func (l *localIssuer) find(host string) *tls.Certificate {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.named[host]
	if e := l.onDemand[host]; e != nil {
		l.order.MoveToFront(e)
		c = e.Value.(*issued).certificate
	}
	if c == nil || !fresh(c) {
		return nil
	}
	return c
}

func fresh(c *tls.Certificate) bool { return time.Until(c.Leaf.NotAfter) > renewTime }

// make takes a certificate from its files, or issues it.
func (l *localIssuer) make(host string) (*tls.Certificate, error) {
	if err := l.ctx.Err(); err != nil {
		return nil, err
	}
	stored := l.stores(host)
	if stored {
		if c := l.load(host); c != nil {
			l.put(host, c)
			return c, nil
		}
	}
	c, err := l.issuer.issue(host)
	if err != nil {
		return nil, err
	}
	l.put(host, c)
	if stored {
		if err := l.save(host, c); err != nil {
			l.log.Warn("a certificate is not kept on disk", "host", host, "error", err)
		}
	}
	return c, nil
}

// stores reports whether the certificate of host is kept on disk.
func (l *localIssuer) stores(host string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, named := l.named[host]
	return named && l.dir != ""
}

func (l *localIssuer) put(host string, c *tls.Certificate) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, named := l.named[host]; named {
		l.named[host] = c
		return
	}
	l.putOnDemand(host, c)
}

// putOnDemand is put for a host that no router spells out, under the lock.
func (l *localIssuer) putOnDemand(host string, c *tls.Certificate) {
	if e := l.onDemand[host]; e != nil {
		l.drop(e)
	}
	l.onDemand[host] = l.order.PushFront(&issued{host, c})
	if l.order.Len() > maxOnDemand {
		l.drop(l.order.Back())
	}
}

func (l *localIssuer) drop(e *list.Element) { delete(l.onDemand, l.order.Remove(e).(*issued).host) }

// name says which hosts routers spell out. The files of hosts that no router spells
// out any more are removed.
func (l *localIssuer) name(hosts []string) {
	named := make(map[string]*tls.Certificate, len(hosts))
	l.mu.Lock()
	for _, host := range hosts {
		named[host] = l.named[host]
		if e := l.onDemand[host]; e != nil {
			named[host] = e.Value.(*issued).certificate
			l.drop(e)
		}
	}
	var gone []string
	for host, c := range l.named {
		if _, still := named[host]; still {
			continue
		}
		gone = append(gone, host)
		if c != nil {
			l.putOnDemand(host, c)
		}
	}
	l.named = named
	l.mu.Unlock()
	if l.dir == "" {
		return
	}
	for _, host := range gone {
		l.remove(host)
	}
}

// hosts are those that have a certificate, or are spelled out, and their certificates.
func (l *localIssuer) hosts() map[string]*tls.Certificate {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := make(map[string]*tls.Certificate, len(l.named)+len(l.onDemand))
	for host, c := range l.named {
		all[host] = c
	}
	for host, e := range l.onDemand {
		all[host] = e.Value.(*issued).certificate
	}
	return all
}
