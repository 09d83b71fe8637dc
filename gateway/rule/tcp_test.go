package rule_test

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"axion/gateway/rule"
)

func TestTCPMatch(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		rule string
		name string
		ip   string
		alpn []string
		want bool
	}{
		{"HostSNI(`*`)", "", "10.0.0.1", nil, true},
		{"HostSNI(`*`)", "db.localhost", "10.0.0.1", nil, true},
		{"HostSNI(`DB.localhost.`)", "db.localhost", "10.0.0.1", nil, true},
		{"HostSNI(`db.localhost`)", "", "10.0.0.1", nil, false},
		{"HostSNI(`*.localhost`)", "db.localhost", "10.0.0.1", nil, true},
		{"HostSNI(`*.localhost`)", "a.db.localhost", "10.0.0.1", nil, false},
		{"HostSNI(`bücher.localhost`)", "xn--bcher-kva.localhost", "10.0.0.1", nil, true},
		{"HostSNIRegexp(`^db[0-9]+\\.`)", "db12.localhost", "10.0.0.1", nil, true},
		{"HostSNIRegexp(`^db[0-9]+\\.`)", "db.localhost", "10.0.0.1", nil, false},
		{"ClientIP(`10.0.0.0/8`)", "", "10.1.2.3", nil, true},
		{"ClientIP(`10.0.0.0/8`)", "", "11.1.2.3", nil, false},
		{"clientip(`::1`)", "", "::1", nil, true},
		{"ALPN(`postgresql`)", "a", "10.0.0.1", []string{"h2", "postgresql"}, true},
		{"ALPN(`postgresql`)", "a", "10.0.0.1", nil, false},
		{"!ALPN(`h2`) && HostSNI(`a`)", "a", "10.0.0.1", nil, true},
		{"!(HostSNI(`a`) || ClientIP(`10.0.0.1`))", "b", "10.0.0.2", nil, true},
		{"!(HostSNI(`a`) || ClientIP(`10.0.0.1`))", "b", "10.0.0.1", nil, false},
		{"HostSNI(`a`) && (ClientIP(`10.0.0.1`) || ALPN(`x`))", "a", "10.0.0.2", []string{"x"}, true},
	} {
		t.Run(tt.rule+" "+tt.name, func(t *testing.T) {
			t.Parallel()
			r, err := rule.ParseTCP(tt.rule)
			if err != nil {
				t.Fatal(err)
			}
			m := &rule.TCPMeta{ServerName: tt.name, ClientIP: netip.MustParseAddr(tt.ip), ALPN: tt.alpn}
			if got := r.Match(m); got != tt.want {
				t.Errorf("got %t, want %t", got, tt.want)
			}
		})
	}
}

func TestTCPRule(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		rule     string
		catchAll bool
		priority int
		asks     bool
		hosts    []string
		all      bool
	}{
		{"HostSNI(`*`)", true, -1, false, nil, true},
		{"(hostsni(`*`))", true, -1, false, nil, true},
		{"!HostSNI(`*`)", false, 13, false, nil, true},
		{"HostSNI(`a`)", false, 12, true, []string{"a"}, false},
		{"HostSNI(`b`) || HostSNI(`a`)", false, 28, true, []string{"a", "b"}, false},
		{"HostSNI(`*`) && ClientIP(`::1`)", false, 31, false, nil, true},
		{"ALPN(`x`)", false, 9, true, nil, true},
		{"HostSNIRegexp(`a`)", false, 18, true, nil, true},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			t.Parallel()
			r, err := rule.ParseTCP(tt.rule)
			if err != nil {
				t.Fatal(err)
			}
			if r.CatchAll() != tt.catchAll || r.Priority() != tt.priority || r.AsksForName() != tt.asks || r.String() != tt.rule {
				t.Errorf("got catch-all %t, priority %d, asks %t, source %q; want %t, %d, %t", r.CatchAll(), r.Priority(), r.AsksForName(), r,
					tt.catchAll, tt.priority, tt.asks)
			}
			if hosts, all := r.Hosts(); !slices.Equal(hosts, tt.hosts) || all != tt.all {
				t.Errorf("got hosts %v, all %t; want %v, %t", hosts, all, tt.hosts, tt.all)
			}
		})
	}
}

func TestTCPParseErrors(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, rule string
		column     int
		want, hint string
	}{
		{"ErrEmpty", "", 1, "the rule is empty", "HostSNI("},
		{"ErrHost", "Host(`a`)", 1, "it is HTTP's", "write HostSNI"},
		{"ErrHostRegexp", "HostRegexp(`a`)", 1, "it is HTTP's", "write HostSNIRegexp"},
		{"ErrPath", "HostSNI(`a`) && PathPrefix(`/`)", 17, "it is HTTP's", "see the connection only"},
		{"ErrUnknown", "HostSN(`a`)", 1, "HostSN is not a matcher", "did you mean HostSNI?"},
		{"ErrV2Arguments", "HostSNI(`a`, `b`)", 1, "several are Traefik v2's", "HostSNI(`a`) || HostSNI(`b`)"},
		{"ErrWildcard", "HostSNI(`a.*.b`)", 9, "wildcard", "or HostSNIRegexp"},
		{"ErrV2Pattern", "HostSNI(`{x:.+}`)", 9, "v2", "use HostSNIRegexp"},
		{"ErrACME", "ALPN(`acme-tls/1`)", 6, "the gateway's own", "ACME"},
		{"ErrRegexp", "HostSNIRegexp(`(`)", 15, "missing closing )", "Go's"},
		{"ErrClientIP", "ClientIP(`x`)", 10, "neither an IP address", ""},
		{"ErrNoMatcher", "`a`", 1, "such as HostSNI(", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := rule.ParseTCP(tt.rule)
			e, ok := errors.AsType[*rule.Error](err)
			if !ok {
				t.Fatalf("got error %v, want a *rule.Error", err)
			}
			if e.Column != tt.column || !strings.Contains(e.Error(), tt.want) || !strings.Contains(e.Hint(), tt.hint) {
				t.Errorf("got column %d, %q, hint %q; want %d, %q, %q", e.Column, e.Error(), e.Hint(), tt.column, tt.want, tt.hint)
			}
		})
	}
}

func FuzzParseTCP(f *testing.F) {
	for _, s := range []string{"HostSNI(`*`)", "!(HostSNI(`*.a`) && ClientIP(`::1`)) || ALPN(`h2`)", "HostSNIRegexp(`^a`)", "Host(`a`)", "((",
		"HostSNI('a')"} {
		f.Add(s, "a.localhost")
	}
	f.Fuzz(func(t *testing.T, s, name string) {
		r, err := rule.ParseTCP(s)
		if err != nil {
			if e, ok := errors.AsType[*rule.Error](err); !ok || e.Line < 1 || e.Column < 1 || e.Message == "" {
				t.Fatalf("%q: got error %#v without a place or message", s, err)
			}
			return
		}
		m := &rule.TCPMeta{ServerName: name, ClientIP: netip.IPv6Loopback(), ALPN: []string{"h2"}}
		matched := r.Match(m)
		if hosts, all := r.Hosts(); matched && !all && !slices.Contains(hosts, name) {
			t.Fatalf("%q matches a name that Hosts does not list: %v", s, hosts)
		}
		if again, err := rule.ParseTCP("!(" + s + "\n)"); err == nil && again.Match(m) == matched {
			t.Fatalf("%q: a negation does not change the verdict", s)
		}
	})
}
