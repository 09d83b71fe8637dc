package middleware_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"axion/gateway/config"
	"axion/gateway/middleware"
)

var (
	long  = strings.Repeat("all work and no play ", 100)
	short = "short"
)

// decode undoes a Content-Encoding.
func decode(t *testing.T, coding string, from io.Reader) io.Reader {
	t.Helper()
	switch coding {
	case "gzip":
		r, err := gzip.NewReader(from)
		if err != nil {
			t.Fatal(err)
		}
		return r
	case "br":
		return brotli.NewReader(from)
	case "zstd":
		r, err := zstd.NewReader(from, zstd.WithDecoderConcurrency(1))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(r.Close)
		return r
	}
	return from
}

func compressing(c config.Compress) config.Middleware { return config.Middleware{Compress: &c} }

func TestCompressChoice(t *testing.T) {
	t.Parallel()
	only := func(names ...string) config.Compress { return config.Compress{Encodings: names} }
	for _, tt := range []struct {
		name   string
		config config.Compress
		accept string // "-" for none
		want   string
	}{
		{"OK/gzip first", config.Compress{}, "br, zstd, gzip", "gzip"},
		{"OK/configured order", only("zstd", "br"), "gzip, br, zstd", "zstd"},
		{"OK/weight wins", config.Compress{}, "gzip;q=0.5, br;q=0.8, zstd;q=0.1", "br"},
		{"OK/no weight is 1", config.Compress{}, "gzip;q=0.9, zstd", "zstd"},
		{"OK/spaces and case", config.Compress{}, " BR ; Q=0.7 ,deflate", "br"},
		{"OK/any", only("br", "gzip"), "*", "br"},
		{"OK/any before named", only("br", "gzip"), "gzip, *", "br"},
		{"OK/any by default", config.Compress{DefaultEncoding: "zstd"}, "*", "zstd"},
		{"OK/any of little weight", config.Compress{}, "*;q=0.1, br", "br"},
		{"OK/any but refused", config.Compress{}, "gzip;q=0, *", "br"},
		{"OK/only any, refused", config.Compress{}, "*;q=0", ""},
		{"OK/refused", config.Compress{}, "gzip;q=0", ""},
		{"OK/refused by 0.000", config.Compress{}, "gzip;q=0.000", ""},
		{"OK/no number", config.Compress{}, "gzip;q=x", ""},
		{"OK/NaN", config.Compress{}, "gzip;q=NaN", ""},
		{"OK/identity liked more", config.Compress{}, "identity, gzip;q=0.5", ""},
		{"OK/identity liked the same", config.Compress{}, "identity, gzip", "gzip"},
		{"OK/unknown", config.Compress{}, "deflate", ""},
		{"OK/not offered", only("br"), "gzip", ""},
		{"OK/empty", config.Compress{}, "", ""},
		{"OK/none", config.Compress{}, "-", ""},
		{"OK/none with default", config.Compress{DefaultEncoding: "br"}, "-", "br"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := build(t, compressing(tt.config), func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, long) })
			var header []string
			if tt.accept != "-" {
				header = []string{"Accept-Encoding: " + tt.accept}
			}
			w := send(h, "GET", "/", header...)
			if got := w.Header().Get("Content-Encoding"); got != tt.want {
				t.Errorf("encoding: got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestCompress(t *testing.T) {
	t.Parallel()
	two, zero := 2, 0
	for _, tt := range []struct {
		name       string
		config     config.Compress
		method     string
		header     string // of the answer, "Name: value"
		status     int
		body       string
		compressed bool
	}{
		{"OK/long", config.Compress{}, "GET", "", 200, long, true},
		{"OK/long with length", config.Compress{}, "GET", fmt.Sprint("Content-Length: ", len(long)), 200, long, true},
		{"OK/error", config.Compress{}, "GET", "", 500, long, true},
		{"OK/short", config.Compress{}, "GET", "", 200, short, false},
		{"OK/short with length", config.Compress{}, "GET", "Content-Length: 5", 200, short, false},
		{"OK/short from the size on", config.Compress{MinResponseBodyBytes: &two}, "GET", "", 200, short, true},
		{"OK/zero is the default", config.Compress{MinResponseBodyBytes: &zero}, "GET", "", 200, short, false},
		{"OK/empty", config.Compress{}, "GET", "", 200, "", false},
		{"OK/HEAD", config.Compress{}, "HEAD", fmt.Sprint("Content-Length: ", len(long)), 200, "", false},
		{"OK/204", config.Compress{}, "GET", "", 204, "", false},
		{"OK/304", config.Compress{}, "GET", "", 304, "", false},
		{"OK/206", config.Compress{}, "GET", "", 206, long, false},
		{"OK/range", config.Compress{}, "GET", "Content-Range: bytes 0-9/10", 200, long, false},
		{"OK/already encoded", config.Compress{}, "GET", "Content-Encoding: deflate", 200, long, false},
		{"OK/gRPC", config.Compress{}, "GET", "Content-Type: application/grpc; x=y", 200, long, false},
		{"OK/excluded", config.Compress{ExcludedContentTypes: []string{"text/CSS;charset=utf-8"}}, "GET", "Content-Type: Text/css", 200, long,
			false},
		{"OK/not excluded", config.Compress{ExcludedContentTypes: []string{"text/css"}}, "GET", "Content-Type: text/html", 200, long, true},
		{"OK/included", config.Compress{IncludedContentTypes: []string{"text/css"}}, "GET", "Content-Type: text/css", 200, long, true},
		{"OK/not included", config.Compress{IncludedContentTypes: []string{"text/css"}}, "GET", "Content-Type: text/html", 200, long, false},
		{"OK/guessed type not included", config.Compress{IncludedContentTypes: []string{"text/css"}}, "GET", "", 200, long, false},
		{"OK/guessed type included", config.Compress{IncludedContentTypes: []string{"text/plain"}}, "GET", "", 200, long, true},
		{"OK/no media type", config.Compress{}, "GET", "Content-Type: x", 200, long, false},
	} {
		for _, coding := range []string{"gzip", "br", "zstd"} {
			t.Run(tt.name+"/"+coding, func(t *testing.T) {
				t.Parallel()
				s := serve(t, build(t, compressing(tt.config), func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("ETag", `"e"`)
					w.Header().Set("Accept-Ranges", "bytes")
					if name, value, ok := strings.Cut(tt.header, ": "); ok {
						w.Header().Set(name, value)
					}
					w.WriteHeader(tt.status)
					for body := tt.body; body != ""; { // in pieces
						n := min(300, len(body))
						fmt.Fprint(w, body[:n])
						body = body[n:]
					}
				}))
				got := ask(t, tt.method, s.URL, nil, "Accept-Encoding", coding)
				encoding := got.Header.Get("Content-Encoding")
				if got.StatusCode != tt.status || (encoding == coding) != tt.compressed || got.Header.Get("ETag") != `"e"` {
					t.Errorf("answer: got %d %v, want %d, compressed %t", got.StatusCode, got.Header, tt.status, tt.compressed)
				}
				if tt.compressed && (got.Header.Get("Accept-Ranges") != "" || got.ContentLength == int64(len(tt.body))) {
					t.Errorf("header: got %v, want neither ranges nor the former length", got.Header)
				}
				if vary := got.Header.Get("Vary"); tt.method != "HEAD" && vary != "Accept-Encoding" {
					t.Errorf("Vary: got %q", vary)
				}
				body, err := io.ReadAll(decode(t, map[bool]string{true: coding}[tt.compressed], strings.NewReader(got.body)))
				if err != nil || string(body) != tt.body {
					t.Errorf("body: got %d bytes, %v; want %d", len(body), err, len(tt.body))
				}
				if !strings.HasPrefix(tt.header, "Content-Type") && tt.body == long && got.Header.Get("Content-Type") != "text/plain; charset=utf-8" &&
					encoding != "deflate" {
					t.Errorf("type: got %q, want the one guessed", got.Header.Get("Content-Type"))
				}
			})
		}
	}
}

func TestCompressDetails(t *testing.T) {
	t.Parallel()
	t.Run("OK/VaryOnce", func(t *testing.T) {
		t.Parallel()
		h := build(t, compressing(config.Compress{}), func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Vary", "Origin, accept-encoding")
			fmt.Fprint(w, long)
		})
		if got := send(h, "GET", "/", "Accept-Encoding: gzip").Header()["Vary"]; len(got) != 1 {
			t.Errorf("Vary: got %q, want one", got)
		}
	})
	t.Run("OK/RequestOfExcludedType", func(t *testing.T) {
		t.Parallel()
		h := build(t, compressing(config.Compress{}), func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, long) })
		w := send(h, "POST", "/", "Accept-Encoding: gzip", "Content-Type: application/grpc")
		if got := w.Header().Get("Content-Encoding"); got != "" {
			t.Errorf("encoding: got %q, want none", got)
		}
	})
	t.Run("ErrCutShortIsNotCompleted", func(t *testing.T) {
		t.Parallel()
		s := serve(t, build(t, compressing(config.Compress{}), func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, long)
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}))
		r, _ := http.NewRequest("GET", s.URL, nil)
		r.Header.Set("Accept-Encoding", "gzip")
		resp, err := s.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if _, err := io.ReadAll(decode(t, "gzip", resp.Body)); err == nil {
			t.Error("error: got none for a body cut short")
		}
	})
}

func FuzzAcceptEncoding(f *testing.F) {
	for _, s := range []string{"gzip", "br;q=0.1, *;q=0", "identity;q=1,zstd;q=1e9", ",;q=,=;", "gzip;q=-1"} {
		f.Add(s)
	}
	m := compressing(config.Compress{})
	wrap, err := middleware.Build(&m, env)
	if err != nil {
		f.Fatal(err)
	}
	h := wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, long) }))
	f.Fuzz(func(t *testing.T, accept string) {
		coding := send(h, "GET", "/", "Accept-Encoding: "+accept).Header().Get("Content-Encoding")
		if coding != "" && !strings.Contains(strings.ToLower(accept), coding) && !strings.Contains(accept, "*") {
			t.Errorf("encoding: got %q for %q", coding, accept)
		}
	})
}
