package routing

import (
	"fmt"
	"net/http/httptest"
	"testing"

	"axion/gateway/config"
	"axion/gateway/rule"
)

// indexOf holds routers of these rules, tried in their order.
func indexOf(t testing.TB, rules ...string) *Index {
	t.Helper()
	x := &Index{}
	for i, text := range rules {
		r, err := rule.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		x.add(&Router{Name: text, rank: i, Rule: r, Config: &config.Router{}})
	}
	return x
}

func request(t testing.TB, url string) *rule.Request {
	t.Helper()
	req, err := rule.NewRequest(httptest.NewRequest("GET", url, nil))
	if err != nil {
		t.Fatal(err)
	}
	return req
}

func TestIndexFind(t *testing.T) {
	t.Parallel()
	x := indexOf(t,
		"Host(`a.test`) && Path(`/x`)",
		"PathPrefix(`/first`)",
		"Host(`a.test`) && PathPrefix(`/x/y`)",
		"Host(`*.test`) && PathPrefix(`/x`)",
		"HostRegexp(`^r[0-9]+$`)",
		"Host(`a.test`) || Host(`b.other`)",
		"Method(`GET`) && PathPrefix(`/late`)",
	)
	for url, want := range map[string]string{
		"http://a.test/x":      "Host(`a.test`) && Path(`/x`)",
		"http://a.test/x/y/z":  "Host(`a.test`) && PathPrefix(`/x/y`)",
		"http://a.test/x/z":    "Host(`*.test`) && PathPrefix(`/x`)",
		"http://b.test/x":      "Host(`*.test`) && PathPrefix(`/x`)",
		"http://a.b.test/x":    "",
		"http://a.test/first":  "PathPrefix(`/first`)",
		"http://a.test/late":   "Host(`a.test`) || Host(`b.other`)",
		"http://b.other/":      "Host(`a.test`) || Host(`b.other`)",
		"http://r12/late":      "HostRegexp(`^r[0-9]+$`)",
		"http://unknown/late/": "Method(`GET`) && PathPrefix(`/late`)",
		"http://unknown/":      "",
	} {
		got := ""
		if r := x.Find(request(t, url)); r != nil {
			got = r.Name
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", url, got, want)
		}
	}
}

// BenchmarkFind shows that the number of routers does not matter.
func BenchmarkFind(b *testing.B) {
	for _, n := range []int{10, 5000} {
		var hosts, paths []string
		for i := range n {
			hosts = append(hosts, fmt.Sprintf("Host(`h%d.test`)", i))
			paths = append(paths, fmt.Sprintf("Host(`a.test`) && PathPrefix(`/service-%d`)", i))
		}
		for name, tt := range map[string]struct {
			x   *Index
			url string
		}{
			"hosts": {indexOf(b, hosts...), fmt.Sprintf("http://h%d.test/", n-1)},
			"paths": {indexOf(b, paths...), fmt.Sprintf("http://a.test/service-%d/x", n-1)},
		} {
			b.Run(fmt.Sprintf("%s/%d", name, n), func(b *testing.B) {
				req := request(b, tt.url)
				b.ReportAllocs()
				for b.Loop() {
					if tt.x.Find(req) == nil {
						b.Fatal("no router")
					}
				}
			})
		}
	}
}
