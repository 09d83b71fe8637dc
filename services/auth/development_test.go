package auth

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"axion/services/auth/verifier"
	"axion/services/host/hosttest"
)

// TestPassword is of the development user's password: each data directory has one of
// its own, in a file that nobody else reads.
func TestPassword(t *testing.T) {
	t.Parallel()
	cluster := hosttest.Cluster(t)
	signIn := func(s *stack, password string) int {
		return s.send(t, http.MethodPost, "/sign-in/email", `{"email":"`+DevelopmentEmail+`","password":"`+password+`"}`).Status
	}
	inFile := func(dir string) string {
		t.Helper()
		name := filepath.Join(dir, PasswordFile)
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%v, %v, want mode 600", info.Mode(), err)
		}
		return strings.TrimSuffix(string(text), "\n")
	}
	dir := t.TempDir()
	// As somebody else may have left it: everybody's to read.
	if err := os.WriteFile(filepath.Join(dir, PasswordFile), []byte("old"), 0o644); err != nil {
		t.Fatal(err)
	}
	first := startWith(t, cluster, dir, Options{})
	random := first.DevelopmentPassword()
	if len(random) < 26 || inFile(dir) != random || signIn(first, random) != http.StatusOK {
		t.Errorf("got %d characters, file %t, want a random password in the file", len(random), inFile(dir) == random)
	}
	if got := signIn(first, "development"); got != http.StatusUnauthorized {
		t.Errorf("the password of earlier versions: got %d, want 401", got)
	}
	first.stop()

	other := startWith(t, cluster, t.TempDir(), Options{})
	if other.DevelopmentPassword() == random {
		t.Error("two data directories have the same password")
	}
	other.stop()

	given := startWith(t, cluster, dir, Options{Password: "given to tests"})
	if inFile(dir) != "given to tests" || signIn(given, "given to tests") != http.StatusOK ||
		signIn(given, random) != http.StatusUnauthorized {
		t.Error("the given password does not take the place of the random one")
	}
	given.stop()

	again := startWith(t, cluster, dir, Options{})
	if again.DevelopmentPassword() != random || inFile(dir) != random || signIn(again, "given to tests") != http.StatusUnauthorized {
		t.Error("the random password is not back")
	}
}

