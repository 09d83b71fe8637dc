package auth

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"axion/services/auth/verifier"
	"axion/services/clustertest"
	"axion/services/host/hosttest"
)

func TestSignUp(t *testing.T) {
	t.Parallel()
	s := start(t, hosttest.Cluster(t), t.TempDir())
	long := strings.Repeat("ä", 128)

	t.Run("OK", func(t *testing.T) {
		a := s.send(t, http.MethodPost, "/sign-up/email", `{"name":"Ann","email":" Ann@Example.com ","password":"`+long+`"}`)
		u := a.fields.User
		if a.Status != http.StatusOK || u == nil || u.Email != "ann@example.com" || u.Name != "Ann" || u.Image != nil || u.EmailVerified ||
			!strings.Contains(a.Body, `"image":null`) || a.cookie() == nil || a.Header.Get("Set-Auth-Token") == "" {
			t.Fatalf("got %d %s", a.Status, a.Body)
		}
		if !s.session(t, "Authorization: Bearer "+a.fields.Token) {
			t.Error("the token is of no session")
		}
		in := s.send(t, http.MethodPost, "/sign-in/email", `{"email":"ANN@example.com","password":"`+long+`"}`)
		if in.Status != http.StatusOK || in.fields.User.ID != u.ID || in.fields.Token == a.fields.Token {
			t.Errorf("sign in: got %d %s", in.Status, in.Body)
		}
	})
	for _, tc := range []struct {
		name, body, header string
		status             int
		code               string
	}{
		{"ErrTaken", `{"name":"","email":"DEV@axion.localhost","password":"12345678"}`, "", 422, "USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL"},
		{"ErrEmail", `{"name":"a","email":"nobody","password":"12345678"}`, "", 400, "INVALID_EMAIL"},
		{"ErrEmailName", `{"name":"a","email":"A <a@b.c>","password":"12345678"}`, "", 400, "INVALID_EMAIL"},
		{"ErrEmailLong", `{"name":"a","email":"` + strings.Repeat("a", 250) + `@b.cd","password":"12345678"}`, "", 400, "INVALID_EMAIL"},
		{"ErrPasswordShort", `{"name":"a","email":"a@b.c","password":"1234567"}`, "", 400, "PASSWORD_TOO_SHORT"},
		{"ErrPasswordLong", `{"name":"a","email":"a@b.c","password":"` + long + `x"}`, "", 400, "PASSWORD_TOO_LONG"},
		{"ErrNameRequired", `{"email":"a@b.c","password":"12345678"}`, "", 400, "VALIDATION_ERROR"},
		{"ErrNameLong", `{"name":"` + strings.Repeat("n", 257) + `","email":"a@b.c","password":"12345678"}`, "", 400, "VALIDATION_ERROR"},
		{"ErrType", `{"name":1,"email":"a@b.c","password":"12345678"}`, "", 400, "VALIDATION_ERROR"},
		{"ErrNotJSON", `{`, "", 400, "VALIDATION_ERROR"},
		{"ErrNotObject", `[]`, "", 400, "VALIDATION_ERROR"},
		{"ErrUTF8", "{\"name\":\"\xff\",\"email\":\"a@b.c\",\"password\":\"12345678\"}", "", 400, "VALIDATION_ERROR"},
		{"ErrTooLarge", `{"name":"` + strings.Repeat("x", 64<<10) + `"}`, "", 413, "PAYLOAD_TOO_LARGE"},
		{"ErrContentType", `{}`, "Content-Type: text/plain", 415, "UNSUPPORTED_MEDIA_TYPE"},
		{"ErrOrigin", `{}`, "Origin: https://example.com", 403, "INVALID_ORIGIN"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var header []string
			if tc.header != "" {
				header = append(header, tc.header)
			}
			a := s.send(t, http.MethodPost, "/sign-up/email", tc.body, header...)
			if a.Status != tc.status || a.fields.Code != tc.code || a.fields.Message == "" || a.cookie() != nil {
				t.Errorf("got %d %s, want %d %s", a.Status, a.Body, tc.status, tc.code)
			}
		})
	}
}

