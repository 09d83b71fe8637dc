package middleware

import (
	"net/http"
	"slices"
	"strings"

	"axion/gateway/config"
)

const (
	grpcType        = "application/grpc"
	grpcWebType     = "application/grpc-web"
	grpcWebTextType = "application/grpc-web-text"
)

// grpcWeb translates gRPC-Web, which browsers can speak, to gRPC and back; see
// PROTOCOL-WEB.md of gRPC. Other requests pass.
func grpcWeb(c *config.GrpcWeb) (Middleware, error) {
	origins := slices.Clone(c.AllowOrigins)
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			asked := r.Header.Get(contentTypeHeader)
			switch {
			case r.Method == http.MethodOptions && strings.Contains(strings.ToLower(r.Header.Get("Access-Control-Request-Headers")), "x-grpc-web"):
				grpcWebPreflight(w, r, origins)
			case r.Method == http.MethodPost && strings.HasPrefix(asked, grpcWebType):
				// A service may answer while it still reads, which HTTP/1 is not asked for
				// otherwise. That HTTP/2 has it anyway is shown by an error.
				_ = http.NewResponseController(w).EnableFullDuplex()
				w.Header().Add("Vary", "Origin")
				allowOrigin(w.Header(), r, origins)
				t := &grpcWebWriter{ResponseWriter: w, text: strings.HasPrefix(asked, grpcWebTextType)}
				// Not deferred: an answer that ends by a panic must not look complete.
				next.ServeHTTP(t, grpcRequest(r, t.text))
				t.finish()
			default:
				next.ServeHTTP(w, r)
			}
		})
	}, nil
}

// grpcWebPreflight answers a browser that asks whether it may.
func grpcWebPreflight(w http.ResponseWriter, r *http.Request, origins []string) {
	h := w.Header()
	h.Add("Vary", "Origin, Access-Control-Request-Method, Access-Control-Request-Headers")
	if allowOrigin(h, r, origins) {
		h.Set("Access-Control-Allow-Methods", http.MethodPost)
		h.Set("Access-Control-Allow-Headers", r.Header.Get("Access-Control-Request-Headers"))
		h.Set("Access-Control-Max-Age", "600")
	}
	w.WriteHeader(http.StatusNoContent)
}

func allowOrigin(h http.Header, r *http.Request, origins []string) bool {
	origin := r.Header.Get("Origin")
	if origin == "" || !slices.Contains(origins, "*") && !slices.Contains(origins, origin) {
		return false
	}
	h.Set("Access-Control-Allow-Origin", origin)
	h.Set("Access-Control-Allow-Credentials", "true") // or clients could not authenticate
	return true
}

// grpcRequest is r as gRPC; the body's length is another one in text.
func grpcRequest(r *http.Request, text bool) *http.Request {
	to := *r
	to.Header = r.Header.Clone()
	from := grpcWebType
	if text {
		from = grpcWebTextType
		to.Body = &textBody{ReadCloser: r.Body}
	}
	to.Header.Set(contentTypeHeader, strings.Replace(r.Header.Get(contentTypeHeader), from, grpcType, 1))
	to.Header.Set("Te", "trailers") // servers may insist
	to.Header.Del("Content-Length")
	to.ContentLength = -1
	to.Proto, to.ProtoMajor, to.ProtoMinor = "HTTP/2.0", 2, 0
	return &to
}
