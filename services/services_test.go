package services_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/spf13/pflag"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
	"go.uber.org/goleak"

	"axion/services"
	"axion/services/contract"
	"axion/services/host/hosttest"
	"axion/web/view"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// network hands out listeners, refuses the ports that are taken, and remembers
// what was asked for.
type network struct {
	taken  map[string]bool
	asked  []string
	opened []net.Listener
}

var errTaken = errors.New("taken")

func (n *network) listen(addr string) (net.Listener, error) {
	n.asked = append(n.asked, addr)
	if n.taken[addr] {
		return nil, errTaken
	}
	l, err := net.Listen("tcp", "127.0.0.1:0") // never the real port: a stack may run on this machine
	n.opened = append(n.opened, l)
	return l, err
}

func bind(t *testing.T, o services.Options) *services.Builtins {
	t.Helper()
	s, err := services.Bind(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), hosttest.Deadline)
		defer cancel()
		if err := s.Stop(ctx); err != nil {
			t.Errorf("Stop: %v", err)
		}
	})
	return s
}

func TestBind(t *testing.T) {
	t.Parallel()
	quiet := slog.New(slog.DiscardHandler)
	t.Run("OK", func(t *testing.T) {
		t.Parallel()
		n := &network{}
		s := bind(t, services.Options{Listen: n.listen, Log: quiet})
		// the last for replacements
		want := []string{"localhost:3010", "localhost:3002", "localhost:3004", "localhost:3005", "localhost:3001", "localhost:3007",
			"localhost:0"}
		if !slices.Equal(n.asked, want) {
			t.Errorf("opened %q, want %q", n.asked, want)
		}
		for i, service := range contract.Services() {
			if got := s.Addresses()[service.Name]; !slices.Equal(got, []string{n.opened[i].Addr().String()}) {
				t.Errorf("%s: got %q, want the listener's", service.Name, got)
			}
		}
	})
	t.Run("OK/freePorts", func(t *testing.T) {
		t.Parallel()
		n := &network{}
		bind(t, services.Options{Listen: n.listen, FreePorts: true, Log: quiet})
		if got := slices.Compact(n.asked); !slices.Equal(got, []string{"localhost:0"}) {
			t.Errorf("opened %q, want free ports only", got)
		}
	})
	t.Run("OK/taken", func(t *testing.T) {
		t.Parallel()
		n := &network{taken: map[string]bool{"localhost:3001": true}}
		var log bytes.Buffer
		s := bind(t, services.Options{Listen: n.listen, Log: slog.New(slog.NewTextHandler(&log, nil))})
		address := s.Addresses()[contract.Graph][0]
		for _, want := range []string{contract.Graph, "port=3001", address, "port taken"} {
			if !strings.Contains(log.String(), want) {
				t.Errorf("the log does not say %q: %s", want, log.String())
			}
		}
		if strings.Count(log.String(), "\n") != 1 {
			t.Errorf("more is said than of the one: %s", log.String())
		}
	})
	t.Run("OK/without", func(t *testing.T) {
		t.Parallel()
		n := &network{}
		var o services.Options
		set := pflag.NewFlagSet("", pflag.ContinueOnError)
		o.Register(set)
		if err := set.Parse([]string{"--without", contract.Graph, "--without=" + contract.Auth}); err != nil {
			t.Fatal(err)
		}
		o.Listen, o.Log = n.listen, quiet
		s := bind(t, o)
		if got := s.Addresses(); len(got) != 4 || got[contract.Graph] != nil || got[contract.Auth] != nil {
			t.Errorf("got %v, want all but two", got)
		}
		if s.AuthURL() != "" {
			t.Errorf("auth is at %q, but not started", s.AuthURL())
		}
	})
	t.Run("OK/none", func(t *testing.T) {
		t.Parallel()
		n := &network{}
		s := bind(t, services.Options{Listen: n.listen, NoBuiltins: true, Log: quiet})
		if !slices.Equal(n.asked, []string{"localhost:0"}) || s.Status(t.Context(), 443) != nil { // for those who want to replace one
			t.Errorf("opened %q, status %v", n.asked, s.Status(t.Context(), 443))
		}
	})
	t.Run("ErrWithout", func(t *testing.T) {
		t.Parallel()
		n := &network{}
		_, err := services.Bind(services.Options{Without: []string{"grpah-service"}, Listen: n.listen, Log: quiet})
		if err == nil || !strings.HasPrefix(err.Error(), "--without grpah-service: ") || !strings.Contains(err.Error(), contract.Graph) {
			t.Errorf("got %v, want an error that names the flag and the builtins", err)
		}
		if len(n.asked) != 0 {
			t.Errorf("opened %q", n.asked)
		}
	})
	t.Run("OK/scale", func(t *testing.T) {
		t.Parallel()
		n := &network{}
		s := bind(t, services.Options{Scale: map[string]int{contract.Graph: 3}, Listen: n.listen, Log: quiet})
		if got := s.Addresses()[contract.Graph]; len(got) != 3 {
			t.Errorf("got %q, want three instances", got)
		}
		if got := s.Addresses()[contract.Auth]; len(got) != 1 {
			t.Errorf("got %q, want one instance", got)
		}
		if want := []string{"localhost:3001", "localhost:0", "localhost:0"}; !slices.Equal(n.asked[4:7], want) {
			t.Errorf("opened %q, want %q", n.asked[4:7], want)
		}
	})
	for name, o := range map[string]services.Options{
		"--scale grpah-service=2: ":          {Scale: map[string]int{"grpah-service": 2}},
		"--scale graph-service=0: ":          {Scale: map[string]int{contract.Graph: 0}},
		"--scale graph-service=17: ":         {Scale: map[string]int{contract.Graph: 17}},
		"--scale auth-service=2: ":           {Scale: map[string]int{contract.Auth: 2}, Without: []string{contract.Auth}},
		"--scale infrastructure-service=2: ": {Scale: map[string]int{contract.Infrastructure: 2}},
		"--database: ":                       {Database: "mysql://localhost/axion"},
	} {
		t.Run("Err "+name, func(t *testing.T) {
			t.Parallel()
			n := &network{}
			o.Listen, o.Log = n.listen, quiet
			if _, err := services.Bind(o); err == nil || !strings.HasPrefix(err.Error(), name) || len(n.asked) != 0 {
				t.Errorf("got %v and %q opened, want an error that begins with %s", err, n.asked, name)
			}
		})
	}
	t.Run("ErrNoPort", func(t *testing.T) {
		t.Parallel()
		n := &network{taken: map[string]bool{"localhost:3004": true, "localhost:0": true}}
		_, err := services.Bind(services.Options{Listen: n.listen, Log: quiet})
		if !errors.Is(err, errTaken) || !strings.Contains(err.Error(), contract.Infrastructure) {
			t.Errorf("got %v, want the service's name and the reason", err)
		}
		for _, l := range n.opened {
			if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
				t.Errorf("%s is still open (%v)", l.Addr(), err)
			}
		}
	})
}

