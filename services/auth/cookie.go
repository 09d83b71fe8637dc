package auth

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// cookieName is the session cookie's; https adds the prefix with which browsers
// refuse it over plain HTTP.
const (
	cookieName   = "better-auth.session_token"
	securePrefix = "__Secure-"
)

// sign returns "token.signature" in the form in which it travels in a cookie.
func (k *keys) sign(token string) string {
	escaped := url.QueryEscape(token + "." + base64.StdEncoding.EncodeToString(k.mac(token)))
	return strings.ReplaceAll(escaped, "+", "%20") // as JavaScript's encodeURIComponent
}

func (k *keys) mac(token string) []byte {
	mac := hmac.New(sha256.New, k.cookie)
	mac.Write([]byte(token)) // never fails
	return mac.Sum(nil)
}

// open returns the token of "token.signature", percent-encoded or not, and
// false where the signature is not ours.
func (k *keys) open(signed string) (string, bool) {
	plain, err := url.PathUnescape(signed)
	if err != nil {
		return "", false
	}
	token, signature, ok := strings.Cut(plain, ".")
	if !ok {
		return "", false
	}
	// Clients strip the padding: "=" is awkward in a cookie.
	mac, err := base64.RawStdEncoding.Strict().DecodeString(strings.TrimRight(signature, "="))
	return token, err == nil && hmac.Equal(mac, k.mac(token))
}

// openBearer returns the token of a bearer credential, which is the token as it
// is or signed.
func (k *keys) openBearer(credential string) (string, bool) {
	if strings.Contains(credential, ".") {
		return k.open(credential)
	}
	return credential, credential != ""
}

// cookie is the Set-Cookie value of a session; age 0 lets it end with the
// browser, and below 0 deletes it.
func cookie(value string, age time.Duration, secure bool) string {
	c := http.Cookie{
		Name: cookieName, Value: value, Path: "/", MaxAge: int(age / time.Second),
		HttpOnly: true, Secure: secure, SameSite: http.SameSiteLaxMode,
	}
	if secure {
		c.Name = securePrefix + c.Name
	}
	return c.String()
}
