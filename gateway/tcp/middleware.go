package tcp

import (
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"sync"

	"axion/gateway/config"
)

// middleware is a middleware as built: it lets clients in or not.
type middleware struct {
	config config.TCPMiddleware // without origin
	gate   gate
	err    error
}

// gate lets a client in. Where it does, leave is to be called once the connection
// has ended.
type gate interface {
	enter(client netip.Addr) bool
	leave(client netip.Addr)
}

// middleware builds the middleware of that name once; nil where there is none.
func (b *builder) middleware(name string) *middleware {
	if w, ok := b.middlewares[name]; ok {
		return w
	}
	c, ok := b.config.Middlewares[name]
	if !ok {
		return nil
	}
	w := &middleware{config: *c}
	w.config.Origin = config.Origin{}
	if was := b.old.middlewares[name]; was != nil && was.err == nil && reflect.DeepEqual(was.config, w.config) {
		w = was
	} else {
		w.gate, w.err = newGate(c)
	}
	b.middlewares[name] = w
	return w
}

func newGate(c *config.TCPMiddleware) (gate, error) {
	switch {
	case c.InFlightConn != nil:
		if c.InFlightConn.Amount <= 0 {
			return nil, errors.New("inflightconn.amount must be positive")
		}
		return &inFlight{limit: c.InFlightConn.Amount, of: make(map[netip.Addr]int64)}, nil
	case c.IPAllowList != nil:
		return newAllowList(c.IPAllowList)
	case c.IPWhiteList != nil:
		return newAllowList(c.IPWhiteList)
	}
	return nil, errors.New("the middleware has no settings")
}

// inFlight bounds the connections of each client address.
type inFlight struct {
	limit int64
	mu    sync.Mutex
	of    map[netip.Addr]int64
}

func (f *inFlight) enter(client netip.Addr) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.of[client] >= f.limit {
		return false
	}
	f.of[client]++
	return true
}

func (f *inFlight) leave(client netip.Addr) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.of[client]--; f.of[client] == 0 {
		delete(f.of, client)
	}
}

// allowList lets in the clients whose address is in one of the ranges.
type allowList []netip.Prefix

func newAllowList(c *config.TCPIPAllowList) (gate, error) {
	if len(c.SourceRange) == 0 {
		return nil, errors.New("sourcerange is empty: nobody could pass")
	}
	list, err := parseRanges("sourcerange", c.SourceRange)
	return allowList(list), err
}

func (a allowList) enter(client netip.Addr) bool {
	return slices.ContainsFunc(a, func(p netip.Prefix) bool { return p.Contains(client) })
}

func (allowList) leave(netip.Addr) {}

// parseRanges reads addresses and ranges. The error names the setting.
func parseRanges(setting string, list []string) ([]netip.Prefix, error) {
	var ranges []netip.Prefix
	for _, text := range list {
		text = strings.TrimSpace(text)
		if addr, err := netip.ParseAddr(text); err == nil {
			addr = addr.Unmap().WithZone("")
			ranges = append(ranges, netip.PrefixFrom(addr, addr.BitLen()))
			continue
		}
		p, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %q is neither an IP address nor a range such as 10.0.0.0/8", setting, text)
		}
		ranges = append(ranges, p.Masked())
	}
	return ranges, nil
}