func TestSignIn(t *testing.T) {
	t.Parallel()
	s := start(t, hosttest.Cluster(t), t.TempDir())
	const dev = `"email":"dev@axion.localhost","password":"development"`

	t.Run("OK", func(t *testing.T) {
		a := s.signIn(t)
		c := a.cookie()
		if c == nil || c.Name != "better-auth.session_token" || !c.HttpOnly || c.Secure || c.SameSite != http.SameSiteLaxMode ||
			c.MaxAge != 7*24*3600 || c.Path != "/" {
			t.Fatalf("cookie: got %+v", c)
		}
		if a.fields.Redirect || strings.Contains(a.Body, `"url"`) || a.fields.User.Name != "Developer" ||
			a.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("got %s", a.Body)
		}
		// The documented form, made here anew.
		mac := hmac.New(sha256.New, s.api.keys.cookie)
		mac.Write([]byte(a.fields.Token))
		want := url.QueryEscape(a.fields.Token + "." + base64.StdEncoding.EncodeToString(mac.Sum(nil)))
		if c.Value != want || a.Header.Get("Set-Auth-Token") != want || a.Header.Get("Access-Control-Expose-Headers") != "set-auth-token" {
			t.Errorf("got cookie %q, header %v, want %q", c.Value, a.Header, want)
		}
	})
	t.Run("Form", func(t *testing.T) {
		a := s.send(t, http.MethodPost, "/sign-in/email", "email=dev%40axion.localhost&password=development&rememberMe=false&callbackURL=%2Fhome",
			"Content-Type: application/x-www-form-urlencoded; charset=utf-8")
		if a.Status != http.StatusOK || !a.fields.Redirect || a.fields.URL != "/home" || a.Header.Get("Location") != "/home" {
			t.Fatalf("got %d %s", a.Status, a.Body)
		}
		if c := a.cookie(); c == nil || c.MaxAge != 0 || strings.Contains(a.Header.Get("Set-Cookie"), "Max-Age") {
			t.Errorf("cookie: got %+v, want one that ends with the browser", c)
		}
		got := s.send(t, http.MethodGet, "/get-session", "", "Authorization: Bearer "+a.fields.Token).fields.Session
		if got.ExpiresAt.Sub(got.CreatedAt) != 24*time.Hour {
			t.Errorf("session lasts %v, want a day", got.ExpiresAt.Sub(got.CreatedAt))
		}
	})
	t.Run("HTTPS", func(t *testing.T) {
		a := s.signIn(t, "X-Forwarded-Proto: https")
		c := a.cookie()
		if c == nil || c.Name != "__Secure-better-auth.session_token" || !c.Secure {
			t.Fatalf("cookie: got %+v", c)
		}
		if !s.session(t, "X-Forwarded-Proto: https", "Cookie: "+c.Name+"="+c.Value) {
			t.Error("the cookie is of no session")
		}
		if s.session(t, "X-Forwarded-Proto: https", "Cookie: "+cookieName+"="+c.Value) {
			t.Error("a cookie without the prefix was accepted over https")
		}
	})
	for _, tc := range []struct {
		name, body string
		header     []string
		status     int
		code       string
	}{
		{"ErrPassword", `{"email":"dev@axion.localhost","password":"wrong"}`, nil, 401, "INVALID_EMAIL_OR_PASSWORD"},
		{"ErrPasswordEmptyHash", `{"email":"dev@axion.localhost","password":" "}`, nil, 401, "INVALID_EMAIL_OR_PASSWORD"},
		{"ErrUnknown", `{"email":"nobody@axion.localhost","password":"development"}`, nil, 401, "INVALID_EMAIL_OR_PASSWORD"},
		{"ErrPasswordRequired", `{"email":"dev@axion.localhost"}`, nil, 400, "VALIDATION_ERROR"},
		{"ErrEmailRequired", `{"password":"development"}`, nil, 400, "VALIDATION_ERROR"},
		{"ErrEmail", `{"email":"dev","password":"development"}`, nil, 400, "INVALID_EMAIL"},
		{"ErrCallback", `{` + dev + `,"callbackURL":"https://example.com"}`, nil, 403, "INVALID_CALLBACK_URL"},
		{"ErrCallbackSlashes", `{` + dev + `,"callbackURL":"//example.com"}`, nil, 403, "INVALID_CALLBACK_URL"},
		{"ErrCallbackBackslash", `{` + dev + `,"callbackURL":"/\\example.com"}`, nil, 403, "INVALID_CALLBACK_URL"},
		{"ErrCallbackUser", `{` + dev + `,"callbackURL":"http://localhost@example.com"}`, nil, 403, "INVALID_CALLBACK_URL"},
		{"ErrCallbackScript", `{` + dev + `,"callbackURL":"javascript://localhost/%0aalert(1)"}`, nil, 403, "INVALID_CALLBACK_URL"},
		{"OKCallback", `{` + dev + `,"callbackURL":"https://axion.localhost:8443/x"}`, nil, 200, ""},
		{"OKOrigin", `{` + dev + `}`, []string{"Origin: https://axion.localhost:8443", "Cookie: a=b"}, 200, ""},
		{"OKReferer", `{` + dev + `}`, []string{"Referer: " + dashboard + "/x", "Cookie: a=b"}, 200, ""},
		{"OKOwnOrigin", `{` + dev + `}`, []string{"Origin: " + s.base, "Cookie: a=b"}, 200, ""},
		{"ErrOtherPort", `{` + dev + `}`, []string{"Origin: https://axion.localhost:30001"}, 403, "INVALID_ORIGIN"},
		{"ErrOtherScheme", `{` + dev + `}`, []string{"Origin: http://axion.localhost:8443"}, 403, "INVALID_ORIGIN"},
		{"ErrDeployed", `{` + dev + `}`, []string{"Origin: https://evil.apps.localhost:8443"}, 403, "INVALID_ORIGIN"},
		{"ErrDeployedReferer", `{` + dev + `}`, []string{"Referer: https://evil.apps.localhost:8443/x", "Cookie: a=b"}, 403, "INVALID_ORIGIN"},
		{"ErrOrigin", `{` + dev + `}`, []string{"Origin: https://example.com", "Cookie: a=b"}, 403, "INVALID_ORIGIN"},
		{"ErrOriginNoCookie", `{` + dev + `}`, []string{"Origin: https://localhost.example.com"}, 403, "INVALID_ORIGIN"},
		{"ErrOriginMissing", `{` + dev + `}`, []string{"Cookie: a=b"}, 403, "MISSING_OR_NULL_ORIGIN"},
		{"ErrOriginNull", `{` + dev + `}`, []string{"Origin: null"}, 403, "MISSING_OR_NULL_ORIGIN"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a := s.send(t, http.MethodPost, "/sign-in/email", tc.body, tc.header...)
			if a.Status != tc.status || a.fields.Code != tc.code {
				t.Errorf("got %d %s, want %d %s", a.Status, a.Body, tc.status, tc.code)
			}
		})
	}
}

