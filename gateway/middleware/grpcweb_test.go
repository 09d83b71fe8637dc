package middleware_test

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	"axion/gateway/config"
)

// frame is a length-prefixed message of gRPC, or of trailers for kind 128.
func frame(kind byte, message string) string {
	return string(binary.BigEndian.AppendUint32([]byte{kind}, uint32(len(message)))) + message
}

// grpcService speaks gRPC over HTTP/2 without TLS: it sends each message back.
func grpcService(t *testing.T) http.Handler {
	t.Helper()
	h := func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor != 2 || r.Header.Get("Content-Type") != "application/grpc+proto" || r.Header.Get("Te") != "trailers" {
			t.Errorf("request: got HTTP/%d %v, want gRPC", r.ProtoMajor, r.Header)
		}
		w.Header().Set("Content-Type", "application/grpc+proto")
		if r.URL.Path == "/refused" { // trailers only
			w.Header().Set("Grpc-Status", "7")
			return
		}
		w.Header().Set("Trailer", "Grpc-Announced")
		w.WriteHeader(http.StatusOK)
		_ = http.NewResponseController(w).Flush()
		for {
			var head [5]byte
			if _, err := io.ReadFull(r.Body, head[:]); err != nil {
				break
			}
			message := make([]byte, binary.BigEndian.Uint32(head[1:]))
			_, _ = io.ReadFull(r.Body, message)
			fmt.Fprint(w, frame(0, string(message)))
			_ = http.NewResponseController(w).Flush()
		}
		w.Header().Set("Grpc-Announced", "yes")
		w.Header().Set(http.TrailerPrefix+"Grpc-Status", "0")
		w.Header().Set(http.TrailerPrefix+"Grpc-Message", "fine")
	}
	s := httptest.NewUnstartedServer(http.HandlerFunc(h))
	s.Config.Protocols = new(http.Protocols)
	s.Config.Protocols.SetUnencryptedHTTP2(true)
	s.Start()
	t.Cleanup(s.Close)
	u, _ := url.Parse(s.URL)
	transport := &http.Transport{Protocols: s.Config.Protocols}
	t.Cleanup(transport.CloseIdleConnections)
	return &httputil.ReverseProxy{Transport: transport, Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(u) }, FlushInterval: -1}
}

// decodeParts undoes base64 that is padded in its midst.
func decodeParts(t *testing.T, text string) string {
	t.Helper()
	var all []byte
	for ; text != ""; text = text[4:] {
		part, err := base64.StdEncoding.DecodeString(text[:4])
		if err != nil {
			t.Fatalf("decode %q: %v", text[:4], err)
		}
		all = append(all, part...)
	}
	return string(all)
}

func TestGrpcWeb(t *testing.T) {
	t.Parallel()
	h := buildIn(t, env, config.Middleware{GrpcWeb: &config.GrpcWeb{AllowOrigins: []string{"http://a"}}}, grpcService(t))
	s := serve(t, h)
	end := frame(128, "grpc-announced: yes\r\ngrpc-message: fine\r\ngrpc-status: 0\r\n")
	b64 := base64.StdEncoding.EncodeToString
	for _, tt := range []struct {
		name, kind, body, want string
	}{
		{"OK/binary", "application/grpc-web+proto", frame(0, "hello"), frame(0, "hello") + end},
		{"OK/binary, several messages", "application/grpc-web+proto", frame(0, "a") + frame(0, long) + frame(0, ""),
			frame(0, "a") + frame(0, long) + frame(0, "") + end},
		{"OK/text", "application/grpc-web-text+proto", b64([]byte(frame(0, "hello"))), frame(0, "hello") + end},
		{"OK/text in parts", "application/grpc-web-text+proto", b64([]byte(frame(0, "a"))) + "\n" + b64([]byte(frame(0, long))),
			frame(0, "a") + frame(0, long) + end},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := ask(t, "POST", s.URL, strings.NewReader(tt.body), "Content-Type", tt.kind, "X-Grpc-Web", "1", "Origin", "http://a")
			body := got.body
			if strings.Contains(tt.kind, "text") {
				body = decodeParts(t, body)
			}
			if got.StatusCode != 200 || got.Header.Get("Content-Type") != tt.kind || body != tt.want {
				t.Errorf("answer: got %d %q %q, want %q", got.StatusCode, got.Header.Get("Content-Type"), body, tt.want)
			}
			if len(got.Trailer) != 0 {
				t.Errorf("trailers: got %v, want them in the body", got.Trailer)
			}
			for name, want := range map[string]string{"Access-Control-Allow-Origin": "http://a", "Access-Control-Allow-Credentials": "true",
				"Vary": "Origin"} {
				if value := got.Header.Get(name); value != want {
					t.Errorf("%s: got %q, want %q", name, value, want)
				}
			}
			if exposed := got.Header.Get("Access-Control-Expose-Headers"); !strings.Contains(exposed, "grpc-message, grpc-status") {
				t.Errorf("exposed: got %q", exposed)
			}
		})
	}
	t.Run("OK/TrailersOnly", func(t *testing.T) {
		t.Parallel()
		got := ask(t, "POST", s.URL+"/refused", strings.NewReader(frame(0, "")), "Content-Type", "application/grpc-web+proto")
		if got.Header.Get("Grpc-Status") != "7" || got.body != "" || got.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("answer: got %v %q, want the status in the header", got.Header, got.body)
		}
	})
}

