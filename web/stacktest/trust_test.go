package stacktest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"axion/services/bus/nesttest"
	"axion/services/clustertest"
	"axion/services/contract"
	"axion/web/stacktest"
)

// TestReplaceAuth takes auth-service's place by a NestJS application that knows no
// digests of tokens: it gets the tokens themselves, whatever its group's name.
func TestReplaceAuth(t *testing.T) {
	t.Parallel()
	app := nesttest.Open(t)
	for _, group := range []string{contract.Auth, "any-name"} {
		t.Run(group, func(t *testing.T) {
			t.Parallel()
			s := stacktest.Launch(t, binary, append(clustertest.Flags(t), "--without", contract.Auth)...)
			nest := app.Serve(t, nesttest.ServerOptions{Brokers: []string{s.Summary.Kafka}, Group: group, Role: nesttest.Auth})
			projects := s.URL(contract.GraphHost, "/api/projects")
			stacktest.Eventually(t, "the NestJS auth-service to be asked", func() bool {
				return s.Do(t, http.MethodGet, projects, "a-token-of-nest", nil).Status == http.StatusOK
			})
			if got := nest.Next(t); !strings.Contains(string(got.Data), `"a-token-of-nest"`) {
				t.Errorf("it was asked %s", got.Data)
			}
			if a := s.Do(t, http.MethodGet, projects, "another", nil); a.Status != http.StatusUnauthorized {
				t.Errorf("a token of nobody: got %d %s", a.Status, a.Body)
			}
			if s.User != "" || s.Password != "" {
				t.Errorf("got the user %q, whom nobody knows", s.User)
			}
		})
	}
}

