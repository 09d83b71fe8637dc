package host

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"axion/services/bus"
	"axion/services/bus/groups"
	"axion/services/contract"
)

// AuthKind is what a service knows of auth-service from its start.
type AuthKind int

const (
	// AuthUnknown is one that runs somewhere else. It gets digests of tokens, unless what
	// it consumes shows that it needs the tokens.
	AuthUnknown AuthKind = iota
	// AuthBuiltin is the builtin one, in this process.
	AuthBuiltin
	// AuthReplaced is one of the user's own, which gets the tokens unless what it consumes
	// shows that it accepts digests.
	AuthReplaced
)

// callAuth returns the function by which the verifier requests from the auth service.
func callAuth(b *bus.Bus) func(ctx context.Context, typ string, in, out any) error {
	return func(ctx context.Context, typ string, in, out any) error {
		ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		call := bus.Call{Topic: contract.Topic(contract.Auth), Service: contract.Auth, Type: typ, In: in, Out: out}
		if typ == contract.ValidateSessionDigest { // the other topic has consumers that do not know the type
			call.Topic = contract.PatternTopic(contract.Auth, typ)
		}
		return b.Request(ctx, call)
	}
}

// authKindTTL is how long the kind of auth service is cached.
const authKindTTL = 2 * time.Second

// authKindProbe finds out whether the auth service gets digests of tokens or the tokens: by
// what its consumer group consumes, since it need not run here, and one of the user's own
// may replace it for a while at any time.
type authKindProbe struct {
	bus *bus.Bus
	log *slog.Logger

	mu     sync.Mutex
	tokens bool // the last result, at first what is assumed
	until  time.Time
	failed bool // the last probe, which was logged
}

// wantsToken reports whether an auth service is there that needs the tokens. Where that is
// not known, it returns the last result.
func (p *authKindProbe) wantsToken(ctx context.Context) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if time.Now().Before(p.until) {
		return p.tokens
	}
	// Not bound to this caller: others wait for the same result.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), authKindTTL)
	defer cancel()
	tokens, known, err := p.probe(ctx)
	switch {
	case err != nil && !p.failed:
		p.log.Warn("what auth-service consumes is not known: it is asked as before", "by", kind(p.tokens), "error", err)
	case known && tokens != p.tokens:
		p.log.Info("another auth-service answers", "asked by", kind(tokens))
		p.tokens = tokens
	}
	p.failed, p.until = err != nil, time.Now().Add(authKindTTL)
	return p.tokens
}

func kind(tokens bool) string {
	if tokens {
		return "the token itself"
	}
	return "the token's digest"
}

// probe queries the broker. known is false while there is no consumer, or its group
// rebalances.
func (p *authKindProbe) probe(ctx context.Context) (tokens, known bool, err error) {
	own, err := p.bus.Subscribed(ctx, groups.Name(contract.Auth))
	if err != nil || len(own) > 0 {
		return !own[contract.PatternTopic(contract.Auth, contract.ValidateSessionDigest)], err == nil, err
	}
	all, err := p.bus.Subscribed(ctx) // a replacement's group may have any name
	if err != nil {
		return false, false, err
	}
	if all[contract.Topic(contract.Auth)] || all[contract.PatternTopic(contract.Auth, contract.ValidateSession)] {
		return !all[contract.PatternTopic(contract.Auth, contract.ValidateSessionDigest)], true, nil
	}
	return false, false, nil
}