func TestGrpcWebCORS(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, origin string
		allowed      []string
		want         string
	}{
		{"OK/listed", "http://a", []string{"http://b", "http://a"}, "http://a"},
		{"OK/any", "http://a", []string{"*"}, "http://a"},
		{"Err/stranger", "http://c", []string{"http://a"}, ""},
		{"Err/none listed", "http://a", nil, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := build(t, config.Middleware{GrpcWeb: &config.GrpcWeb{AllowOrigins: tt.allowed}}, func(http.ResponseWriter, *http.Request) {
				t.Error("service: got a preflight")
			})
			w := send(h, "OPTIONS", "/", "Origin: "+tt.origin, "Access-Control-Request-Method: POST",
				"Access-Control-Request-Headers: content-type,X-Grpc-Web")
			if got := w.Header().Get("Access-Control-Allow-Origin"); w.Code != 204 || got != tt.want {
				t.Errorf("answer: got %d %q, want 204 %q", w.Code, got, tt.want)
			}
			if got := w.Header().Get("Access-Control-Allow-Headers"); (got == "content-type,X-Grpc-Web") != (tt.want != "") {
				t.Errorf("headers allowed: got %q", got)
			}
		})
	}
}

func TestGrpcWebPasses(t *testing.T) {
	t.Parallel()
	web := config.Middleware{GrpcWeb: &config.GrpcWeb{AllowOrigins: []string{"*"}}}
	t.Run("OK/OtherRequests", func(t *testing.T) {
		t.Parallel()
		for _, method := range []string{"GET", "OPTIONS", "POST"} {
			if got := send(build(t, web, echo), method, "/p").Body.String(); !strings.HasPrefix(got, "example.com /p") {
				t.Errorf("%s: got %q, want it passed", method, got)
			}
		}
	})
	t.Run("OK/AnswerThatIsNotGRPC", func(t *testing.T) {
		t.Parallel()
		h := build(t, web, func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "Bad Gateway", http.StatusBadGateway) })
		w := send(h, "POST", "/", "Content-Type: application/grpc-web-text")
		if w.Code != 502 || w.Body.String() != "Bad Gateway\n" {
			t.Errorf("answer: got %d %q, want it as it was", w.Code, w.Body)
		}
	})
	t.Run("ErrText", func(t *testing.T) {
		t.Parallel()
		for name, body := range map[string]string{"no base64": "AAA!", "cut short": "AAAAA"} {
			h := build(t, web, func(_ http.ResponseWriter, r *http.Request) {
				if _, err := io.ReadAll(r.Body); err == nil {
					t.Errorf("%s: got no error", name)
				}
			})
			r := httptest.NewRequest("POST", "/", strings.NewReader(body))
			r.Header.Set("Content-Type", "application/grpc-web-text")
			h.ServeHTTP(httptest.NewRecorder(), r)
		}
	})
}

func FuzzGrpcWebText(f *testing.F) {
	f.Add("hello", "", 3)
	f.Add("a", long, 100)
	m := config.Middleware{GrpcWeb: &config.GrpcWeb{}}
	f.Fuzz(func(t *testing.T, one, two string, line int) {
		text := base64.StdEncoding.EncodeToString([]byte(one)) + base64.StdEncoding.EncodeToString([]byte(two))
		if line > 0 && line < len(text) {
			text = text[:line] + "\r\n" + text[line:]
		}
		h := build(t, m, func(_ http.ResponseWriter, r *http.Request) {
			if got, err := io.ReadAll(r.Body); err != nil || string(got) != one+two {
				t.Errorf("body: got %q, %v; want %q", got, err, one+two)
			}
		})
		r := httptest.NewRequest("POST", "/", strings.NewReader(text))
		r.Header.Set("Content-Type", "application/grpc-web-text")
		h.ServeHTTP(httptest.NewRecorder(), r)
	})
}