// TestNoTokenInTopics signs in, calls every service, has the dashboard do so fifty
// times, and then reads all topics and what is kept on disk.
func TestNoTokenInTopics(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	s := stacktest.Launch(t, binary, "--data", data)
	ws := s.WebSocket(t, "/ws?token="+s.Token)
	p := s.Create(t, "", "quiet", "")
	ws.ReadUntil(t, p.ID, contract.DeploymentSucceeded)
	var in struct{ Token string }
	s.Do(t, http.MethodPost, s.URL(contract.AuthHost, "/api/auth/sign-in/email"), "",
		map[string]string{"email": s.User, "password": s.Password}).
		Decode(t, http.StatusOK, &in)
	s.Do(t, http.MethodGet, s.URL(contract.GraphHost, "/api/projects"), in.Token, nil).Decode(t, http.StatusOK, nil)
	before := held(t, s, contract.Auth)
	for range 50 {
		s.Get(t, s.Dashboard+"/api/projects").Decode(t, http.StatusOK, nil)
	}
	if after := held(t, s, contract.Auth); after > before {
		t.Errorf("50 calls of the dashboard made %d messages for auth-service", after-before)
	}
	for _, secret := range []string{s.Token, in.Token, s.Password} {
		err := filepath.WalkDir(data, func(path string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() || d.Name() == "stack.json" || d.Name() == "development-password" {
				return err
			}
			text, err := os.ReadFile(path)
			if bytes.Contains(text, []byte(secret)) {
				t.Errorf("%s holds a secret", path)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
		for _, at := range []string{"/api/traces?limit=500", "/api/logs", "/api/system", "/metrics", "/api/topics"} {
			if a := s.Get(t, s.Dashboard+at); a.Status != http.StatusOK || bytes.Contains(a.Body, []byte(secret)) {
				t.Errorf("%s: got %d, which holds a secret", at, a.Status)
			}
		}
		if strings.Contains(s.Stderr.String(), secret) {
			t.Error("the log holds a secret")
		}
	}
}

// held is how many messages there are on the topics of a service.
func held(t *testing.T, s *stacktest.Process, service string) (n int64) {
	t.Helper()
	client := s.Kafka(t, kgo.ConsumeTopics())
	ends, err := kadm.NewClient(client).ListEndOffsets(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ends.Each(func(o kadm.ListedOffset) {
		if strings.Contains(o.Topic, service) {
			n += o.Offset
		}
	})
	return n
}

// TestOrigins asks as pages elsewhere do: the stack's own may read the answer and
// those that the variable lists, a deployed project's and other ports' may not.
func TestOrigins(t *testing.T) {
	t.Parallel()
	s := stacktest.LaunchWith(t, []string{"AXION_CORS_ORIGINS=http://localhost:5173"}, binary)
	own := strings.TrimSuffix(s.URL(contract.GraphHost, ""), "/")
	for origin, want := range map[string]bool{
		own: true, strings.TrimSuffix(s.URL(contract.DashboardHost, ""), "/"): true, "http://localhost:5173": true,
		strings.TrimSuffix(s.URL("evil.apps.localhost", ""), "/"): false, "https://graph.localhost:30001": false,
		"http://graph.localhost": false, "http://localhost:5174": false, "https://example.com": false, "null": false,
	} {
		for _, host := range []string{contract.GraphHost, contract.AuthHost, "events.localhost"} {
			req, err := http.NewRequest(http.MethodOptions, s.URL(host, "/api/projects"), nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Origin", origin)
			req.Header.Set("Access-Control-Request-Method", http.MethodPost)
			res, err := s.Client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			_ = res.Body.Close()
			if got := res.Header.Get("Access-Control-Allow-Origin"); (got == origin) != want || got != "" && !want {
				t.Errorf("%s asks %s: got %q, want allowed %t", origin, host, got, want)
			}
		}
		req, err := http.NewRequest(http.MethodPost, s.URL(contract.AuthHost, "/api/auth/sign-in/email"),
			strings.NewReader(`{"email":"`+s.User+`","password":"`+s.Password+`"}`))
		if err != nil {
			t.Fatal(err)
		}
		req.Header = http.Header{"Origin": {origin}, "Content-Type": {"application/json"}}
		res, err := s.Client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if (res.StatusCode == http.StatusOK) != want {
			t.Errorf("%s signs in: got %d, want allowed %t", origin, res.StatusCode, want)
		}
	}
}

// TestRemoteSignIn signs in from an address that is not a loopback one, and says in
// every way that a client has that it is.
func TestRemoteSignIn(t *testing.T) {
	t.Parallel()
	address := remoteAddress(t)
	for _, allowed := range []bool{false, true} {
		args := []string{"--https", "0.0.0.0:0"}
		if allowed {
			args = append(args, "--allow-remote-sign-in")
		}
		s := stacktest.LaunchWith(t, []string{"AXION_DEV_PASSWORD=known to the test"}, binary, args...)
		if s.Password != "known to the test" {
			t.Errorf("got the password %q", s.Password)
		}
		https, err := url.Parse(s.HTTPS)
		if err != nil {
			t.Fatal(err)
		}
		near, far := through(t, s, "127.0.0.1:"+https.Port()), through(t, s, net.JoinHostPort(address, https.Port()))
		body, err := json.Marshal(map[string]string{"email": s.User, "password": s.Password})
		if err != nil {
			t.Fatal(err)
		}
		for _, header := range []http.Header{
			{}, {"X-Forwarded-For": {"127.0.0.1"}}, {"X-Real-Ip": {"127.0.0.1"}}, {"Forwarded": {"for=127.0.0.1"}},
			{"Connection": {"X-Forwarded-For, X-Real-Ip"}}, {"X_forwarded_for": {"127.0.0.1"}},
		} {
			req, err := http.NewRequest(http.MethodPost, s.URL(contract.AuthHost, "/api/auth/sign-in/email"), bytes.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			req.Header = header
			req.Header.Set("Content-Type", "application/json")
			for name, client := range map[string]*http.Client{"near": near, "far": far} {
				again := req.Clone(t.Context())
				again.Body, _ = req.GetBody()
				res, err := client.Do(again)
				if err != nil {
					t.Fatal(err)
				}
				_ = res.Body.Close()
				if want := name == "near" || allowed; (res.StatusCode == http.StatusOK) != want {
					t.Errorf("%s, %v, allowed %t: got %d", name, header, allowed, res.StatusCode)
				}
			}
		}
		s.Stop(t)
	}
}

// through is a client that reaches the gateway at an address, by HTTP/1: it may send
// what HTTP/2 has no place for.
func through(t *testing.T, s *stacktest.Process, address string) *http.Client {
	t.Helper()
	transport := s.Client.Transport.(*http.Transport).Clone()
	transport.ForceAttemptHTTP2 = false
	transport.TLSClientConfig.NextProtos = []string{"http/1.1"}
	transport.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, address)
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: stacktest.Timeout}
}

// remoteAddress is one of this machine's that is not a loopback one.
func remoteAddress(t *testing.T) string {
	t.Helper()
	all, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range all {
		if n, ok := a.(*net.IPNet); ok && n.IP.To4() != nil && !n.IP.IsLoopback() && !n.IP.IsLinkLocalUnicast() {
			return n.IP.String()
		}
	}
	clustertest.Missing(t, "a network interface besides loopback", "add one, as by: ip link add dummy0 type dummy")
	return ""
}
