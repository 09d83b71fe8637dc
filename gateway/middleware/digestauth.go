package middleware

import (
	"cmp"
	"crypto/md5"
	"crypto/rand"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"axion/gateway/config"
	"axion/gateway/respwriter"
	"axion/gateway/steady"
)

// digestAuth asks for a user and password by RFC 7616, with MD5 and qop auth, as
// htdigest's lines need.
func digestAuth(c *config.DigestAuth) (Middleware, error) {
	if err := checkName("digestauth.headerfield", c.HeaderField); err != nil {
		return nil, err
	}
	lines, err := userLines(c.Users, c.UsersFile)
	if err != nil {
		return nil, err
	}
	d := &digest{realm: cmp.Or(c.Realm, defaultRealm), users: make(map[string]string), nonces: newNonces(maxNonces)}
	for _, line := range lines {
		parts := strings.Split(line, ":")
		if len(parts) != 3 || len(parts[2]) != 2*md5.Size {
			return nil, fmt.Errorf("user %q is not name:realm:hash, as htdigest writes it", parts[0])
		}
		if parts[1] == d.realm {
			d.users[parts[0]] = strings.ToLower(parts[2])
		}
	}
	if len(d.users) == 0 {
		return nil, fmt.Errorf("no user is of the realm %q", d.realm)
	}
	if _, err := rand.Read(d.nonces.key[:]); err != nil {
		return nil, err
	}
	basic := config.BasicAuth(*c)
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			name, state := d.check(r, steady.Now())
			respwriter.User(w, name)
			if state != nonceFresh {
				w.Header().Set("Www-Authenticate", d.challenge(steady.Now(), state == nonceStale))
				http.Error(w, http.StatusText(http.StatusUnauthorized), http.StatusUnauthorized)
				return
			}
			reportUser(r, name, &basic)
			next.ServeHTTP(w, r)
		})
	}, nil
}

type digest struct {
	realm  string
	users  map[string]string // MD5 of name:realm:password, in hexadecimal
	nonces *nonces
}

func (d *digest) challenge(now time.Time, stale bool) string {
	text := fmt.Sprintf(`Digest realm=%q, nonce=%q, opaque=%q, algorithm=MD5, qop="auth"`, d.realm, d.nonces.issue(now), hash(d.realm))
	if stale {
		text += ", stale=true"
	}
	return text
}

// check is nonceFresh where r may pass, and nonceStale where it may with a new nonce.
// The name is whom the client says that it is.
func (d *digest) check(r *http.Request, now time.Time) (name string, state nonceState) {
	kind, rest, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(kind, "Digest") || len(rest) > 4096 {
		return "", nonceUnknown
	}
	p := parameters(rest)
	name = p["username"]
	hashed, known := d.users[name]
	if !known || p["realm"] != d.realm || p["qop"] != "auth" || p["algorithm"] != "" && !strings.EqualFold(p["algorithm"], "MD5") {
		return name, nonceUnknown
	}
	count, err := strconv.ParseUint(p["nc"], 16, 32)
	if err != nil || !isFor(p["uri"], r) {
		return name, nonceUnknown
	}
	want := hash(strings.Join([]string{hashed, p["nonce"], p["nc"], p["cnonce"], p["qop"], hash(r.Method + ":" + p["uri"])}, ":"))
	if subtle.ConstantTimeCompare([]byte(want), []byte(strings.ToLower(p["response"]))) != 1 {
		return name, nonceUnknown
	}
	return name, d.nonces.use(p["nonce"], uint32(count), now)
}

// isFor reports whether uri, which the client has signed, is what r asks for. Clients
// that leave the query out are let in, as in Traefik.
func isFor(uri string, r *http.Request) bool {
	if uri == r.RequestURI || uri == r.URL.RequestURI() {
		return true
	}
	u, err := url.ParseRequestURI(uri)
	return err == nil && u.RawQuery == "" && u.EscapedPath() == r.URL.EscapedPath() && (u.Host == "" || strings.EqualFold(u.Host, r.Host))
}

func hash(text string) string {
	sum := md5.Sum([]byte(text))
	return hex.EncodeToString(sum[:])
}

// parameters reads name=value and name="value", separated by commas.
func parameters(text string) map[string]string {
	out := make(map[string]string)
	for text != "" {
		name, rest, ok := strings.Cut(text, "=")
		if !ok {
			return out
		}
		name = strings.ToLower(strings.Trim(name, " ,\t"))
		var value string
		if inner, quoted := strings.CutPrefix(rest, `"`); quoted {
			value, text, _ = strings.Cut(inner, `"`)
		} else {
			value, text, _ = strings.Cut(rest, ",")
		}
		out[name] = strings.TrimSpace(value)
		text = strings.TrimLeft(text, " ,\t")
	}
	return out
}
