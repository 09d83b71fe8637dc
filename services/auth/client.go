package auth

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"axion/services/auth/verifier"
	"axion/services/host"
)

// client is what a request says about who sends it.
type client struct {
	token       string // of its session: proven to be ours in a cookie, or as the bearer sent it
	secure      bool   // the client speaks https
	ip, agent   string
	contentType string
	body        io.Reader
}

type clientKey struct{}

func clientOf(ctx context.Context) client {
	c, _ := ctx.Value(clientKey{}).(client)
	return c
}

// identify refuses requests of foreign pages, and keeps the client in the
// handler's context.
func (s *Service) identify(ctx huma.Context, next func(huma.Context)) {
	if ctx.Method() != http.MethodGet && ctx.Method() != http.MethodHead {
		if err := checkOrigin(ctx.Header("Origin"), ctx.Header("Referer"), ctx.Header("Cookie") != ""); err != nil {
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
		contentType: ctx.Header("Content-Type"), body: ctx.BodyReader(),
	}
	c.token = s.credential(ctx, c.secure)
	next(huma.WithValue(ctx, clientKey{}, c))
}

// credential returns the session token of a request: the bearer's, or else the
// cookie's. A bearer token that is not one of a session, such as a JWT, is
// passed over.
func (s *Service) credential(ctx huma.Context, secure bool) string {
	if token, ok := s.keys.openBearer(verifier.Bearer(ctx.Header("Authorization"))); ok {
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
		if token, ok := s.keys.open(c.Value); ok {
			return token
		}
	}
	return ""
}

// checkOrigin answers for requests that change something: one that comes with
// cookies says where it comes from, and none comes from a page elsewhere.
func checkOrigin(origin, referer string, cookies bool) *apiError {
	if origin == "" {
		origin = referer
	}
	switch {
	case origin == "null", origin == "" && cookies:
		return errNoOrigin
	case origin == "" || local(origin):
		return nil
	default:
		return errOrigin
	}
}

// local reports whether an absolute address is one of this machine's.
func local(address string) bool {
	u, err := url.Parse(address)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.User == nil && host.LocalHost(u.Host)
}

// address is the client's IP address, as the last proxy reports it.
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
