package auth

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"axion/services/auth/verifier"
	"axion/web/loopback"
)

// client is what a request says about its client.
type client struct {
	token       string // of its session: signed in a cookie, or as the bearer sent it
	secure      bool   // it uses https
	here        bool   // it is on this machine, by all addresses on the way
	ip, agent   string
	contentType string
	body        io.Reader
}

type clientKey struct{}

// clientOf returns the client of a request.
func clientOf(ctx context.Context) client {
	c, _ := ctx.Value(clientKey{}).(client)
	return c
}

// currentSession refuses requests of foreign pages, and puts the client with its session's
// token into the handler's context.
func (a *api) currentSession(ctx huma.Context, next func(huma.Context)) {
	if ctx.Method() != http.MethodGet && ctx.Method() != http.MethodHead {
		if err := a.checkOrigin(ctx); err != nil {
			ctx.SetHeader("Content-Type", "application/json")
			ctx.SetStatus(err.status)
			_ = json.NewEncoder(ctx.BodyWriter()).Encode(err) // the client may be gone
			return
		}
	}
	c := client{
		// The gateway sets the header; a client that forges it only renames its
		// own cookie.
		secure: ctx.TLS() != nil || strings.EqualFold(ctx.Header("X-Forwarded-Proto"), "https"),
		ip:     address(ctx.Header("X-Forwarded-For"), ctx.RemoteAddr()), agent: strings.ToValidUTF8(ctx.Header("User-Agent"), ""),
		here:        onThisMachine(ctx),
		contentType: ctx.Header("Content-Type"), body: ctx.BodyReader(),
	}
	c.token = a.credential(ctx, c.secure)
	next(huma.WithValue(ctx, clientKey{}, c))
}

// credential returns the session token of a request: the bearer's, or else the
// cookie's. A bearer token that is not one of a session, such as a JWT, is
// ignored.
func (a *api) credential(ctx huma.Context, secure bool) string {
	if token, ok := a.keys.openBearer(verifier.Bearer(ctx.Header("Authorization"))); ok {
		return token
	}
	name := cookieName
	if secure {
		name = securePrefix + name
	}
	cookies, err := http.ParseCookie(ctx.Header("Cookie"))
	if err != nil {
		return ""
	}
	for _, c := range cookies {
		if c.Name != name {
			continue
		}
		if token, ok := a.keys.open(c.Value); ok {
			return token
		}
	}
	return ""
}

// checkOrigin checks a request that changes something: with cookies it must have an
// origin, and its origin must be the provider's own or one of [Options.Origins]. A
// deployed project's is neither.
func (a *api) checkOrigin(ctx huma.Context) *apiError {
	origin := ctx.Header("Origin")
	if u, err := url.Parse(ctx.Header("Referer")); origin == "" && err == nil && u.Host != "" {
		origin = u.Scheme + "://" + u.Host
	}
	switch {
	case origin == "null", origin == "" && ctx.Header("Cookie") != "":
		return errNoOrigin
	case origin == "", slices.Contains(a.origins, origin), sameOrigin(origin, ctx.Host()):
		return nil
	default:
		return errOrigin
	}
}

// sameOrigin reports whether an origin is that of the requested host, which [host.Host]
// has checked to be this machine's.
func sameOrigin(origin, requested string) bool {
	scheme, at, _ := strings.Cut(origin, "://")
	return (scheme == "http" || scheme == "https") && strings.EqualFold(at, requested)
}

// onThisMachine reports whether a client is on this machine: the connection's peer, and
// each address that proxies on the way have added. The gateway drops those that clients
// send; one that is added can only make a client remote.
func onThisMachine(ctx huma.Context) bool {
	peers := []string{ctx.RemoteAddr()}
	ctx.EachHeader(func(name, value string) {
		if strings.EqualFold(name, "X-Forwarded-For") || strings.EqualFold(name, "X-Real-Ip") {
			peers = append(peers, strings.Split(value, ",")...)
		}
	})
	return !slices.ContainsFunc(peers, func(peer string) bool {
		peer = strings.TrimSpace(peer)
		if ip, _, err := net.SplitHostPort(peer); err == nil {
			peer = ip
		}
		return !loopback.Address(peer)
	})
}

// local reports whether an absolute address is one of this machine's.
func local(address string) bool {
	u, err := url.Parse(address)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.User == nil && loopback.Host(u.Host)
}

// address returns the client's IP address, as the last proxy reports it.
func address(forwarded, remote string) string {
	ip := forwarded[strings.LastIndex(forwarded, ",")+1:]
	if parsed := net.ParseIP(strings.TrimSpace(ip)); parsed != nil {
		return parsed.String()
	}
	if ip, _, err := net.SplitHostPort(remote); err == nil {
		return ip
	}
	return remote
}