// TestEarlierPassword opens a database in which an earlier version has kept the hash
// of the password that everybody knew.
func TestEarlierPassword(t *testing.T) {
	t.Parallel()
	cluster, dir := hosttest.Cluster(t), t.TempDir()
	s := startWith(t, cluster, dir, Options{})
	hash, err := s.api.hashing.hash(t.Context(), "development")
	if err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{
		`UPDATE users SET password = '` + hash + `'`, `DROP INDEX sessions_signed`, `ALTER TABLE sessions DROP COLUMN signed_digest`,
		`DELETE FROM migrations_service WHERE version_id = 2`,
	} {
		if _, err := s.DB.Exec(statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	s.stop()
	s = startWith(t, cluster, dir, Options{})
	a := s.send(t, http.MethodPost, "/sign-in/email", `{"email":"`+DevelopmentEmail+`","password":"development"}`)
	if a.Status != http.StatusUnauthorized {
		t.Errorf("got %d, want 401", a.Status)
	}
	s.signIn(t)
}

// TestInstancesAgree starts two instances on one database at once.
func TestInstancesAgree(t *testing.T) {
	t.Parallel()
	cluster, dir := hosttest.Cluster(t), t.TempDir()
	var group sync.WaitGroup
	passwords := make([]string, 2)
	for i := range passwords {
		s := startWith(t, cluster, dir, Options{})
		group.Go(func() { passwords[i] = s.DevelopmentPassword() })
	}
	group.Wait()
	if passwords[0] != passwords[1] {
		t.Error("two instances have two passwords")
	}
}

// TestRemote is of clients that are, or may be, on other machines.
func TestRemote(t *testing.T) {
	t.Parallel()
	cluster := hosttest.Cluster(t)
	s := start(t, cluster, t.TempDir())
	open := startWith(t, cluster, t.TempDir(), Options{Password: password, AllowRemote: true})
	bodies := map[string]string{
		"/sign-in/email": `{"email":"` + DevelopmentEmail + `","password":"` + password + `"}`,
		"/sign-up/email": `{"name":"A","email":"a@example.com","password":"12345678"}`,
	}
	for _, tc := range []struct {
		name   string
		header []string
		remote bool
	}{
		{"Direct", nil, false},
		{"Gateway", []string{"X-Forwarded-For: 127.0.0.1", "X-Real-Ip: 127.0.0.1"}, false},
		{"IPv6", []string{"X-Forwarded-For: ::1"}, false},
		{"Mapped", []string{"X-Forwarded-For: ::ffff:127.0.0.1"}, false},
		{"Port", []string{"X-Forwarded-For: 127.0.0.1:5050"}, false},
		{"ErrRemote", []string{"X-Forwarded-For: 192.0.2.7"}, true},
		{"ErrRemoteIPv6", []string{"X-Forwarded-For: fe80::1%eth0"}, true},
		{"ErrForged", []string{"X-Forwarded-For: 127.0.0.1, 192.0.2.7"}, true},
		{"ErrBehindProxy", []string{"X-Forwarded-For: 192.0.2.7, 127.0.0.1"}, true},
		{"ErrSecondHeader", []string{"X-Forwarded-For: 127.0.0.1", "X-Real-Ip: 192.0.2.7"}, true},
		{"ErrUnknown", []string{"X-Forwarded-For: unknown"}, true},
		{"ErrEmpty", []string{"X-Forwarded-For: 127.0.0.1,"}, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for path, body := range bodies {
				a := s.send(t, http.MethodPost, path, body, tc.header...)
				if refused := a.Status == http.StatusForbidden && a.fields.Code == "REMOTE_SIGN_IN" && a.cookie() == nil; refused != tc.remote {
					t.Errorf("%s: got %d %s, want refused %t", path, a.Status, a.Body, tc.remote)
				}
				if tc.remote && !strings.Contains(a.Body, "--allow-remote-sign-in") {
					t.Errorf("%s: got %s, want the flag named", path, a.Body)
				}
				if a := open.send(t, http.MethodPost, path, body, tc.header...); a.fields.Code == "REMOTE_SIGN_IN" {
					t.Errorf("%s where others are let in: got %d %s", path, a.Status, a.Body)
				}
			}
		})
	}
	if !s.session(t, "Authorization: Bearer "+s.signIn(t).fields.Token, "X-Forwarded-For: 192.0.2.7") {
		t.Error("a session is of no use from elsewhere")
	}
}

// TestOwnSession asks for the stack's own token again and again.
func TestOwnSession(t *testing.T) {
	t.Parallel()
	cluster, dir := hosttest.Cluster(t), t.TempDir()
	s := start(t, cluster, dir)
	sessions := func(s *stack) (n int) {
		t.Helper()
		if err := s.DB.QueryRow(`SELECT count(*) FROM sessions`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	own := func(s *stack) string {
		t.Helper()
		token, err := s.DevelopmentToken(t.Context())
		if err != nil || !s.session(t, "Authorization: Bearer "+token) {
			t.Fatalf("token %q, %v, want one of a session", token, err)
		}
		return token
	}
	var group sync.WaitGroup
	for range 50 { // all tabs of a browser at once
		group.Go(func() {
			if _, err := s.DevelopmentToken(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	first := own(s)
	if n := sessions(s); n != 1 {
		t.Fatalf("51 calls made %d sessions, want 1", n)
	}
	s.send(t, http.MethodPost, "/sign-out", "", "Authorization: Bearer "+first)
	second := own(s)
	if n := sessions(s); second == first || n != 1 {
		t.Errorf("after the sign-out: %d sessions, the same token %t", n, second == first)
	}
	s.clock.Add(sessionLifetime - minLifetime)
	third := own(s)
	if third == second {
		t.Error("a session that ends soon was given")
	}
	s.clock.Add(sessionLifetime)
	if own(s) == third {
		t.Error("a session that has ended was given")
	}
	s.stop()
	again := start(t, cluster, dir)
	if own(again) == third {
		t.Error("the session before the restart was given")
	}
}

// TestOwnJWT is of the token that costs no message.
func TestOwnJWT(t *testing.T) {
	t.Parallel()
	cluster := hosttest.Cluster(t)
	s := start(t, cluster, t.TempDir())
	h := peer(t, hostOptions(t, cluster, t.TempDir()))
	jwt := func() string {
		t.Helper()
		token, err := s.DevelopmentJWT(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	first := jwt()
	id, err := h.Verifier.Verify(t.Context(), first)
	if err != nil || id.Email != DevelopmentEmail {
		t.Fatalf("got %+v, %v", id, err)
	}
	s.clock.Add(time.Minute)
	if jwt() != first {
		t.Error("one token a call, want one for some minutes")
	}
	s.clock.Add(jwtLifetime / 3)
	if jwt() == first {
		t.Error("the token grows old")
	}
	var n int
	if err := s.DB.QueryRow(`SELECT count(*) FROM sessions`).Scan(&n); err != nil || n != 0 {
		t.Errorf("got %d sessions, %v, want none", n, err)
	}
}

// TestSweep starts on a database with an expired session.
func TestSweep(t *testing.T) {
	t.Parallel()
	cluster, dir := hosttest.Cluster(t), t.TempDir()
	s := start(t, cluster, dir)
	token := s.signIn(t).fields.Token
	s.signIn(t)
	if _, err := s.DB.Exec(`UPDATE sessions SET expires_at = 1 WHERE digest <> $1`, verifier.Digest(token)); err != nil {
		t.Fatal(err)
	}
	s.stop()
	s = start(t, cluster, dir)
	for deadline := time.Now().Add(hosttest.Deadline); ; time.Sleep(time.Millisecond) {
		var n int
		if err := s.DB.QueryRow(`SELECT count(*) FROM sessions`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		if n == 1 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d sessions are kept, want the live one", n)
		}
	}
	if !s.session(t, "Authorization: Bearer "+token) {
		t.Error("the live session is gone")
	}
}
