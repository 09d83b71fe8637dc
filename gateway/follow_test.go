package gateway_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"axion/gateway/config"
)

// TestFollow changes the settings of an entrypoint while it is open.
func TestFollow(t *testing.T) {
	t.Parallel()
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.Header.Get("X-Forwarded-Proto"))
	})
	routes := compose(route("a", "Host(`a.localhost`)", url)...)
	s := start(t, routes+traefik("--entrypoints.web.address=:80"))
	ask := func() string {
		req, err := http.NewRequest("GET", "http://a.localhost/", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-Forwarded-Proto", "gopher")
		res, err := s.client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		body, _ := io.ReadAll(res.Body)
		return string(body)
	}
	want(t, "from a stranger", ask(), "http")
	trusting := "--entrypoints.web.forwardedheaders.trustedips=127.0.0.1,::1"
	s.save(routes + traefik("--entrypoints.web.address=:80", trusting))
	eventually(t, "the client is trusted", func() bool { return ask() == "gopher" })
	s.save(routes + traefik("--entrypoints.web.address=:80", "--entrypoints.web.http2.maxconcurrentstreams=7"))
	eventually(t, "the client is a stranger again, and the limit is told to wait", func() bool {
		told := false
		for _, p := range s.Problems() {
			told = told || p.Severity == config.Notice && strings.Contains(p.Message, `"web"`) && strings.Contains(p.Message, "next start")
		}
		return ask() == "http" && told
	})
}
