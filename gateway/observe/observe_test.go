package observe_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"axion/gateway/config"
	"axion/gateway/observe"
	"axion/gateway/respwriter"
)

// answer has o observe one request that a handler answers.
func answer(o *observe.Observer, method, url string, h http.HandlerFunc) {
	r := httptest.NewRequest(method, url, nil)
	r.Header.Set("User-Agent", "test \"agent\"\n")
	r.SetBasicAuth("eve\nfake line", "secret")
	e := o.Begin(httptest.NewRecorder(), r, "web")
	e.SetRoute("shop@docker", "shop@docker", nil)
	h(e, r)
	e.End()
}

func teapot(w http.ResponseWriter, _ *http.Request) {
	if s, ok := respwriter.Find[respwriter.ServerRecorder](w); ok {
		s.SetServer("shop@docker", &url.URL{Scheme: "http", Host: "127.0.0.1:4000"})
	}
	w.WriteHeader(http.StatusTeapot)
	_, _ = io.WriteString(w, "short")
}

func TestCommon(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	o := observe.New(observe.Options{Output: &out})
	if err := o.Apply(&config.Static{AccessLog: &config.AccessLog{}}); err != nil {
		t.Fatal(err)
	}
	answer(o, "POST", "http://shop.localhost/a?b=c", teapot)
	want := `^192\.0\.2\.1 - eve\\nfake_line \[\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d [-+]\d{4}\] "POST /a\?b=c HTTP/1\.1" 418 5 "-" "test \\"agent\\"\\n" 1 "shop@docker" "http://127\.0\.0\.1:4000" \d+ms\n$`
	if !regexp.MustCompile(want).MatchString(out.String()) {
		t.Errorf("line: got %q, want %s", out.String(), want)
	}
	if strings.Contains(out.String(), "secret") {
		t.Errorf("line: got the password in %q", out.String())
	}
}

func TestJSON(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	o := observe.New(observe.Options{Output: &out})
	err := o.Apply(&config.Static{AccessLog: &config.AccessLog{Format: "json", Fields: &config.AccessLogFields{
		Names:   map[string]string{"RequestCount": "drop", "ClientUsername": "redact"},
		Headers: &config.AccessLogHeaders{Names: map[string]string{"user-agent": "keep"}},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	answer(o, "GET", "http://shop.localhost/", teapot)
	var line map[string]any
	if err := json.Unmarshal(out.Bytes(), &line); err != nil {
		t.Fatalf("line %q: %v", out.String(), err)
	}
	for name, want := range map[string]any{
		"DownstreamStatus": 418.0, "RouterName": "shop@docker", "ServiceURL": "http://127.0.0.1:4000", "entryPointName": "web",
		"ClientUsername": "REDACTED", "RequestCount": nil, "request_User-Agent": "test \"agent\"\n", "request_Authorization": nil,
	} {
		if got := line[name]; got != want {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
	}
}

// Who was let in is who a middleware says, whatever the service is sent.
func TestUser(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		noted, want string
	}{"OK/Noted": {"ann", "ann"}, "OK/Claimed": {"", "eve\\nfake_line"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			o := observe.New(observe.Options{Output: &out})
			if err := o.Apply(&config.Static{AccessLog: &config.AccessLog{}}); err != nil {
				t.Fatal(err)
			}
			answer(o, "GET", "http://a/", func(w http.ResponseWriter, r *http.Request) {
				respwriter.User(w, tt.noted)
				if tt.noted != "" {
					r.Header.Del("Authorization")
				}
			})
			if !strings.HasPrefix(out.String(), "192.0.2.1 - "+tt.want+" [") {
				t.Errorf("line: got %q, want the user %s", out.String(), tt.want)
			}
		})
	}
}

func TestFilters(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	o := observe.New(observe.Options{Output: &out})
	if err := o.Apply(&config.Static{AccessLog: &config.AccessLog{Filters: &config.AccessLogFilters{StatusCodes: []string{"400-499"},
		RetryAttempts: true}}}); err != nil {
		t.Fatal(err)
	}
	answer(o, "GET", "http://a/", teapot)
	answer(o, "GET", "http://b/", func(http.ResponseWriter, *http.Request) {})
	answer(o, "GET", "http://c/", func(w http.ResponseWriter, _ *http.Request) {
		r, _ := respwriter.Find[respwriter.RetryRecorder](w)
		r.Retried()
	})
	if got := strings.Count(out.String(), "\n"); got != 2 {
		t.Errorf("lines: got %d in %q, want the 418 and the retried one", got, out.String())
	}
	filters := &config.AccessLogFilters{StatusCodes: []string{"4xx"}}
	if err := o.Apply(&config.Static{AccessLog: &config.AccessLog{Filters: filters}}); err == nil {
		t.Error("a bad status range was taken")
	}
}

func TestFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "access.log")
	o := observe.New(observe.Options{})
	for range 2 { // the second time nothing changes
		if err := o.Apply(&config.Static{AccessLog: &config.AccessLog{FilePath: path}}); err != nil {
			t.Fatal(err)
		}
		answer(o, "GET", "http://a/", teapot)
	}
	if err := o.Apply(&config.Static{AccessLog: &config.AccessLog{FilePath: filepath.Join(path, "below")}}); err == nil {
		t.Error("a path below a file was taken")
	}
	answer(o, "GET", "http://a/", teapot)
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(string(text), "\n"); got != 3 {
		t.Errorf("lines: got %d, want 3: a file that cannot be opened leaves the old one", got)
	}
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	up := true
	o := observe.New(observe.Options{
		Servers: func() []observe.Server {
			return []observe.Server{{Service: "shop@docker", URL: "http://127.0.0.1:4000", Up: up}}
		},
		Connections: func() []observe.Connections {
			return []observe.Connections{{EntryPoint: "web", Protocol: "TCP", Open: 7}}
		},
	})
	if err := o.Apply(&config.Static{Metrics: &config.Metrics{Prometheus: &config.Prometheus{AddRoutersLabels: true}}}); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		answer(o, "BREW", "http://a/", teapot)
	}
	o.Reloaded()
	w := httptest.NewRecorder()
	o.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	for _, want := range []string{
		`traefik_entrypoint_requests_total{code="418",entrypoint="web",method="EXTENSION_METHOD",protocol="http"} 3`,
		`traefik_router_requests_total{code="418",method="EXTENSION_METHOD",protocol="http",router="shop@docker",service="shop@docker"} 3`,
		`traefik_service_request_duration_seconds_count{code="418",method="EXTENSION_METHOD",protocol="http",service="shop@docker"} 3`,
		`traefik_service_responses_bytes_total{code="418",method="EXTENSION_METHOD",protocol="http",service="shop@docker"} 15`,
		`traefik_service_server_up{service="shop@docker",url="http://127.0.0.1:4000"} 1`,
		`traefik_open_connections{entrypoint="web",protocol="TCP"} 7`,
		`traefik_config_reloads_total 1`,
	} {
		if !strings.Contains(w.Body.String(), want+"\n") {
			t.Errorf("metrics lack %s", want)
		}
	}
}

