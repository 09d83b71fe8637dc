package middleware

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/tg123/go-htpasswd"

	"axion/gateway/config"
	"axion/gateway/regular"
	"axion/gateway/respwriter"
)

const (
	defaultRealm = "traefik"
	maxUsersFile = 4 << 20 // bytes
)

// basicAuth asks for a user and password (RFC 7617).
func basicAuth(c *config.BasicAuth) (Middleware, error) {
	if err := checkName("basicauth.headerfield", c.HeaderField); err != nil {
		return nil, err
	}
	lines, err := userLines(c.Users, c.UsersFile)
	if err != nil {
		return nil, err
	}
	g := newGate()
	for _, line := range lines {
		name, hash, _ := strings.Cut(line, ":")
		if g.users[name], err = readHash(hash); err != nil {
			return nil, fmt.Errorf("user %q: %w", name, err)
		}
		g.decoy = g.users[name]
	}
	challenge := fmt.Sprintf("Basic realm=%q", cmp.Or(c.Realm, defaultRealm))
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			name, password, ok := r.BasicAuth()
			respwriter.User(w, name)
			if !ok || !g.admits(r.Context(), name, password) {
				w.Header().Set("Www-Authenticate", challenge)
				http.Error(w, http.StatusText(http.StatusUnauthorized), http.StatusUnauthorized)
				return
			}
			reportUser(r, name, c)
			next.ServeHTTP(w, r)
		})
	}, nil
}

// reportUser sends the service the name of who passed.
func reportUser(r *http.Request, name string, c *config.BasicAuth) {
	if c.HeaderField != "" {
		take(r, c.HeaderField)
		r.Header.Set(c.HeaderField, name)
	}
	if c.RemoveHeader {
		r.Header.Del("Authorization")
	}
}

// readHash reads the forms that htpasswd writes; a plain password is none.
func readHash(hash string) (htpasswd.EncodedPasswd, error) {
	for _, parse := range []htpasswd.PasswdParser{htpasswd.AcceptBcrypt, htpasswd.AcceptMd5, htpasswd.AcceptSha, htpasswd.AcceptCryptSha} {
		p, err := parse(hash)
		if err != nil {
			return nil, errors.New("the hash is malformed")
		}
		if p != nil {
			return p, nil
		}
	}
	return nil, &needsHash{}
}

// needsHash is a password without a hash.
type needsHash struct{}

func (*needsHash) Error() string {
	return "the password is not hashed, or by none of bcrypt, MD5 and SHA1"
}

// Hint is the hint shown with the error.
func (*needsHash) Hint() string {
	return "make the line by htpasswd -nB NAME, and in a compose file write each $ as $$"
}

// userLines are the users of the file and then those given, which win.
func userLines(users []string, file string) ([]string, error) {
	var lines []string
	if file != "" {
		text, err := regular.Read(file, maxUsersFile)
		if err != nil {
			return nil, fmt.Errorf("usersfile %s: %w", file, err)
		}
		for line := range strings.Lines(string(text)) {
			if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
				lines = append(lines, line)
			}
		}
	}
	lines = append(lines, users...)
	if len(lines) == 0 {
		return nil, errors.New("there are no users")
	}
	for i, line := range lines {
		if name, _, ok := strings.Cut(line, ":"); !ok || name == "" {
			return nil, fmt.Errorf("user %d is not name:hash", i+1)
		}
	}
	return lines, nil
}
