package selfaddr_test

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"testing"

	"axion/gateway/selfaddr"
)

func set(t *testing.T, addrs ...string) selfaddr.Set {
	t.Helper()
	var s selfaddr.Set
	for _, a := range addrs {
		s = append(s, selfaddr.Listener{Name: a, Network: "tcp", Addr: netip.MustParseAddrPort(a)})
	}
	return s
}

func TestFind(t *testing.T) {
	t.Parallel()
	name, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	local, wide, one := set(t, "127.0.0.1:80"), set(t, "0.0.0.0:80"), set(t, "198.51.100.1:80")
	for _, tt := range []struct {
		at                string
		local, wide, one_ bool
	}{
		{"127.0.0.1:80", true, true, false},
		{"127.0.0.1:81", false, false, false},
		{"[::1]:80", true, true, false},
		{"[::ffff:127.0.0.1]:80", true, true, false},
		{"localhost:80", true, true, false},
		{"LOCALHOST.:80", true, true, false},
		{"a.b.localhost:80", true, true, false},
		{"0.0.0.0:80", true, true, false},
		{"[::]:80", true, true, false},
		{":80", true, true, false},
		{"127.1:80", true, true, false},
		{"2130706433:80", true, true, false},
		{"0x7f000001:80", true, true, false},
		{"0177.0.0.01:80", true, true, false},
		{"0:80", true, true, false},
		{"127.0.0.2:80", false, true, false},
		{"127.2:80", false, true, false},
		{"host.docker.internal:80", true, true, false},
		{name + ":80", false, true, false},
		{"198.51.100.1:80", false, false, true},
		{"198.51.25601:80", false, false, true},
		{"198.51.100.7:80", false, false, false},
		{"example.com:80", false, false, false},
		{"localhost.example:80", false, false, false},
		{"1.2.3.4.5:80", false, false, false},
		{"127.256:80", false, true, false}, // 127.0.1.0
		{"0b1:80", false, false, false},
		{"127.0.0.1", false, false, false},
		{"127.0.0.1:http", false, false, false},
		{"", false, false, false},
	} {
		for _, c := range []struct {
			name string
			set  selfaddr.Set
			want bool
		}{{"loopback", local, tt.local}, {"any", wide, tt.wide}, {"one", one, tt.one_}, {"none", nil, false}} {
			if _, got := c.set.Find("tcp", tt.at); got != c.want {
				t.Errorf("%s at a listener on %s: got %t, want %t", tt.at, c.name, got, c.want)
			}
		}
		if _, got := local.Find("udp", tt.at); got {
			t.Errorf("%s: found for UDP", tt.at)
		}
	}
}

func TestControl(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	own, ok := selfaddr.Of("x", l.Addr())
	if !ok {
		t.Fatal("no listener")
	}
	for range 2 {
		d := net.Dialer{Control: selfaddr.Set{own}.Control}
		for _, host := range []string{"127.0.0.1", "localhost"} {
			_, port, _ := net.SplitHostPort(l.Addr().String())
			if _, err := d.Dial("tcp", net.JoinHostPort(host, port)); !errors.Is(err, selfaddr.ErrOwn) {
				t.Errorf("dial %s: got %v, want %v", host, err, selfaddr.ErrOwn)
			}
		}
	}
	own.Dialed = true
	d := net.Dialer{Control: selfaddr.Set{own}.Control}
	c, err := d.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	_ = c.Close()
}

func FuzzFind(f *testing.F) {
	for _, seed := range []string{"127.1:80", "[::1%eth0]:80", "0x:80", "....:80", "00000000177.1:80"} {
		f.Add(seed)
	}
	s := selfaddr.Set{{Network: "tcp", Addr: netip.MustParseAddrPort("0.0.0.0:80")}}
	f.Fuzz(func(t *testing.T, at string) { s.Find("tcp", at) })
}
