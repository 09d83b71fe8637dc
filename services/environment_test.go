package services_test

import (
	"errors"
	"log/slog"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/spf13/pflag"

	"axion/services"
	"axion/services/clustertest"
	"axion/services/contract"
	"axion/services/host/hosttest"
)

// TestVariables is of what the variables may hold; no part of it runs beside others,
// since they are the process's.
func TestVariables(t *testing.T) {
	quiet := slog.New(slog.DiscardHandler)
	for _, tt := range []struct{ name, variable, value, hidden string }{
		{"ErrPasswordShort", "AXION_DEV_PASSWORD", "sev-en7", "sev-en7"},
		{"ErrPasswordLong", "AXION_DEV_PASSWORD", strings.Repeat("x", 129), "xxx"},
		{"ErrPasswordUTF8", "AXION_DEV_PASSWORD", "\xff\xff\xff\xff\xff\xff\xff\xff", "\xff"},
		{"ErrAny", "AXION_CORS_ORIGINS", "*", ""},
		{"ErrWildcard", "AXION_CORS_ORIGINS", "https://*.localhost", ""},
		{"ErrNull", "AXION_CORS_ORIGINS", "null", ""},
		{"ErrNoScheme", "AXION_CORS_ORIGINS", "localhost:5173", ""},
		{"ErrScheme", "AXION_CORS_ORIGINS", "file://localhost", ""},
		{"ErrPath", "AXION_CORS_ORIGINS", "http://localhost:5173/app", ""},
		{"ErrUser", "AXION_CORS_ORIGINS", "http://a@localhost", ""},
		{"ErrLabel", "AXION_CORS_ORIGINS", "http://a#b", ""},
		{"ErrSecond", "AXION_CORS_ORIGINS", "http://localhost:5173,nothing", ""},
		{"ErrMany", "AXION_CORS_ORIGINS", strings.Repeat("http://localhost,", 65), ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv(tt.variable, tt.value)
			n := &network{}
			_, err := services.Bind(services.Options{Listen: n.listen, Log: quiet})
			var wrong *services.VariableError
			if !errors.As(err, &wrong) || !strings.HasPrefix(err.Error(), tt.variable+": ") || wrong.Hint() == "" || len(n.opened) != 0 {
				t.Errorf("got %v and %d listeners, want an error that names the variable", err, len(n.opened))
			}
			if tt.hidden != "" && strings.Contains(err.Error(), tt.hidden) {
				t.Errorf("got %v, want the password hidden", err)
			}
		})
	}
	for name, without := range map[string][]string{
		"ErrFlag":        {"--without", contract.Auth},
		"ErrFlagAddress": {"--without", contract.Auth + "=127.0.0.1:4001"},
		"ErrFlagNone":    {"--no-builtins"},
	} {
		t.Run(name, func(t *testing.T) {
			var o services.Options
			set := pflag.NewFlagSet("", pflag.ContinueOnError)
			o.Register(set)
			if err := set.Parse(append([]string{"--allow-remote-sign-in"}, without...)); err != nil {
				t.Fatal(err)
			}
			o.Listen, o.Log = (&network{}).listen, quiet
			if _, err := services.Bind(o); err == nil || !strings.HasPrefix(err.Error(), "--allow-remote-sign-in: ") {
				t.Errorf("got %v, want the flag named", err)
			}
		})
	}
	t.Run("Origins", func(t *testing.T) {
		t.Setenv("AXION_CORS_ORIGINS", " http://LOCALHOST:5173 ,https://shop.localhost:443/,, http://[::1]:80")
		got := string(services.AllowOrigins([]byte("origins: AXION_OWN_ORIGINS\n"), 8443))
		list, ok := strings.CutPrefix(strings.TrimSuffix(got, "\n"), "origins: ")
		origins := strings.Split(list, ",")
		for _, want := range []string{"https://graph.localhost:8443", "https://axion.localhost:8443", "https://auth.localhost:8443",
			"http://localhost:5173", "https://shop.localhost", "http://[::1]"} {
			if !slices.Contains(origins, want) {
				t.Errorf("%q is missing in %q", want, got)
			}
		}
		if !ok || len(origins) != 10 || strings.Contains(got, "*") {
			t.Errorf("got %q", got)
		}
		if own := string(services.AllowOrigins([]byte("AXION_OWN_ORIGINS"), 443)); !strings.HasPrefix(own,
			"https://axion.localhost,https://auth.localhost,") {
			t.Errorf("at HTTPS's own port: got %q", own)
		}
	})
	t.Run("Password", func(t *testing.T) {
		t.Setenv("AXION_DEV_PASSWORD", "for this test")
		s := bind(t, services.Options{Listen: (&network{}).listen, Log: quiet})
		startOn(t, s, hosttest.Cluster(t))
		if email, password := s.DevelopmentUser().Credentials(); email != "dev@axion.localhost" || password != "for this test" {
			t.Errorf("got %q, %q", email, password)
		}
		body := `{"email":"dev@axion.localhost","password":"for this test"}`
		if r := hosttest.Do(t, http.MethodPost, s.AuthURL()+"/api/auth/sign-in/email", body); r.Status != 200 {
			t.Errorf("sign in: got %d %s", r.Status, r.Body)
		}
	})
}

