package api_test

import (
	"net/url"
	"strings"
	"testing"

	"axion/gateway/api"
)

func routers() api.List {
	list := api.List{}
	for _, r := range []struct {
		name, rule, service, status string
		priority, entries           int
		middlewares                 []any
	}{
		{"b@docker", "Host(`Shop.localhost`)", "s", "enabled", 22, 2, []any{"m"}},
		{"a@docker", "Host(`a.localhost`)", "s@file", "warning", 9, 1, []any{"m@file", "n"}},
		{"c@file", "PathPrefix(`/c`)", "s", "disabled", 100, 1, nil},
	} {
		_, provider, _ := strings.Cut(r.name, "@")
		list[r.name] = api.Object{"name": r.name, "provider": provider, "rule": r.rule, "service": r.service, "status": r.status,
			"priority":    r.priority,
			"entryPoints": make([]string, r.entries), "middlewares": r.middlewares}
	}
	return list
}

func names(list []api.Object) string {
	var all []string
	for _, o := range list {
		name, _, _ := strings.Cut(o["name"].(string), "@")
		all = append(all, name)
	}
	return strings.Join(all, "")
}

func TestSelect(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]string{
		"":                         "abc",
		"search=SHOP":              "b",
		"search=docker":            "ab",
		"search=zzz":               "",
		"status=Warning":           "a",
		"status=x":                 "",
		"serviceName=s":            "bc",
		"serviceName=s@docker":     "bc", // the router's name has no provider to compare
		"serviceName=s@file":       "abc",
		"middlewareName=m":         "b",
		"middlewareName=m@file":    "a",
		"middlewareName=m@docker":  "",
		"middlewareName=n&search=": "a",
		"serviceName=s&status=enabled&search=shop":         "b",
		"sortBy=name&direction=desc":                       "cba",
		"sortBy=nonsense&direction=nonsense":               "cba",
		"sortBy=priority":                                  "abc",
		"sortBy=priority&direction=desc":                   "cba",
		"sortBy=provider&direction=desc":                   "cba",
		"sortBy=status":                                    "cba",
		"sortBy=rule":                                      "bac",
		"sortBy=service":                                   "bca",
		"sortBy=entryPoints":                               "acb",
		"sortBy=entryPoints&direction=desc":                "bca",
		"sortBy=priority&direction=desc&per_page=2":        "cb",
		"sortBy=priority&direction=desc&per_page=2&page=2": "a",
	} {
		q, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		page, _, err := api.Select(routers(), q)
		if got := names(page); err != nil || got != want {
			t.Errorf("%s: got %q, %v, want %q", query, got, err, want)
		}
	}
}

func TestSelectServices(t *testing.T) {
	t.Parallel()
	servers := func(n int) map[string]any { return map[string]any{"servers": make([]any, n)} }
	list := api.List{
		"a@docker": {"name": "a@docker", "type": "weighted"},
		"b@docker": {"name": "b@docker", "type": "loadbalancer", "loadBalancer": servers(2)},
		"c@docker": {"name": "c@docker", "type": "loadbalancer", "loadBalancer": servers(1)},
	}
	for query, want := range map[string]string{
		"sortBy=servers": "acb", "sortBy=servers&direction=desc": "bca", "sortBy=type": "bca", "serviceName=zzz&middlewareName=zzz": "abc",
	} {
		q, _ := url.ParseQuery(query)
		if page, _, err := api.Select(list, q); err != nil || names(page) != want {
			t.Errorf("%s: got %q, %v, want %q", query, names(page), err, want)
		}
	}
}

func TestPage(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		query  string
		of     int
		length int
		next   int
		err    string
	}{
		{"", 0, 0, 1, ""}, {"", 100, 100, 1, ""}, {"", 101, 100, 2, ""}, {"page=2", 101, 1, 1, ""},
		{"per_page=1", 3, 1, 2, ""}, {"per_page=1&page=3", 3, 1, 1, ""}, {"per_page=9223372036854775807", 3, 3, 1, ""},
		{"page=2", 100, 0, 0, "invalid request: page: 2, per_page: 100"}, {"page=2", 0, 0, 0, "invalid request: page: 2, per_page: 100"},
		{"page=2&per_page=1", 0, 0, 0, "invalid request: page: 2, per_page: 1"},
		{"page=4611686018427387904&per_page=4611686018427387904", 3, 0, 0,
			"invalid request: page: 4611686018427387904, per_page: 4611686018427387904"},
		{"page=0", 3, 0, 0, "invalid request: page: 0"}, {"page=-1", 3, 0, 0, "invalid request: page: -1"}, {"page=x", 3, 0, 0,
			"invalid request: page: 0"},
		{"per_page=0&page=x", 3, 0, 0, "invalid request: per_page: 0"}, {"per_page=-7", 3, 0, 0, "invalid request: per_page: -7"},
	} {
		q, _ := url.ParseQuery(tt.query)
		page, next, err := api.Page(make([]int, tt.of), q)
		if text := message(err); len(page) != tt.length || next != tt.next || text != tt.err || page == nil && err == nil {
			t.Errorf("%q of %d: got %d, next %d, %q", tt.query, tt.of, len(page), next, text)
		}
	}
}

func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func FuzzPage(f *testing.F) {
	f.Add("page=2&per_page=3", 7)
	f.Add("page=9223372036854775807&per_page=9223372036854775807", 0)
	f.Fuzz(func(t *testing.T, query string, n int) {
		q, err := url.ParseQuery(query)
		if err != nil || n < 0 || n > 1000 {
			return
		}
		if page, next, err := api.Page(make([]int, n), q); err == nil && (next < 1 || len(page) > n) {
			t.Errorf("got %d of %d, next %d", len(page), n, next)
		}
	})
}

func TestUsedBy(t *testing.T) {
	t.Parallel()
	list := api.List{"s@docker": {}, "s@file": {}}
	for _, user := range []string{"b@docker", "a@docker", "b@docker"} {
		list.UsedBy(user, "s", "missing")
	}
	list.UsedBy("c@file", "s@docker")
	if got := strings.Join(list["s@docker"].Strings("usedBy"), " "); got != "a@docker b@docker c@file" || list["s@file"]["usedBy"] != nil {
		t.Errorf("got %v", list)
	}
}
