package gateway_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
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
	s.save(routes + traefik("--entrypoints.web.address=:80", "--entrypoints.web.http.maxheaderbytes=4096"))
	eventually(t, "the client is a stranger again", func() bool { return ask() == "http" })
	long := func() int {
		req, err := http.NewRequest("GET", "http://a.localhost/", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-Long", strings.Repeat("x", 16<<10))
		res, err := s.client().Do(req)
		if err != nil {
			return 0
		}
		_ = res.Body.Close()
		return res.StatusCode
	}
	want(t, "a long header", long(), http.StatusRequestHeaderFieldsTooLarge)
	s.save(routes + traefik("--entrypoints.web.address=:80"))
	eventually(t, "the limit is the default one again", func() bool { return long() == http.StatusOK })
	if problems := s.Problems(); len(problems) > 0 {
		t.Errorf("problems: got %v, want none", problems)
	}
}
