package advertise

import (
	"net"
	"net/netip"
	"slices"
	"testing"
)

func tcp(t *testing.T, text string) net.Addr {
	t.Helper()
	at, err := netip.ParseAddrPort(text)
	if err != nil {
		t.Fatal(err)
	}
	return net.TCPAddrFromAddrPort(at)
}

func TestPolicy(t *testing.T) {
	t.Parallel()
	nat := Endpoint{"nat.example.com", 443}
	for _, tt := range []struct {
		name  string
		bound []string
		fixed Endpoint
		local string // of the connection
		want  string
	}{
		{"Loopback4", []string{"127.0.0.1:9092"}, Endpoint{}, "127.0.0.1:9092", "localhost:9092"},
		{"LoopbackMapped", []string{"[::]:9092"}, Endpoint{}, "[::ffff:127.0.0.1]:9092", "localhost:9092"},
		{"Loopback6", []string{"[::]:9092"}, Endpoint{}, "[::1]:9092", "localhost:9092"},
		{"LoopbackBoth", []string{"127.0.0.1:9092"}, Endpoint{}, "[::1]:9092", "localhost:9092"}, // one listener, of 127.0.0.1 and ::1
		{"Loopback6Alone", []string{"[::1]:9092"}, Endpoint{}, "[::1]:9092", "[::1]:9092"},
		{"Loopback6AndOtherPort", []string{"127.0.0.1:9092", "[::1]:9192"}, Endpoint{}, "[::1]:9192", "[::1]:9192"},
		{"LoopbackOther", []string{"127.0.0.2:9092"}, Endpoint{}, "127.0.0.2:9092", "127.0.0.2:9092"},
		{"LoopbackOtherOfAll", []string{"0.0.0.0:9092"}, Endpoint{}, "127.0.0.2:9092", "localhost:9092"},
		{"Bridge", []string{"0.0.0.0:9092"}, Endpoint{}, "172.17.0.1:9092", "172.17.0.1:9092"},
		{"Mapped", []string{"[::]:9092"}, Endpoint{}, "[::ffff:10.1.2.3]:9092", "10.1.2.3:9092"},
		{"Global6", []string{"[::]:9092"}, Endpoint{}, "[2001:db8::1]:9092", "[2001:db8::1]:9092"},
		{"LinkWithoutOther", []string{"[::]:9092"}, Endpoint{}, "[fe80::1%none0]:9092", "[fe80::1%none0]:9092"},
		{"SecondListener", []string{"127.0.0.1:9092", "10.0.0.1:9192"}, Endpoint{}, "10.0.0.1:9192", "10.0.0.1:9192"},
		{"Fixed", []string{"0.0.0.0:9092"}, nat, "10.0.0.1:9092", "nat.example.com:443"},
		{"FixedOnLoopback", []string{"0.0.0.0:9092"}, nat, "127.0.0.1:9092", "nat.example.com:443"},
		{"FixedForTunnel", []string{"127.0.0.1:9092"}, nat, "127.0.0.1:9092", "nat.example.com:443"},
		{"FixedBesideLoopback", []string{"0.0.0.0:9092", "127.0.0.1:9192"}, nat, "127.0.0.1:9192", "localhost:9192"},
		{"FixedBesideLoopbackOther", []string{"0.0.0.0:9092", "127.0.0.1:9192"}, nat, "127.0.0.1:9092", "nat.example.com:443"},
		{"FixedPort", []string{"0.0.0.0:9092"}, Endpoint{"nat.example.com", 0}, "10.0.0.1:9092", "nat.example.com:9092"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var bound []net.Addr
			for _, at := range tt.bound {
				bound = append(bound, tcp(t, at))
			}
			if got := New(bound, tt.fixed).For(tcp(t, tt.local), tcp(t, "10.9.9.9:5")).String(); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestPolicyLocal(t *testing.T) {
	t.Parallel()
	memory := &net.UnixAddr{Name: "memory", Net: "memory"}
	for want, bound := range map[string][]string{
		"localhost:9092":  {"127.0.0.1:9092", "0.0.0.0:9192"},
		"localhost:9192":  {"[::]:9192", "127.0.0.1:9092"},
		"10.0.0.1:9092":   {"10.0.0.1:9092", "127.0.0.1:9092"},
		"[::1]:9092":      {"[::1]:9092"},
		"[fd00::2]:9092":  {"[fd00::2]:9092"},
		"127.0.0.7:9092":  {"127.0.0.7:9092"},
		"172.17.0.1:9092": {"172.17.0.1:9092"},
	} {
		var addrs []net.Addr
		for _, at := range bound {
			addrs = append(addrs, tcp(t, at))
		}
		p := New(addrs, Endpoint{})
		if got := p.Local().String(); got != want {
			t.Errorf("%v: got %s, want %s", bound, got, want)
		}
		if got := p.For(memory, memory); got != p.Local() {
			t.Errorf("%v: in this process: got %s, want %s", bound, got, p.Local())
		}
	}
	for at, want := range map[string]bool{"127.0.0.1:1": false, "[::1]:2": false, "[::ffff:127.0.0.1]:2": false, "10.0.0.1:3": true,
		"[::]:4": true} {
		if got := IsRemote(tcp(t, at)); got != want {
			t.Errorf("%s: other machines reach it: got %t, want %t", at, got, want)
		}
	}
	if got := (Policy{}).For(tcp(t, "10.0.0.1:3"), nil).String(); got != "10.0.0.1:3" {
		t.Errorf("the zero policy: got %s", got)
	}
}

// TestZone: a client on another machine of the link is sent an address without a
// zone, where there is one.
func TestZone(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		bound  string
		remote string
		addrs  []string
		want   string
	}{
		{"IPv4", "[::]:9092", "fe80::2%eth0", []string{"fe80::1/64", "fd00::1/64", "10.0.0.1/24"}, "10.0.0.1"},
		{"IPv6", "[::]:9092", "fe80::2%eth0", []string{"fe80::1/64", "fd00::1/64"}, "fd00::1"},
		{"NoOther", "[::]:9092", "fe80::2%eth0", []string{"fe80::1/64"}, "fe80::1%eth0"},
		{"NotListening", "[fe80::1%eth0]:9092", "fe80::2%eth0", []string{"fe80::1/64", "10.0.0.1/24"}, "fe80::1%eth0"},
		{"ThisMachine", "[::]:9092", "fe80::3%eth0", []string{"fe80::1/64", "10.0.0.1/24", "fe80::3/64"}, "fe80::1%eth0"},
		{"Unreadable", "[::]:9092", "fe80::2%eth0", []string{"x"}, "fe80::1%eth0"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var addrs []net.Addr
			for _, a := range tt.addrs {
				addrs = append(addrs, text(a))
			}
			p := New([]net.Addr{tcp(t, tt.bound)}, Endpoint{})
			got := p.reachable(netip.MustParseAddrPort("[fe80::1%eth0]:9092"), netip.MustParseAddr(tt.remote), addrs)
			if got.String() != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
	at := netip.MustParseAddrPort("[fe80::1%none0]:9092")
	for _, remote := range []netip.Addr{at.Addr(), {}} {
		if got := (Policy{}).withoutZone(at, remote); got != at.Addr() {
			t.Errorf("got %s, want %s", got, at.Addr())
		}
	}
}

type text string

func (text) Network() string  { return "ip" }
func (a text) String() string { return string(a) }

func TestParse(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"kafka.example.com:9092": "kafka.example.com:9092", "localhost:1": "localhost:1", "my_kafka:65535": "my_kafka:65535",
		"10.0.0.1:9092": "10.0.0.1:9092", "[::1]:9092": "[::1]:9092", "[fe80::1%eth0]:9092": "[fe80::1%eth0]:9092",
		"[::ffff:10.0.0.1]:9092": "10.0.0.1:9092", "host:0": "host:0", "kafka.example.com.:9092": "kafka.example.com.:9092",
	} {
		if got, err := Parse(in); err != nil || got.String() != want {
			t.Errorf("%q: got %s, %v; want %s", in, got, err, want)
		}
	}
	for _, in := range []string{
		"", "  ", "host", "host:", ":9092", "host:x", "host:-1", "host:65536", "host:9092:9093", "::1:9092", "::1", "[::1]",
		"[::1:9092", "ho st:9092",
		" host:9092", "host:9092 ", "host :9092", "PLAINTEXT://host:9092", "0.0.0.0:9092", "[::]:9092", "a..b:9092", "-a:9092", "a-:9092",
		"1.2.3:9092", "1.2.3.400:9092", "host/x:9092", "host:9092,other:9092", "höst:9092", "user@host:9092", "[]:9092",
	} {
		_, err := Parse(in)
		if refused, ok := err.(*Error); !ok || refused.Hint() == "" || refused.Text != in {
			t.Errorf("%q: got %v, want an error with a hint", in, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"a:1", "[::1]:9092", "a://b:1", "[fe80::1%x]:2", "1.2.3.4:5", "é:1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		e, err := Parse(in)
		if err != nil {
			return
		}
		again, err := Parse(e.String())
		if err != nil || again != e {
			t.Errorf("%q is %s, which is %s, %v", in, e, again, err)
		}
		if e.Host == "" || slices.Contains([]string{"0.0.0.0", "::"}, e.Host) {
			t.Errorf("%q: accepted", in)
		}
	})
}
