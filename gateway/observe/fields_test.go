package observe_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"axion/gateway/config"
	"axion/gateway/observe"
)

// logged has one request answered, and gives its line of JSON.
func logged(t *testing.T, c *config.AccessLogFields, r *http.Request, h func(*observe.Exchange)) map[string]any {
	t.Helper()
	text := written(t, config.AccessLog{Format: "json", Fields: c}, r, h)
	if strings.Count(text, "\n") != 1 {
		t.Errorf("got %q, want one line", text)
	}
	var line map[string]any
	if err := json.Unmarshal([]byte(text), &line); err != nil {
		t.Fatalf("line %q: %v", text, err)
	}
	return line
}

func written(t *testing.T, c config.AccessLog, r *http.Request, h func(*observe.Exchange)) string {
	t.Helper()
	var out bytes.Buffer
	o := observe.New(observe.Options{Output: &out})
	if err := o.Apply(&config.Static{AccessLog: &c}); err != nil {
		t.Fatal(err)
	}
	e := o.Begin(httptest.NewRecorder(), r, "web")
	h(e)
	e.End()
	return out.String()
}

// served is a request that a server answers with 10 bytes, and a middleware makes 4 of
// them.
func served(e *observe.Exchange) {
	e.SetRoute("shop@docker", "all@docker", nil)
	e.Trace(&http.Request{Header: http.Header{}})
	e.SetServer("part@docker", &url.URL{Scheme: "http", Host: "127.0.0.1:4000", User: url.UserPassword("me", "hunter2")})
	e.Header().Set("X-From", "server")
	e.Header().Set("Set-Cookie", "a=b")
	e.Answered(http.StatusCreated, 10)
	e.Header().Set("X-From", "middleware")
	e.WriteHeader(http.StatusAccepted)
	_, _ = io.WriteString(e, "four")
}