func TestStart(t *testing.T) {
	t.Parallel()
	cluster := hosttest.Cluster(t)
	n := &network{}
	s := bind(t, services.Options{Listen: n.listen, Without: []string{contract.Ingest}, Log: slog.New(slog.DiscardHandler)})
	dir := t.TempDir()
	err := s.Start(t.Context(), services.Config{
		Dir: dir, Brokers: cluster.ListenAddrs(), Version: "test", Tracer: noTraces, HTTPSPort: 8443,
		Fragments: filepath.Join(dir, "compose.d"), Blueprints: fstest.MapFS{"static-site/index.html.tmpl": {Data: []byte("x")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, st := range s.Status(t.Context(), 8443) {
		if st.Name == contract.Ingest { // what stands on its port is this machine's affair
			if st.Address != "" && st.Address != "localhost:3007" {
				t.Errorf("got %+v for a service that does not run here", st)
			}
			continue
		}
		address := s.Addresses()[st.Name][0]
		if r := hosttest.Do(t, "GET", "http://"+address+"/ready", ""); r.Status != 200 {
			t.Errorf("%s: not ready: %s", st.Name, r.Body)
		}
		if st.Kind != "service" || st.State != "healthy" || st.Address != address || st.Version != "test" ||
			!strings.HasSuffix(st.URL, ".localhost:8443") {
			t.Errorf("got %+v", st)
		}
		wantInstance(t, st, address)
	}
	token, err := s.DevelopmentUser().Token(t.Context())
	if err != nil || token == "" {
		t.Fatalf("token %q, %v", token, err)
	}
	graph := "http://" + s.Addresses()[contract.Graph][0]
	hosttest.WantProblem(t, hosttest.Do(t, "GET", graph+"/api/projects", ""), 401)
	if r := hosttest.Do(t, "GET", graph+"/api/projects", "", hosttest.As(token)); r.Status != 200 {
		t.Errorf("the development user's token: got %d %s", r.Status, r.Body)
	}
}

// wantInstance expects one instance that works, on another port than its own, which
// the test's network never gives.
func wantInstance(t *testing.T, st view.Part, address string) {
	t.Helper()
	if len(st.Instances) != 1 {
		t.Fatalf("%s: got %d instances", st.Name, len(st.Instances))
	}
	i := st.Instances[0]
	want := []view.Dependency{{Name: "SQLite", State: "healthy"}, {Name: "storage", State: "healthy"}, {Name: "broker", State: "healthy"}}
	for _, name := range i.Depends[min(len(want), len(i.Depends)):] { // services that it asks
		want = append(want, view.Dependency{Name: name.Name, State: "healthy"})
	}
	if st.Name == contract.Deployment && len(want) != 6 {
		t.Errorf("%s: depends on %+v, want codegen, infrastructure and auth among them", st.Name, i.Depends)
	}
	if i.Address != address || i.StartedAt.IsZero() || !slices.Equal(i.Depends, want) {
		t.Errorf("%s: got %+v", st.Name, i)
	}
	if !i.PortChanged || !strings.Contains(st.Detail, "moved") {
		t.Errorf("%s: it does not say that it moved: %+v", st.Name, st)
	}
	if !slices.Contains(st.Consumes, contract.Topic(st.Name)) || !slices.Contains(st.Produces, contract.DeadLetterTopic(st.Name)) {
		t.Errorf("%s: got topics %q and %q", st.Name, st.Consumes, st.Produces)
	}
}

// TestIssuerAlone: half of a foreign identity provider is a mistake.
func TestIssuerAlone(t *testing.T) {
	t.Parallel()
	s := bind(t, services.Options{NoBuiltins: true, Log: slog.New(slog.DiscardHandler)})
	err := s.Start(t.Context(), services.Config{Issuer: "https://auth.example.com"})
	if err == nil || !strings.Contains(err.Error(), "AXION_AUTH_JWKS_URL") {
		t.Errorf("got %v, want an error that names the other variable", err)
	}
}

func TestStartFails(t *testing.T) {
	t.Parallel()
	n := &network{}
	s := bind(t, services.Options{Listen: n.listen, Log: slog.New(slog.DiscardHandler)})
	cluster := hosttest.Cluster(t)
	err := s.Start(t.Context(), services.Config{
		Dir: "/dev/null", Brokers: cluster.ListenAddrs(), Version: "test", Tracer: noTraces, Blueprints: fstest.MapFS{},
	})
	if err == nil || !strings.Contains(err.Error(), "-service: open database") {
		t.Errorf("got %v, want an error that names a service and its database", err)
	}
}

func noTraces(string, string) trace.TracerProvider { return noop.NewTracerProvider() }