func TestSession(t *testing.T) {
	t.Parallel()
	s := start(t, hosttest.Cluster(t), t.TempDir())
	in := s.signIn(t, "User-Agent: "+strings.Repeat("a", maxAgent+1), "X-Forwarded-For: 127.0.0.1, 127.0.0.9")
	token, value := in.fields.Token, in.cookie().Value
	plain, err := url.QueryUnescape(value)
	if err != nil {
		t.Fatal(err)
	}
	other := s.signIn(t).fields.Token
	forged := other + plain[strings.Index(plain, "."):]
	jwt := s.send(t, http.MethodGet, "/token", "", "Authorization: Bearer "+token).fields.Token

	t.Run("OK", func(t *testing.T) {
		a := s.send(t, http.MethodGet, "/get-session", "", "Authorization: Bearer "+token)
		got := a.fields.Session
		if got == nil || got.Token != token || got.UserID != a.fields.User.ID || got.IPAddress != "127.0.0.9" || len(got.UserAgent) != maxAgent ||
			got.ExpiresAt.Sub(got.CreatedAt) != 7*24*time.Hour || got.ID == "" || got.UpdatedAt != got.CreatedAt {
			t.Errorf("got %s", a.Body)
		}
		if strings.Count(a.Header.Get("Set-Auth-Jwt"), ".") != 2 || a.Header.Get("Access-Control-Expose-Headers") != "set-auth-jwt" {
			t.Errorf("headers: got %v", a.Header)
		}
	})
	for _, tc := range []struct {
		name, header string
		want         bool
	}{
		{"Cookie", "Cookie: x=y; " + cookieName + "=" + value, true},
		{"CookieDecoded", "Cookie: " + cookieName + "=" + plain, true},
		{"BearerSigned", "Authorization: Bearer " + value, true},
		{"BearerDecoded", "Authorization: bearer " + plain, true},
		{"BearerNoPadding", "Authorization: Bearer " + strings.TrimRight(plain, "="), true},
		{"ErrNone", "X-None: x", false},
		{"ErrUnknown", "Authorization: Bearer " + strings.Repeat("A", 43), false},
		{"ErrForged", "Authorization: Bearer " + forged, false},
		{"ErrForgedCookie", "Cookie: " + cookieName + "=" + url.QueryEscape(forged), false},
		{"ErrUnsignedCookie", "Cookie: " + cookieName + "=" + token, false},
		{"ErrDigest", "Authorization: Bearer " + verifier.Digest(token), false},
		{"ErrJWT", "Authorization: Bearer " + jwt, false},
		{"ErrBasic", "Authorization: Basic " + token, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := s.session(t, tc.header); got != tc.want {
				t.Errorf("signed in: got %v, want %v", got, tc.want)
			}
		})
	}
	t.Run("JWTBesideCookie", func(t *testing.T) {
		if !s.session(t, "Authorization: Bearer "+jwt, "Cookie: "+cookieName+"="+value) {
			t.Error("a JWT hides the cookie")
		}
	})
	t.Run("SignOut", func(t *testing.T) {
		a := s.send(t, http.MethodPost, "/sign-out", "", "Cookie: "+cookieName+"="+value)
		if a.Status != http.StatusForbidden || !s.session(t, "Authorization: Bearer "+token) {
			t.Errorf("without an Origin: got %d %s, want 403 and the session kept", a.Status, a.Body)
		}
		a = s.send(t, http.MethodPost, "/sign-out", "{}", "Cookie: "+cookieName+"="+value, "Origin: "+baseURL)
		if c := a.cookie(); a.Status != http.StatusOK || a.Body != "{\"success\":true}\n" || c == nil || c.MaxAge >= 0 || c.Value != "" {
			t.Errorf("got %d %s, cookie %+v", a.Status, a.Body, c)
		}
		if s.session(t, "Authorization: Bearer "+token) || !s.session(t, "Authorization: Bearer "+other) {
			t.Error("want this session gone and the other kept")
		}
		if a := s.send(t, http.MethodPost, "/sign-out", ""); a.Status != http.StatusOK {
			t.Errorf("without a session: got %d", a.Status)
		}
	})
}

