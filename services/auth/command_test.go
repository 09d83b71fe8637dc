package auth

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"axion/services/host/hosttest"
)

// decode reads one part of a JWT.
func decode(t *testing.T, part string, v any) {
	t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, v); err != nil {
		t.Fatal(err)
	}
}

func run(t *testing.T, address func() (string, string, error), args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	cmd := Command(address, nil)
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	cmd.SetOut(&out)
	cmd.SetErr(&out)
	cmd.SetArgs(args)
	err := cmd.ExecuteContext(t.Context())
	return out.String(), err
}

func TestCommand(t *testing.T) {
	t.Parallel()
	s := start(t, hosttest.Cluster(t), t.TempDir())
	at := func(base string) func() (string, string, error) {
		return func() (string, string, error) { return base, password, nil }
	}

	t.Run("OK", func(t *testing.T) {
		out, err := run(t, at(s.base))
		if token := strings.TrimSuffix(out, "\n"); err != nil || strings.ContainsAny(token, " \n") ||
			!s.session(t, "Authorization: Bearer "+token) {
			t.Errorf("got %q, %v, want a token", out, err)
		}
	})
	t.Run("OKJSON", func(t *testing.T) {
		out, err := run(t, at(s.base), "--json")
		var got struct{ Token string }
		if jsonErr := json.Unmarshal([]byte(out), &got); err != nil || jsonErr != nil || !s.session(t, "Authorization: Bearer "+got.Token) {
			t.Errorf("got %q, %v, %v, want a token", out, err, jsonErr)
		}
	})
	t.Run("ErrElsewhere", func(t *testing.T) {
		if _, err := run(t, at("")); err == nil || !strings.Contains(err.Error(), "no auth-service of its own") {
			t.Errorf("got %v, want word of the auth-service elsewhere", err)
		}
	})
	t.Run("ErrPassword", func(t *testing.T) {
		out, err := run(t, at(s.base), "--email", DevelopmentEmail, "--password", "wrong")
		var failed *TokenError
		if !errors.As(err, &failed) || failed.Code != "INVALID_EMAIL_OR_PASSWORD" || !strings.Contains(failed.Hint(), "--password") ||
			!strings.Contains(err.Error(), s.base) || strings.Contains(err.Error(), "wrong") || out != "" {
			t.Errorf("got %q, %v", out, err)
		}
	})
	t.Run("ErrPasswordMissing", func(t *testing.T) {
		if out, err := run(t, at(s.base), "--email", "ann@example.com"); err == nil || !strings.HasPrefix(err.Error(), "--password ") ||
			out != "" {
			t.Errorf("got %q, %v, want the flag named and nothing sent", out, err)
		}
	})
	t.Run("ErrAddress", func(t *testing.T) {
		unknown := errors.New("no stack")
		if _, err := run(t, func() (string, string, error) { return "", "", unknown }); err != unknown {
			t.Errorf("got %v, want %v as it is", err, unknown)
		}
	})
	t.Run("ErrAway", func(t *testing.T) {
		gone := httptest.NewServer(http.NotFoundHandler())
		gone.Close()
		_, err := run(t, at(gone.URL))
		var failed *TokenError
		if !errors.As(err, &failed) || failed.Code != "" || !strings.Contains(failed.Hint(), "axion") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("ErrRedirect", func(t *testing.T) {
		elsewhere := httptest.NewServer(http.RedirectHandler(s.base+basePath+"/sign-in/email", http.StatusTemporaryRedirect))
		defer elsewhere.Close()
		if out, err := run(t, at(elsewhere.URL)); err == nil || out != "" {
			t.Errorf("got %q, %v, want the password sent nowhere else", out, err)
		}
	})
}