func TestOrigin(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequest(http.MethodGet, "http://me:secret@shop.localhost:8080/a?b=c", nil)
	line := logged(t, nil, r, served)
	for name, want := range map[string]any{
		"OriginStatus": 201.0, "OriginContentSize": 10.0, "DownstreamStatus": 202.0, "DownstreamContentSize": 4.0, "GzipRatio": 2.5,
		"RouterName": "shop@docker", "ServiceName": "part@docker", "ServiceURL": "http://me:xxxxx@127.0.0.1:4000",
		"ServiceAddr": "127.0.0.1:4000",
		"RequestHost": "shop.localhost", "RequestPort": "8080", "RequestPath": "/a?b=c", "RequestScheme": "http", "ClientUsername": "-",
		"ClientHost": "192.0.2.1", "ClientPort": "1234", "entryPointName": "web", "level": "info", "msg": "", "RequestCount": 1.0,
		"RetryAttempts": 0.0,
		"TLSVersion":    nil, "TraceId": nil, "downstream_X-From": nil,
	} {
		if got := line[name]; got != want {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
	}
	took, origin, overhead := line["Duration"].(float64), line["OriginDuration"].(float64), line["Overhead"].(float64)
	if origin <= 0 || origin+overhead != took {
		t.Errorf("%v of the server and %v of overhead are not %v", origin, overhead, took)
	}
}

// TestNoOrigin answers without a router, and without a server.
func TestNoOrigin(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	line := logged(t, nil, r, func(e *observe.Exchange) { http.Error(e, "404 page not found", http.StatusNotFound) })
	for name, want := range map[string]any{
		"OriginStatus": 0.0, "OriginContentSize": 0.0, "OriginDuration": 0.0, "DownstreamStatus": 404.0, "DownstreamContentSize": 19.0,
		"RouterName": nil, "ServiceName": nil, "ServiceURL": nil, "ServiceAddr": nil, "GzipRatio": nil,
	} {
		if got, ok := line[name]; got != want || want == nil && ok {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
	}
	if line["Overhead"] != line["Duration"] {
		t.Errorf("got %v of overhead, want all of %v", line["Overhead"], line["Duration"])
	}
}

// TestAskedAgain reports the server that was asked last.
func TestAskedAgain(t *testing.T) {
	t.Parallel()
	line := logged(t, nil, httptest.NewRequest(http.MethodGet, "/", nil), func(e *observe.Exchange) {
		e.SetRoute("r", "s", nil)
		e.SetServer("s", &url.URL{Scheme: "http", Host: "127.0.0.1:1"})
		e.Answered(0, 0)
		e.Retried()
		e.SetServer("s", &url.URL{Scheme: "http", Host: "127.0.0.1:2"})
		e.WriteHeader(http.StatusOK)
		e.Answered(http.StatusOK, 7)
	})
	if line["ServiceAddr"] != "127.0.0.1:2" || line["OriginStatus"] != 200.0 || line["OriginContentSize"] != 7.0 ||
		line["RetryAttempts"] != 1.0 {
		t.Errorf("got %v", line)
	}
}

func TestHeaderModes(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header = http.Header{"Authorization": {"Bearer hunter2"}, "X-A": {"1", "2"}, "Cookie": {"c=hunter2"}}
	fields := func(mode string, names map[string]string) *config.AccessLogFields {
		return &config.AccessLogFields{Headers: &config.AccessLogHeaders{DefaultMode: mode, Names: names}}
	}
	line := logged(t, fields("keep", map[string]string{"authorization": "redact", "COOKIE": "drop", "Set-Cookie": "Redact"}), r, served)
	for name, want := range map[string]any{
		"request_Authorization": "REDACTED", "request_X-A": "1,2", "request_Cookie": nil,
		"origin_X-From": "server", "downstream_X-From": "middleware", "origin_Set-Cookie": "REDACTED", "downstream_Set-Cookie": "REDACTED",
	} {
		if got := line[name]; got != want {
			t.Errorf("keep: %s: got %v, want %v", name, got, want)
		}
	}
	if line := logged(t, fields("redact", map[string]string{"x-a": "keep"}), r, served); line["request_X-A"] != "1,2" ||
		line["downstream_X-From"] != "REDACTED" {
		t.Errorf("redact: got %v", line)
	}
	for _, c := range []*config.AccessLogFields{nil, {}, fields("", nil), fields("drop", nil), fields("nonsense", nil)} {
		for name := range logged(t, c, r, served) {
			if strings.HasPrefix(name, "request_") || strings.HasPrefix(name, "origin_") || strings.HasPrefix(name, "downstream_") {
				t.Errorf("%+v: got %s", c, name)
			}
		}
	}
}

func TestFieldModes(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	line := logged(t, &config.AccessLogFields{DefaultMode: "drop", Names: map[string]string{"originstatus": "keep",
		"routername": "nonsense"}}, r, served)
	if len(line) != 4 || line["OriginStatus"] != 201.0 || line["time"] == nil || line["level"] != "info" {
		t.Errorf("got %v", line)
	}
}

// TestInjection has clients send what would end a line or a field, and megabytes.
func TestInjection(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.RequestURI = "/\r\nGET /fake \x1b[31m\"" + strings.Repeat("ä", 1<<20)
	r.Host = "a\nb:1\n"
	r.Header = http.Header{"User-Agent": {"x\"\n1.2.3.4 - - fake \u2028\x00\xff"}, "Referer": {"\r\n"}, "X-Forwarded-For": {"1.2.3.4\nfake"}}
	r.SetBasicAuth("eve\n\"fake\x7f", "hunter2")
	pass := func(e *observe.Exchange) {
		e.Trace(r)
		e.SetRoute("r", "s", nil)
	}
	all := &config.AccessLogFields{Headers: &config.AccessLogHeaders{DefaultMode: "keep", Names: map[string]string{"Authorization": "redact"}}}
	line := logged(t, all, r, pass)
	if path := line["RequestPath"].(string); len(path) > 9000 || !strings.HasSuffix(path, "ä…") || !utf8.ValidString(path) {
		t.Errorf("got a path of %d bytes that ends in %q", len(path), path[len(path)-9:])
	}
	for _, format := range []string{"", "common", "genericCLF"} {
		text := written(t, config.AccessLog{Format: format}, r, pass)
		if strings.Count(text, "\n") != 1 || strings.ContainsAny(strings.TrimSuffix(text, "\n"), "\r\x00\x1b\x7f\u2028") || len(text) > 20000 {
			t.Errorf("%q: got %d bytes: %.200q", format, len(text), text)
		}
		if strings.Contains(text, "hunter2") {
			t.Errorf("%q: got the password", format)
		}
	}
}

func TestGeneric(t *testing.T) {
	t.Parallel()
	text := written(t, config.AccessLog{Format: "genericCLF"}, httptest.NewRequest(http.MethodGet, "http://a/b", nil), served)
	if !strings.HasSuffix(text, `] "GET /b HTTP/1.1" 202 4 "-" "-"`+"\n") {
		t.Errorf("got %q", text)
	}
}

// TestCountGoesOn has a reload leave the count of requests alone.
func TestCountGoesOn(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	o := observe.New(observe.Options{Output: &out})
	for i := range 3 {
		if err := o.Apply(&config.Static{AccessLog: &config.AccessLog{Format: []string{"json", "json", ""}[i]}}); err != nil {
			t.Fatal(err)
		}
		answer(o, http.MethodGet, "http://a/", teapot)
	}
	if text := out.String(); !strings.Contains(text, `"RequestCount":2`) || !strings.Contains(text, ` 3 "shop@docker"`) {
		t.Errorf("got %s", text)
	}
}