func TestExpiry(t *testing.T) {
	t.Parallel()
	s := start(t, hosttest.Cluster(t), t.TempDir())
	token := s.signIn(t).fields.Token
	s.clock.Add(sessionLifetime - time.Second)
	if !s.session(t, "Authorization: Bearer "+token) {
		t.Error("the session ended early")
	}
	s.clock.Add(time.Second)
	if s.session(t, "Authorization: Bearer "+token) {
		t.Error("the session did not end")
	}
	if a := s.send(t, http.MethodGet, "/token", "", "Authorization: Bearer "+token); a.Status != http.StatusUnauthorized ||
		a.fields.Code != "UNAUTHORIZED" {
		t.Errorf("token: got %d %s, want 401", a.Status, a.Body)
	}
	s.signIn(t)
	if err := s.api.sessions.deleteExpired(t.Context()); err != nil {
		t.Error(err)
	}
	var n int
	if err := s.DB.QueryRow(`SELECT count(*) FROM sessions`).Scan(&n); err != nil || n != 1 {
		t.Errorf("stored sessions: got %d, %v, want the live one only", n, err)
	}
}

// TestClockJumps: a session goes on where the clock jumps by an hour either way, and
// signs new JWTs.
func TestClockJumps(t *testing.T) {
	t.Parallel()
	s := start(t, hosttest.Cluster(t), t.TempDir())
	token := s.signIn(t).fields.Token
	for _, jump := range []time.Duration{time.Hour, -2 * time.Hour} {
		s.clock.Add(jump)
		if !s.session(t, "Authorization: Bearer "+token) {
			t.Errorf("a jump of %s ended the session", jump)
		}
		if a := s.send(t, http.MethodGet, "/token", "", "Authorization: Bearer "+token); a.Status != http.StatusOK {
			t.Errorf("a JWT after a jump of %s: got %d %s", jump, a.Status, a.Body)
		}
	}
}

