package observe_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"axion/gateway/config"
	"axion/gateway/observe"
)

// lines are those of one request that a service answers.
func lines(t *testing.T, c *config.AccessLog, service string) string {
	t.Helper()
	var out bytes.Buffer
	o := observe.New(observe.Options{Output: &out})
	if err := o.Apply(&config.Static{AccessLog: c}); err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest("GET", "http://shop.localhost/a?token=x", nil)
	r.RequestURI = "/a?token=x"
	r.Header.Set("User-Agent", "test")
	r.Header.Set("Referer", "http://b/")
	r.SetBasicAuth("eve", "secret")
	e := o.Begin(httptest.NewRecorder(), r, "web")
	e.SetRoute("shop@docker", service, nil)
	teapot(e, r)
	e.End()
	return out.String()
}

func TestCommonForms(t *testing.T) {
	t.Parallel()
	const at = `\[\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d [-+]\d{4}\]`
	for name, tt := range map[string]struct {
		config config.AccessLog
		want   string
	}{
		"OKGeneric": {config.AccessLog{Format: "genericCLF"},
			`^192\.0\.2\.1 - eve ` + at + ` "GET /a\?token=••• HTTP/1\.1" 418 5 "http://b/" "test"\n$`},
		"OKQueryDropped": {config.AccessLog{Fields: &config.AccessLogFields{QueryParameters: &config.AccessLogQuery{DefaultMode: "drop"}}},
			`"GET /a HTTP/1\.1" 418 5 "http://b/" "test" 1 `},
		"OKQueryKept": {config.AccessLog{Fields: &config.AccessLogFields{QueryParameters: &config.AccessLogQuery{DefaultMode: "keep"}}},
			`"GET /a\?token=x HTTP/1\.1"`},
		"OKNames": {config.AccessLog{Fields: &config.AccessLogFields{Names: map[string]string{"ClientHost": "drop", "ClientUsername": "redact",
			"RequestPath":  "drop",
			"OriginStatus": "drop", "ServiceURL": "drop", "Duration": "drop"}}},
			`^- - REDACTED ` + at + ` "GET - HTTP/1\.1" - 5 "http://b/" "test" 1 "shop@docker" "-" -ms\n$`},
		"OKAllDropped": {config.AccessLog{Fields: &config.AccessLogFields{DefaultMode: "drop", Names: map[string]string{"RouterName": "keep"},
			Headers: &config.AccessLogHeaders{}}},
			`^- - - \[-\] "- - -" - - "-" "-" - "shop@docker" "-" -ms\n$`},
		"OKHeaders": {config.AccessLog{Fields: &config.AccessLogFields{Headers: &config.AccessLogHeaders{DefaultMode: "redact",
			Names: map[string]string{"Referer": "drop"}}}},
			` 418 5 "-" "REDACTED" 1 `},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := lines(t, &tt.config, "shop@docker"); !regexp.MustCompile(tt.want).MatchString(got) {
				t.Errorf("got %q, want %s", got, tt.want)
			}
		})
	}
}

func TestJSONQuery(t *testing.T) {
	t.Parallel()
	for mode, want := range map[string]string{"drop": "/a", "DROP": "/a", "keep": "/a?token=x", "": "/a?token=•••"} {
		var line map[string]any
		text := lines(t, &config.AccessLog{Format: "json",
			Fields: &config.AccessLogFields{QueryParameters: &config.AccessLogQuery{DefaultMode: mode}}}, "shop@docker")
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			t.Fatal(err)
		}
		if line["RequestPath"] != want {
			t.Errorf("%q: got %v, want %s", mode, line["RequestPath"], want)
		}
	}
}

// What the gateway answers itself is reported only where that is asked for.
func TestInternals(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		service string
		add     bool
		want    int
	}{{"shop@docker", false, 1}, {"ping@internal", false, 0}, {"ping@internal", true, 1}} {
		if got := strings.Count(lines(t, &config.AccessLog{AddInternals: tt.add}, tt.service), "\n"); got != tt.want {
			t.Errorf("%s, addInternals %t: got %d lines, want %d", tt.service, tt.add, got, tt.want)
		}
	}
	for _, tt := range []struct {
		metrics *config.Metrics
		want    bool
	}{{nil, true}, {&config.Metrics{Prometheus: &config.Prometheus{}}, false}, {&config.Metrics{AddInternals: true}, true}} {
		o := observe.New(observe.Options{Output: io.Discard})
		if err := o.Apply(&config.Static{Metrics: tt.metrics}); err != nil {
			t.Fatal(err)
		}
		e := o.Begin(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/ping", nil), "web")
		e.SetRoute("ping@internal", "ping@internal", nil)
		e.End()
		w := httptest.NewRecorder()
		o.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
		if got := strings.Contains(w.Body.String(), `service="ping@internal"`); got != tt.want {
			t.Errorf("%+v: counted %t, want %t", tt.metrics, got, tt.want)
		}
	}
}

// Lines are kept by how long a request took.
func TestMinDuration(t *testing.T) {
	t.Parallel()
	for limit, want := range map[time.Duration]int{time.Nanosecond: 1, time.Hour: 0} {
		text := lines(t, &config.AccessLog{Filters: &config.AccessLogFilters{MinDuration: config.Duration(limit)}}, "shop@docker")
		if got := strings.Count(text, "\n"); got != want {
			t.Errorf("minDuration %s: got %d lines, want %d", limit, got, want)
		}
	}
}

func TestMetricsKinds(t *testing.T) {
	t.Parallel()
	yes, no := true, false
	for name, tt := range map[string]struct {
		config config.Prometheus
		want   map[string]bool
	}{
		"OKUsual": {config.Prometheus{}, map[string]bool{"traefik_entrypoint_": true, "traefik_router_": false,
			"traefik_service_requests": true, `le="0.3"`: true}},
		"OKOthers": {config.Prometheus{AddEntryPointsLabels: &no, AddRoutersLabels: true, AddServicesLabels: &no},
			map[string]bool{"traefik_entrypoint_": false, "traefik_router_": true, "traefik_service_requests": false}},
		"OKAll": {config.Prometheus{AddEntryPointsLabels: &yes, AddServicesLabels: &yes}, map[string]bool{"traefik_entrypoint_": true,
			"traefik_service_requests": true}},
		"OKBuckets": {config.Prometheus{Buckets: []float64{0.25, 7}}, map[string]bool{`le="0.25"`: true, `le="7"`: true, `le="0.3"`: false}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := observe.New(observe.Options{Output: io.Discard})
			if err := o.Apply(&config.Static{Metrics: &config.Metrics{Prometheus: &tt.config}}); err != nil {
				t.Fatal(err)
			}
			answer(o, http.MethodGet, "http://a/", teapot)
			w := httptest.NewRecorder()
			o.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
			for text, want := range tt.want {
				if got := strings.Contains(w.Body.String(), text); got != want {
					t.Errorf("%s: there %t, want %t", text, got, want)
				}
			}
		})
	}
}
