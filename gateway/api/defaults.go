package api

import (
	"slices"
	"time"

	"axion/gateway/config"
)

// withDefaults is v with what Traefik sets where nothing is said. What it changes it
// copies.
func withDefaults(v any) any {
	switch v := v.(type) {
	case *config.Router:
		return router(*v)
	case *config.Service:
		return service(*v)
	case *config.Middleware:
		return middleware(*v)
	case *config.TCPService:
		c := *v
		c.LoadBalancer, c.Weighted = tcpBalancer(c.LoadBalancer), tcpWeighted(c.Weighted)
		return &c
	case *config.UDPService:
		c := *v
		c.Weighted = tcpWeighted(c.Weighted)
		return &c
	}
	return v
}

// or is p, or a pointer to what is meant where it is nil.
func or[T any](p *T, usual T) *T {
	if p != nil {
		return p
	}
	return &usual
}

// orValue is v, or what is meant where it is zero.
func orValue[T comparable](v *T, usual T) {
	var zero T
	if *v == zero {
		*v = usual
	}
}

// Observed gives a router what its entrypoint says of what is effective of its requests,
// where it does not say it itself.
func Observed(c *config.Router, entry *config.Observability) *config.Router {
	if entry == nil {
		return c
	}
	r, effective := *c, *entry
	if own := c.Observability; own != nil {
		if own.AccessLogs != nil {
			effective.AccessLogs = own.AccessLogs
		}
		if own.Metrics != nil {
			effective.Metrics = own.Metrics
		}
		if own.Tracing != nil {
			effective.Tracing = own.Tracing
		}
		if own.TraceVerbosity != "" {
			effective.TraceVerbosity = own.TraceVerbosity
		}
	}
	r.Observability = &effective
	return &r
}

func router(c config.Router) *config.Router {
	effective := config.Observability{}
	if c.Observability != nil {
		effective = *c.Observability
	}
	effective.AccessLogs, effective.Metrics, effective.Tracing = or(effective.AccessLogs, true), or(effective.Metrics, true),
		or(effective.Tracing, true)
	orValue(&effective.TraceVerbosity, "minimal")
	c.Observability = &effective
	return &c
}

func service(c config.Service) *config.Service {
	c.LoadBalancer = balancer(c.LoadBalancer)
	if c.Weighted != nil {
		w := *c.Weighted
		w.Services, w.Sticky = weighted(w.Services), sticky(w.Sticky)
		c.Weighted = &w
	}
	if c.HighestRandomWeight != nil {
		h := *c.HighestRandomWeight
		h.Services = weighted(h.Services)
		c.HighestRandomWeight = &h
	}
	if c.Mirroring != nil {
		m := *c.Mirroring
		m.MirrorBody, m.MaxBodySize = or(m.MirrorBody, true), or(m.MaxBodySize, -1)
		c.Mirroring = &m
	}
	return &c
}

func balancer(c *config.LoadBalancer) *config.LoadBalancer {
	if c == nil {
		return nil
	}
	b := *c
	orValue(&b.Strategy, config.StrategyWRR)
	b.PassHostHeader, b.Sticky = or(b.PassHostHeader, true), sticky(b.Sticky)
	flush := config.ResponseForwarding{}
	if b.ResponseForwarding != nil {
		flush = *b.ResponseForwarding
	}
	orValue(&flush.FlushInterval, config.Duration(100*time.Millisecond))
	b.ResponseForwarding = &flush
	if b.HealthCheck != nil {
		h := *b.HealthCheck
		orValue(&h.Mode, "http")
		orValue(&h.Interval, config.Duration(30*time.Second))
		orValue(&h.Timeout, config.Duration(5*time.Second))
		h.FollowRedirects = or(h.FollowRedirects, true)
		b.HealthCheck = &h
	}
	if b.PassiveHealthCheck != nil {
		p := *b.PassiveHealthCheck
		orValue(&p.FailureWindow, config.Duration(10*time.Second))
		orValue(&p.MaxFailedAttempts, 1)
		b.PassiveHealthCheck = &p
	}
	return &b
}

func sticky(c *config.Sticky) *config.Sticky {
	if c == nil || c.Cookie == nil {
		return c
	}
	cookie := *c.Cookie
	cookie.Path = or(cookie.Path, "/")
	return &config.Sticky{Cookie: &cookie}
}

func weighted(list []config.WeightedService) []config.WeightedService {
	list = slices.Clone(list)
	for i := range list {
		list[i].Weight = or(list[i].Weight, 1)
	}
	return list
}

func tcpWeighted(c *config.TCPWeighted) *config.TCPWeighted {
	if c == nil {
		return nil
	}
	return &config.TCPWeighted{Services: weighted(c.Services)}
}

func tcpBalancer(c *config.TCPLoadBalancer) *config.TCPLoadBalancer {
	if c == nil {
		return nil
	}
	b := *c
	if b.ProxyProtocol != nil {
		p := *b.ProxyProtocol
		orValue(&p.Version, 2)
		b.ProxyProtocol = &p
	}
	if b.HealthCheck != nil {
		h := *b.HealthCheck
		orValue(&h.Interval, config.Duration(30*time.Second))
		orValue(&h.Timeout, config.Duration(5*time.Second))
		b.HealthCheck = &h
	}
	return &b
}

func middleware(c config.Middleware) *config.Middleware {
	if c.RateLimit != nil {
		l := *c.RateLimit
		orValue(&l.Burst, 1)
		orValue(&l.Period, config.Duration(time.Second))
		c.RateLimit = &l
	}
	if c.CircuitBreaker != nil {
		b := *c.CircuitBreaker
		orValue(&b.CheckPeriod, config.Duration(100*time.Millisecond))
		orValue(&b.FallbackDuration, config.Duration(10*time.Second))
		orValue(&b.RecoveryDuration, config.Duration(10*time.Second))
		orValue(&b.ResponseCode, 503)
		c.CircuitBreaker = &b
	}
	if c.Compress != nil && c.Compress.Encodings == nil {
		z := *c.Compress
		z.Encodings = []string{"gzip", "br", "zstd"}
		c.Compress = &z
	}
	if c.ForwardAuth != nil {
		a := *c.ForwardAuth
		a.MaxBodySize = or(a.MaxBodySize, -1)
		c.ForwardAuth = &a
	}
	return &c
}
