package host_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/danielgtaylor/huma/v2"
	"go.uber.org/goleak"

	"axion/services/bus"
	"axion/services/clustertest"
	"axion/services/contract"
	"axion/services/host"
	"axion/services/host/hosttest"
	"axion/services/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var noMigrations = fstest.MapFS{"00001_none.sql": {Data: []byte("-- +goose Up\nCREATE TABLE things (id INTEGER);\n")}}

type echo struct {
	Body struct {
		Name   string `json:"name" minLength:"2"`
		Nested struct {
			Count int      `json:"count" minimum:"1"`
			Tags  []string `json:"tags,omitempty" maxItems:"3"`
		} `json:"nested"`
	}
}

// logged collects what a service logs.
type logged struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logged) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// newHost is a service with operations that show what a host does with them.
func newHost(t *testing.T, o host.Options) *host.Host {
	t.Helper()
	h, err := host.New(t.Context(), contract.Graph, noMigrations, o)
	if err != nil {
		t.Fatal(err)
	}
	host.Handle(h, huma.Operation{OperationID: "echo", Method: http.MethodPost, Path: "/echo"},
		func(_ context.Context, in *echo) (*echo, error) { return in, nil })
	host.Handle(h, huma.Operation{OperationID: "panic", Method: http.MethodGet, Path: "/panic"},
		func(context.Context, *struct{}) (*struct{}, error) { panic("the secret of the panic") })
	host.Handle(h, huma.Operation{OperationID: "fail", Method: http.MethodGet, Path: "/fail"},
		func(context.Context, *struct{}) (*struct{}, error) {
			return nil, errors.New("the secret of the failure")
		})
	host.Handle(h, h.RequireAuth(huma.Operation{OperationID: "who", Method: http.MethodGet, Path: "/who"}),
		func(ctx context.Context, _ *struct{}) (*struct{ Body string }, error) {
			return &struct{ Body string }{host.Caller(ctx).UserID}, nil
		})
	host.Handle(h, huma.Operation{OperationID: "tell", Method: http.MethodPost, Path: "/tell"},
		func(ctx context.Context, _ *struct{}) (*struct{}, error) {
			defer h.Bus.WakeRelay()
			return nil, store.Tx(ctx, h.DB, func(tx *sql.Tx) error {
				return h.Bus.Enqueue(ctx, tx, bus.Event{Type: "TOLD", Topic: contract.EventsTopic, Data: "x"})
			})
		})
	return h
}

func TestHTTP(t *testing.T) {
	t.Parallel()
	cluster := hosttest.Cluster(t)
	hosttest.Auth(t, cluster)
	o := hosttest.Options(t, cluster, t.TempDir())
	log := &logged{}
	o.Log = slog.New(slog.NewTextHandler(log, nil))
	s := hosttest.Start(t, newHost(t, o), nil)
	do := func(method, path, body string, header ...string) hosttest.Reply {
		return hosttest.Do(t, method, s.URL+path, body, header...)
	}
	valid := `{"name":"tea","nested":{"count":1}}`

	for _, path := range []string{"/health", "/ready"} {
		t.Run("OK"+path, func(t *testing.T) {
			r := do("GET", path, "")
			got := hosttest.Decode[host.Health](t, r, 200)
			if want := (host.Health{Service: contract.Graph, Status: "ok"}); got != want || r.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("got %+v, headers %v, want %+v, not stored", got, r.Header, want)
			}
		})
	}
	t.Run("OK/openapi", func(t *testing.T) { testOpenAPI(t, do) })
	t.Run("OK/body", func(t *testing.T) {
		if r := do("POST", "/echo", valid); r.Status != 200 || strings.TrimSpace(r.Body) != valid {
			t.Errorf("got %d %s", r.Status, r.Body)
		}
	})
	t.Run("ErrBody", func(t *testing.T) { testBadBody(t, do) })
	t.Run("ErrPath", func(t *testing.T) { testBadPath(t, do) })
	t.Run("OK/token", func(t *testing.T) {
		if r := do("GET", "/who", "", hosttest.As("alice")); r.Status != 200 || strings.TrimSpace(r.Body) != `"alice"` {
			t.Errorf("got %d %s", r.Status, r.Body)
		}
	})
	t.Run("ErrToken", func(t *testing.T) { testBadToken(t, do) })
	t.Run("ErrHost", func(t *testing.T) { testBadHost(t, do) })
	t.Run("ErrInside", func(t *testing.T) {
		for _, path := range []string{"/panic", "/fail"} {
			r := do("GET", path, "")
			hosttest.WantProblem(t, r, 500)
			if strings.Contains(r.Body, "secret") {
				t.Errorf("%s tells its details: %s", path, r.Body)
			}
		}
		for _, want := range []string{"the secret of the panic", "the secret of the failure"} {
			if !strings.Contains(log.String(), want) {
				t.Errorf("not in the log: %s", want)
			}
		}
	})
	t.Run("OK/trace", func(t *testing.T) {
		const id = "0af7651916cd43dd8448eb211c80319c"
		do("POST", "/tell", "", "traceparent: 00-"+id+"-b7ad6b7169203331-01")
		r := hosttest.Dial(t, cluster, contract.EventsTopic).Next()
		if got := hosttest.Headers(r)["traceparent"]; !strings.HasPrefix(got, "00-"+id+"-") || !strings.HasSuffix(got, "-01") {
			t.Errorf("traceparent of the record: got %q, want trace %s, sampled", got, id)
		}
	})
}

