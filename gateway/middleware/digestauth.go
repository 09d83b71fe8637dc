package middleware

import (
	"cmp"
	"crypto/hmac"
	"crypto/md5"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"time"

	"axion/gateway/config"
)

// nonceLife is how long a client may use a nonce before it gets a new one.
const nonceLife = 5 * time.Minute

// digestAuth asks for a user and password by RFC 7616, with MD5 and qop auth, as
// htdigest's lines need. Nonces are signed, so that none is remembered.
func digestAuth(c *config.DigestAuth) (Middleware, error) {
	lines, err := userLines(c.Users, c.UsersFile)
	if err != nil {
		return nil, err
	}
	d := &digest{realm: cmp.Or(c.Realm, defaultRealm), users: make(map[string]string)}
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
	if _, err := rand.Read(d.key[:]); err != nil {
		return nil, err
	}
	basic := config.BasicAuth(*c)
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			name, stale, ok := d.check(r, time.Now())
			if !ok {
				w.Header().Set("Www-Authenticate", d.challenge(time.Now(), stale))
				http.Error(w, http.StatusText(http.StatusUnauthorized), http.StatusUnauthorized)
				return
			}
			tellUser(r, name, &basic)
			next.ServeHTTP(w, r)
		})
	}, nil
}

type digest struct {
	realm string
	users map[string]string // MD5 of name:realm:password, in hexadecimal
	key   [32]byte
}

func (d *digest) challenge(now time.Time, stale bool) string {
	text := fmt.Sprintf(`Digest realm=%q, nonce=%q, opaque=%q, algorithm=MD5, qop="auth"`, d.realm, d.nonce(now), hash(d.realm))
	if stale {
		text += ", stale=true"
	}
	return text
}

// nonce is the time and its signature.
func (d *digest) nonce(at time.Time) string {
	text := binary.BigEndian.AppendUint64(nil, uint64(at.UnixNano()))
	mac := hmac.New(sha256.New, d.key[:])
	_, _ = mac.Write(text)
	return hex.EncodeToString(mac.Sum(text)[:24])
}

func (d *digest) check(r *http.Request, now time.Time) (name string, stale, ok bool) {
	kind, rest, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(kind, "Digest") || len(rest) > 4096 {
		return "", false, false
	}
	p := parameters(rest)
	hashed, known := d.users[p["username"]]
	if !known || p["realm"] != d.realm || p["qop"] != "auth" || p["algorithm"] != "" && !strings.EqualFold(p["algorithm"], "MD5") {
		return "", false, false
	}
	if p["uri"] != r.RequestURI && p["uri"] != r.URL.RequestURI() {
		return "", false, false
	}
	raw, err := hex.DecodeString(p["nonce"])
	if err != nil || len(raw) != 24 {
		return "", false, false
	}
	issued := time.Unix(0, int64(binary.BigEndian.Uint64(raw)))
	if !hmac.Equal([]byte(d.nonce(issued)), []byte(p["nonce"])) {
		return "", true, false // of another run: the client asks again by itself
	}
	want := hash(strings.Join([]string{hashed, p["nonce"], p["nc"], p["cnonce"], p["qop"], hash(r.Method + ":" + p["uri"])}, ":"))
	if subtle.ConstantTimeCompare([]byte(want), []byte(strings.ToLower(p["response"]))) != 1 {
		return "", false, false
	}
	if age := now.Sub(issued); age < 0 || age > nonceLife {
		return "", true, false
	}
	return p["username"], false, true
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