func TestRoutes(t *testing.T) {
	t.Parallel()
	s := start(t, hosttest.Cluster(t), t.TempDir())
	for _, tc := range []struct {
		method, path string
		status       int
		says         string
	}{
		{http.MethodGet, "/ok", 200, `{"ok":true}`},
		{http.MethodPost, "/get-session", 405, "METHOD_NOT_ALLOWED"},
		{http.MethodGet, "/sign-in/email", 405, "METHOD_NOT_ALLOWED"},
		{http.MethodGet, "/nothing", 404, "NOT_FOUND"},
	} {
		a := s.send(t, tc.method, tc.path, "")
		if a.Status != tc.status || !strings.Contains(a.Body, tc.says) || (tc.status == 405) != (a.Header.Get("Allow") != "") {
			t.Errorf("%s %s: got %d %s, want %d %s", tc.method, tc.path, a.Status, a.Body, tc.status, tc.says)
		}
	}
	if a := s.send(t, http.MethodGet, "/ok", "", "Host: example.com"); a.Status != http.StatusMisdirectedRequest {
		t.Errorf("foreign host: got %d, want 421", a.Status)
	}
	api := hosttest.Decode[struct {
		Paths map[string]map[string]struct {
			RequestBody *struct{ Content map[string]any }
		}
	}](t, hosttest.Do(t, http.MethodGet, s.base+"/openapi.json", ""), http.StatusOK)
	for path, method := range map[string]string{"/sign-up/email": "post", "/sign-in/email": "post", "/sign-out": "post",
		"/get-session": "get", "/token": "get", "/jwks": "get", "/ok": "get"} {
		op, ok := api.Paths[basePath+path][method]
		if !ok {
			t.Errorf("OpenAPI lacks %s %s", method, path)
		}
		if strings.HasSuffix(path, "/email") && (op.RequestBody == nil || len(op.RequestBody.Content) != 2) {
			t.Errorf("OpenAPI of %s: got body %+v, want JSON and form", path, op.RequestBody)
		}
	}
}

// TestAtRest looks at what a thief of the database, or a restart, would find.
func TestAtRest(t *testing.T) {
	t.Parallel()
	cluster, dir := hosttest.Cluster(t), t.TempDir()
	s := startWith(t, cluster, dir, Options{})
	token := s.signIn(t).fields.Token
	dev, err := s.DevelopmentToken(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	keys := s.send(t, http.MethodGet, "/jwks", "").Body
	s.stop()

	found := 0
	err = filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		found++
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, secret := range []string{token, dev, s.DevelopmentPassword()} {
			if strings.Contains(string(raw), secret) && filepath.Base(path) != PasswordFile {
				t.Errorf("%s holds %q", path, secret)
			}
		}
		info, err := d.Info()
		if err == nil && info.Mode().Perm() != 0o600 {
			t.Errorf("%s: mode %o, want 600", path, info.Mode().Perm())
		}
		return err
	})
	if err != nil || found == 0 && os.Getenv(clustertest.DatabaseEnv) == "" {
		t.Fatalf("read the data directory: %d files, %v", found, err)
	}

	again := startWith(t, cluster, dir, Options{})
	if again.DevelopmentPassword() != s.DevelopmentPassword() {
		t.Error("another password after the restart")
	}
	for _, tok := range []string{token, dev} {
		if !again.session(t, "Authorization: Bearer "+tok) {
			t.Error("a session did not survive the restart")
		}
	}
	if got := again.send(t, http.MethodGet, "/jwks", "").Body; got != keys {
		t.Errorf("keys after a restart: got %s, want %s", got, keys)
	}
	if strings.Contains(keys, `"d"`) || !strings.Contains(keys, `"kty":"OKP"`) {
		t.Errorf("keys: got %s, want public ones", keys)
	}
	again.signIn(t)
}