func testBadHost(t *testing.T, do func(method, path, body string, header ...string) hosttest.Reply) {
	hosttest.WantProblem(t, do("GET", "/health", "", "Host: rebound.example.com"), 421)
	for _, name := range []string{"graph.localhost", "localhost:3001", "[::1]:3001", "127.0.0.1"} {
		if r := do("GET", "/health", "", "Host: "+name); r.Status != 200 {
			t.Errorf("%s: got %d, want 200", name, r.Status)
		}
	}
}

func testBadToken(t *testing.T, do func(method, path, body string, header ...string) hosttest.Reply) {
	for name, header := range map[string]string{
		"None": "Accept: */*", "Unknown": hosttest.As("mallory"), "Basic": "Authorization: Basic YTpi", "JWT": hosttest.As("a.b.c"),
	} {
		r := do("GET", "/who", "", header)
		hosttest.WantProblem(t, r, 401)
		if got := r.Header.Get("WWW-Authenticate"); !strings.HasPrefix(got, "Bearer") {
			t.Errorf("%s: WWW-Authenticate: got %q", name, got)
		}
	}
}

func testBadPath(t *testing.T, do func(method, path, body string, header ...string) hosttest.Reply) {
	hosttest.WantProblem(t, do("GET", "/nowhere", ""), 404)
	r := do("DELETE", "/echo", "")
	hosttest.WantProblem(t, r, 405)
	if got := r.Header.Get("Allow"); got != "POST" {
		t.Errorf("Allow: got %q, want POST", got)
	}
	if r := do("GET", "/a/../health", ""); r.Status != 307 || r.Header.Get("Location") != "/health" {
		t.Errorf("unclean path: got %d to %q", r.Status, r.Header.Get("Location"))
	}
}

func testBadBody(t *testing.T, do func(method, path, body string, header ...string) hosttest.Reply) {
	for name, tt := range map[string]struct {
		body   string
		header string
		status int
		places []string
	}{
		"NotJSON":     {body: `{"name":`, status: 400},
		"Empty":       {body: "", status: 400},
		"TooLarge":    {body: `{"name":"` + strings.Repeat("x", host.MaxBody) + `"}`, status: 413},
		"ContentType": {body: `<a/>`, header: "Content-Type: text/xml", status: 415},
		"Missing":     {body: `{"nested":{"count":1}}`, status: 422, places: []string{""}},
		"Type":        {body: `{"name":7,"nested":{"count":1}}`, status: 422, places: []string{"/name"}},
		"NestedField": {body: `{"name":"tea","nested":{"count":0}}`, status: 422, places: []string{"/nested/count"}},
		"NestedItem":  {body: `{"name":"tea","nested":{"count":1,"tags":["a",2]}}`, status: 422, places: []string{"/nested/tags/1"}},
		"Unknown":     {body: `{"name":"tea","nested":{"count":1},"a/b":1}`, status: 422, places: []string{"/a~1b"}},
		"Several":     {body: `{"name":"t","nested":{"count":0}}`, status: 422, places: []string{"/name", "/nested/count"}},
		"NotObject":   {body: `[1]`, status: 422, places: []string{""}},
	} {
		t.Run(name, func(t *testing.T) {
			var header []string
			if tt.header != "" {
				header = append(header, tt.header)
			}
			p := hosttest.WantProblem(t, do("POST", "/echo", tt.body, header...), tt.status, tt.places...)
			if got := p.Detail == "validation failed"; got != (tt.status == 422) || p.Detail == "" {
				t.Errorf("detail: got %q", p.Detail)
			}
		})
	}
}

func testOpenAPI(t *testing.T, do func(method, path, body string, header ...string) hosttest.Reply) {
	doc := hosttest.Decode[struct {
		OpenAPI string `json:"openapi"`
		Info    struct{ Title, Version string }
		Paths   map[string]map[string]struct {
			OperationID string                `json:"operationId"`
			Security    []map[string][]string `json:"security"`
			Responses   map[string]any        `json:"responses"`
		}
	}](t, do("GET", "/openapi.json", ""), 200)
	if !strings.HasPrefix(doc.OpenAPI, "3.1.") || doc.Info.Title != contract.Graph || doc.Info.Version != "test" {
		t.Errorf("got OpenAPI %s of %+v", doc.OpenAPI, doc.Info)
	}
	for path, want := range map[string]string{"/health": "health", "/ready": "ready", "/who": "who"} {
		if got := doc.Paths[path]["get"].OperationID; got != want {
			t.Errorf("GET %s: got operation %q, want %q", path, got, want)
		}
	}
	who := doc.Paths["/who"]["get"]
	if len(who.Security) != 1 || who.Security[0]["bearer"] == nil || who.Responses["401"] == nil {
		t.Errorf("the secured operation does not say so: %+v", who)
	}
}