// TestMeter measures requests by OpenTelemetry's conventions too.
func TestMeter(t *testing.T) {
	t.Parallel()
	reader := sdkmetric.NewManualReader()
	o := observe.New(observe.Options{Meter: sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))})
	for range 2 {
		answer(o, "BREW", "http://a/", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
	}
	var read metricdata.ResourceMetrics
	if err := reader.Collect(t.Context(), &read); err != nil || len(read.ScopeMetrics) != 1 {
		t.Fatalf("got %+v, %v", read, err)
	}
	data, ok := read.ScopeMetrics[0].Metrics[0].Data.(metricdata.Histogram[float64])
	if !ok || len(data.DataPoints) != 1 || data.DataPoints[0].Count != 2 {
		t.Fatalf("got %+v", read.ScopeMetrics[0].Metrics[0])
	}
	want := attribute.NewSet(attribute.String("http.request.method", "EXTENSION_METHOD"), attribute.Int("http.response.status_code", 502),
		attribute.String("network.protocol.name", "http"), attribute.String("traefik.entrypoint", "web"), attribute.String("error.type", "502"),
		attribute.String("traefik.router", "shop@docker"), attribute.String("traefik.service", "shop@docker"))
	if got := data.DataPoints[0].Attributes; !got.Equals(&want) {
		t.Errorf("attributes: got %v, want %v", got.ToSlice(), want.ToSlice())
	}
}

// BenchmarkExchange shows what observing a request costs, and what measuring it
// adds: no allocation.
func BenchmarkExchange(b *testing.B) {
	for name, meter := range map[string]metric.MeterProvider{
		"Traefik": nil, "Both": sdkmetric.NewMeterProvider(sdkmetric.WithReader(sdkmetric.NewManualReader())),
	} {
		b.Run(name, func(b *testing.B) {
			o := observe.New(observe.Options{Meter: meter})
			r, w := httptest.NewRequest("GET", "http://a/", nil), httptest.NewRecorder()
			b.ReportAllocs()
			for b.Loop() {
				e := o.Begin(w, r, "web")
				e.SetRoute("r", "s", nil)
				e.WriteHeader(http.StatusNoContent)
				e.End()
			}
		})
	}
}

// A log that must stay in a directory does, also where a link came in later.
func TestAccessLogRoot(t *testing.T) {
	t.Parallel()
	top := t.TempDir()
	root, outside := filepath.Join(top, "root"), filepath.Join(top, "outside")
	for _, dir := range []string{root, outside} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(outside, filepath.Join(root, "out")); err != nil {
		t.Skip(err)
	}
	o := observe.New(observe.Options{})
	t.Cleanup(func() { _ = o.Close() })
	apply := func(path string) error {
		return o.Apply(&config.Static{AccessLog: &config.AccessLog{Root: root, FilePath: filepath.Join(root, path)}})
	}
	for _, path := range []string{"a.log", "new/a.log", "a.log"} {
		if err := apply(path); err != nil {
			t.Errorf("%s: got %v", path, err)
		}
		if _, err := os.Stat(filepath.Join(root, path)); err != nil {
			t.Error(err)
		}
	}
	for _, path := range []string{"out/a.log", "../outside/a.log", "new"} {
		if err := apply(path); err == nil {
			t.Errorf("%s: got no error", path)
		}
	}
	if list, err := os.ReadDir(outside); err != nil || len(list) > 0 {
		t.Errorf("outside: got %v, %v; want nothing", list, err)
	}
}