// startOn starts a set's services on a broker.
func startOn(t *testing.T, s *services.Builtins, cluster *clustertest.Broker) {
	t.Helper()
	dir := t.TempDir()
	err := s.Start(t.Context(), services.Config{
		Dir: dir, Brokers: cluster.ListenAddrs(), Version: "test", Tracer: noTraces, HTTPSPort: 8443,
		Fragments: filepath.Join(dir, "compose.d"), Blueprints: fstest.MapFS{"static-site/index.html.tmpl": {Data: []byte("x")}},
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestOwnTokens calls a service fifty times as the dashboard does, and looks at what
// that leaves in the topics and among the sessions.
func TestOwnTokens(t *testing.T) {
	t.Parallel()
	cluster := hosttest.Cluster(t)
	s := bind(t, services.Options{Listen: (&network{}).listen, Log: slog.New(slog.DiscardHandler)})
	startOn(t, s, cluster)
	graph := "http://" + s.Addresses()[contract.Graph][0]
	var tokens []string
	for range 50 {
		token, err := s.DevelopmentUser().JWT(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if r := hosttest.Do(t, "GET", graph+"/api/projects", "", hosttest.As(token)); r.Status != 200 {
			t.Fatalf("got %d %s", r.Status, r.Body)
		}
		session, err := s.DevelopmentUser().Token(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Contains(tokens, session) {
			tokens = append(tokens, session)
		}
	}
	if len(tokens) != 1 {
		t.Errorf("got %d sessions, want one", len(tokens))
	}
	var sent []string
	for _, r := range hosttest.Held(t, cluster, contract.Topics()...) {
		sent = append(sent, r.Topic+" "+hosttest.Type(r))
	}
	// The keys are asked for once, and answered once.
	if len(sent) > 2 {
		t.Errorf("50 calls made %d messages: %q", len(sent), sent)
	}
	// Ended by somebody, as by a request to sign out that the dashboard was asked to send.
	if r := hosttest.Do(t, "POST", s.AuthURL()+"/api/auth/sign-out", "{}", hosttest.As(tokens[0])); r.Status != 200 {
		t.Fatalf("sign out: got %d %s", r.Status, r.Body)
	}
	again, err := s.DevelopmentUser().Token(t.Context())
	if err != nil || again == tokens[0] {
		t.Fatalf("got the ended session's token, %v", err)
	}
	if r := hosttest.Do(t, "GET", graph+"/api/projects", "", hosttest.As(again)); r.Status != 200 {
		t.Errorf("with another session: got %d %s", r.Status, r.Body)
	}
	for _, r := range hosttest.Held(t, cluster, contract.Topics()...) {
		if strings.Contains(string(r.Value), again) || strings.Contains(string(r.Value), tokens[0]) {
			t.Errorf("a token stands in %s: %s", r.Topic, r.Value)
		}
	}
}