func TestNotReady(t *testing.T) {
	t.Parallel()
	clustertest.Embedded(t)
	cluster := hosttest.Cluster(t)
	h := newHost(t, hosttest.Options(t, cluster, t.TempDir()))
	h.Bus.Handle("ANY", func(context.Context, *bus.Message) (any, error) { return nil, nil })
	// The group does not form until it may: the service serves, and is not ready.
	may := make(chan struct{})
	holdGroup(cluster, may)
	started := make(chan *hosttest.Service)
	go func() { started <- hosttest.Start(t, h, nil) }()
	url := "http://" + h.Addr().String()
	if r := hosttest.Do(t, "GET", url+"/health", ""); r.Status != 200 {
		t.Errorf("/health: got %d, want 200", r.Status)
	}
	p := hosttest.WantProblem(t, hosttest.Do(t, "GET", url+"/ready", ""), 503)
	if !strings.Contains(p.Detail, "partitions") {
		t.Errorf("/ready: got %q, want what is missing", p.Detail)
	}
	close(may)
	<-started
	if r := hosttest.Do(t, "GET", url+"/ready", ""); r.Status != 200 {
		t.Errorf("/ready after the start: got %d, want 200: %s", r.Status, r.Body)
	}
}

func TestJobFails(t *testing.T) {
	t.Parallel()
	h := newHost(t, hosttest.Options(t, hosttest.Cluster(t), t.TempDir()))
	fail := make(chan struct{})
	h.Go("sweeper", func(context.Context) error { <-fail; return errors.New("out of brooms") })
	s := hosttest.Start(t, h, nil)
	close(fail)
	err := <-h.Failed()
	if err == nil || err.Error() != contract.Graph+": sweeper ended: out of brooms" {
		t.Errorf("got %v, want the service, the job and its error", err)
	}
	s.Stop()
	if err, open := <-h.Failed(); open {
		t.Errorf("Failed still open after Stop, with %v", err)
	}
}

func TestStop(t *testing.T) {
	t.Parallel()
	h := newHost(t, hosttest.Options(t, hosttest.Cluster(t), t.TempDir()))
	begun, end := make(chan struct{}), make(chan struct{})
	host.Handle(h, huma.Operation{OperationID: "slow", Method: http.MethodGet, Path: "/slow"},
		func(ctx context.Context, _ *struct{}) (*struct{}, error) {
			close(begun)
			<-end
			return nil, h.DB.PingContext(ctx) // still there
		})
	var order []string
	h.OnStop(func() { order = append(order, "sockets"); close(end) })
	h.OnClose(func() { order = append(order, "close") })
	h.Go("job", func(ctx context.Context) error { <-ctx.Done(); order = append(order, "job"); return ctx.Err() })
	s := hosttest.Start(t, h, nil)
	slow := make(chan hosttest.Reply, 1)
	go func() { slow <- hosttest.Do(t, "GET", s.URL+"/slow", "") }()
	<-begun
	s.Stop()
	if r := <-slow; r.Status != http.StatusNoContent {
		t.Errorf("request under way: got %d %s, want it finished", r.Status, r.Body)
	}
	if got, want := strings.Join(order, " "), "sockets job close"; got != want {
		t.Errorf("order: got %q, want %q", got, want)
	}
	if err := h.DB.Ping(); err == nil {
		t.Error("the database is still open")
	}
	if _, err := net.Dial("tcp", h.Addr().String()); err == nil {
		t.Error("the port still answers")
	}
}

// TestStopCutsOff: a client that has sent half a request and waits does not make
// the stop fail.
func TestStopCutsOff(t *testing.T) {
	t.Parallel()
	h := newHost(t, hosttest.Options(t, hosttest.Cluster(t), t.TempDir()))
	begun := make(chan struct{})
	h.Mux.HandleFunc("PUT /half", func(_ http.ResponseWriter, r *http.Request) {
		close(begun)
		_, _ = io.ReadAll(r.Body)
	})
	s := hosttest.Start(t, h, nil)
	conn, err := net.Dial("tcp", h.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := io.WriteString(conn, "PUT /half HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nhalf"); err != nil {
		t.Fatal(err)
	}
	<-begun
	s.Stop() // fails the test on an error
}

func TestNewFails(t *testing.T) {
	t.Parallel()
	cluster := hosttest.Cluster(t)
	o := hosttest.Options(t, cluster, "/dev/null")
	o.Database = ""
	if _, err := host.New(t.Context(), contract.Graph, noMigrations, o); err == nil || !strings.HasPrefix(err.Error(), contract.Graph+": ") {
		t.Errorf("got %v, want an error that names the service", err)
	}
	if _, err := o.Listener.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("listener: got %v, want it closed", err)
	}
}
