package gateway_test

import (
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"axion/gateway/config"
)

// bothFree is one that was free a moment ago, for TCP and UDP.
func bothFree(t *testing.T) string {
	t.Helper()
	for {
		l := port0(t)
		_, number, _ := net.SplitHostPort(l.Addr().String())
		u, err := net.ListenPacket("udp", "127.0.0.1:"+number)
		_ = l.Close()
		if err == nil {
			_ = u.Close()
			return number
		}
	}
}

// at is an entrypoint at this address, with these settings.
func at(name, address string, settings ...string) string {
	args := []string{"--entrypoints." + name + ".address=" + address}
	for _, s := range settings {
		args = append(args, "--entrypoints."+name+s)
	}
	return strings.TrimPrefix(traefik(args...), traefik())
}

// sayTCP asks at a port for TCP, over a connection of its own; "" where nobody answers.
func sayTCP(t *testing.T, port string) string {
	t.Helper()
	c, err := net.DialTimeout("tcp", "127.0.0.1:"+port, time.Second)
	if err != nil {
		return ""
	}
	_ = c.SetDeadline(deadline())
	defer c.Close()
	_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: a.localhost\r\nConnection: close\r\n\r\n")
	answer, _ := io.ReadAll(c)
	_, body, _ := strings.Cut(string(answer), "\r\n\r\n")
	return body
}

// sayUDP asks at a port for UDP.
func sayUDP(t *testing.T, port string) string {
	t.Helper()
	c, err := net.Dial("udp", "127.0.0.1:"+port)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(500 * time.Millisecond))
	_, _ = io.WriteString(c, "hello")
	b := make([]byte, 64)
	n, _ := c.Read(b)
	return string(b[:n])
}

// udpEcho is a server that answers datagrams with this text.
func udpEcho(t *testing.T, text string) string {
	t.Helper()
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		b := make([]byte, 64)
		for {
			_, from, err := c.ReadFrom(b)
			if err != nil {
				return
			}
			_, _ = c.WriteTo([]byte(text), from)
		}
	}()
	t.Cleanup(func() { _ = c.Close(); <-done })
	return c.LocalAddr().String()
}

// moving are routes to the entrypoints a, b and u, which answer with their names.
func moving(t *testing.T) []string {
	labels := slices.Concat(
		route("a", "Host(`a.localhost`)", upstream(t, "a"), "entrypoints=a"),
		route("b", "Host(`a.localhost`)", upstream(t, "b"), "entrypoints=b"))
	for _, name := range []string{"a", "b"} {
		host, port, _ := net.SplitHostPort(udpEcho(t, "udp "+name))
		_ = host
		labels = append(labels, "udp.routers."+name+".entrypoints="+name, "udp.routers."+name+".service="+name,
			"udp.services."+name+".loadbalancer.server.port="+port)
	}
	return labels
}

// TestMoves changes where entrypoints are while they are open.
func TestMoves(t *testing.T) {
	t.Parallel()
	type answers map[string]string // of a port; "" for none
	for _, tt := range []struct {
		name          string
		before, after func(x, y string) []string
		tcp, udp      func(x, y string) answers // after
	}{
		{"OK/port", func(x, _ string) []string { return []string{at("a", ":"+x)} }, func(_, y string) []string {
			return []string{at("a",
				":"+y)}
		},
			func(x, y string) answers { return answers{x: "", y: "a"} }, nil},
		{"OK/UDP port", func(x, _ string) []string { return []string{at("a", ":"+x+"/udp")} }, func(_,
			y string) []string {
			return []string{at("a", ":"+y+"/udp")}
		},
			nil, func(x, y string) answers { return answers{x: "", y: "udp a"} }},
		{"OK/name", func(x, _ string) []string { return []string{at("a", ":"+x)} }, func(x, _ string) []string {
			return []string{at("b",
				":"+x)}
		},
			func(x, _ string) answers { return answers{x: "b"} }, nil},
		{"OK/UDP name", func(x, _ string) []string { return []string{at("a", ":"+x+"/udp")} }, func(x,
			_ string) []string {
			return []string{at("b", ":"+x+"/udp")}
		},
			nil, func(x, _ string) answers { return answers{x: "udp b"} }},
		{"OK/TCP to UDP", func(x, _ string) []string { return []string{at("a", ":"+x)} }, func(x, _ string) []string {
			return []string{at("a",
				":"+x+"/udp")}
		},
			func(x, _ string) answers { return answers{x: ""} }, func(x, _ string) answers { return answers{x: "udp a"} }},
		{"OK/TCP with HTTP3 to UDP", func(x, _ string) []string { return []string{at("a", ":"+x, ".http3=true")} }, func(x,
			_ string) []string {
			return []string{at("a", ":"+x+"/udp")}
		},
			func(x, _ string) answers { return answers{x: ""} }, func(x, _ string) answers { return answers{x: "udp a"} }},
		{"OK/UDP to TCP with HTTP3", func(x, _ string) []string { return []string{at("a", ":"+x+"/udp")} }, func(x,
			_ string) []string {
			return []string{at("a", ":"+x, ".http3=true")}
		},
			func(x, _ string) answers { return answers{x: "a"} }, func(x, _ string) answers { return answers{x: ""} }},
		{"OK/swap", func(x, y string) []string { return []string{at("a", ":"+x), at("b", ":"+y)} }, func(x,
			y string) []string {
			return []string{at("a", ":"+y), at("b", ":"+x)}
		},
			func(x, y string) answers { return answers{x: "b", y: "a"} }, nil},
		{"OK/UDP swap", func(x, y string) []string { return []string{at("a", ":"+x+"/udp"), at("b", ":"+y+"/udp")} },
			func(x, y string) []string { return []string{at("a", ":"+y+"/udp"), at("b", ":"+x+"/udp")} },
			nil, func(x, y string) answers { return answers{x: "udp b", y: "udp a"} }},
		{"OK/swap of protocols", func(x, y string) []string { return []string{at("a", ":"+x), at("b", ":"+y+"/udp")} },
			func(x, y string) []string { return []string{at("a", ":"+x+"/udp"), at("b", ":"+y)} },
			func(x, y string) answers { return answers{x: "", y: "b"} }, func(x, y string) answers { return answers{x: "udp a", y: ""} }},
		{"OK/host only", func(x, _ string) []string { return []string{at("a", ":"+x)} }, func(x, _ string) []string {
			return []string{at("a",
				"0.0.0.0:"+x), at("b", ":1/udp")}
		},
			func(x, _ string) answers { return answers{x: "a"} }, nil},
		{"OK/one goes, its port is another's", func(x, y string) []string { return []string{at("a", ":"+x), at("b", ":"+y)} }, func(x,
			_ string) []string {
			return []string{at("b", ":"+x)}
		},
			func(x, y string) answers { return answers{x: "b", y: ""} }, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			x, y := bothFree(t), bothFree(t)
			routes := moving(t)
			s := start(t, withEntries(routes, tt.before(x, y)...))
			for range 2 { // there and back, and there again
				s.save(withEntries(routes, tt.after(x, y)...))
				if tt.tcp != nil {
					for port, text := range tt.tcp(x, y) {
						eventually(t, "TCP at "+port+" answers "+text, func() bool { return sayTCP(t, port) == text })
					}
				}
				if tt.udp != nil {
					for port, text := range tt.udp(x, y) {
						eventually(t, "UDP at "+port+" answers "+text, func() bool { return sayUDP(t, port) == text })
					}
				}
				s.save(withEntries(routes, tt.before(x, y)...))
				eventually(t, "back", func() bool {
					for _, e := range s.EntryPoints().List(s.Table()) {
						if e.Name == "a" && strings.HasSuffix(strings.TrimSuffix(e.Address, "/udp"), ":"+x) {
							return true
						}
					}
					return false
				})
			}
		})
	}
}

// TestMoveBack moves an entrypoint to where it was while sessions of before go on there.
func TestMoveBack(t *testing.T) {
	t.Parallel()
	x, y := bothFree(t), bothFree(t)
	routes := moving(t)
	s := start(t, withEntries(routes, at("a", ":"+x+"/udp", ".udp.timeout=1h")))
	want(t, "at first", sayUDP(t, x), "udp a") // a session that goes on for an hour
	here, there := x, y
	for range 3 {
		s.save(withEntries(routes, at("a", ":"+there+"/udp", ".udp.timeout=1h")))
		eventually(t, "moved", func() bool {
			for _, p := range s.Problems() {
				if strings.Contains(p.Message, "stays at") {
					t.Fatal(p.Message)
				}
			}
			return sayUDP(t, there) == "udp a"
		})
		here, there = there, here
	}
	want(t, "at the old port", sayUDP(t, there), "")
}

// TestMoveBusy has an entrypoint stay where it is while its new port is taken, and go
// there once that is free.
func TestMoveBusy(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		protocol string
		take     func(port string) (io.Closer, error)
		say      func(*testing.T, string) string
		text     string
	}{
		"TCP": {"", func(port string) (io.Closer, error) { return net.Listen("tcp", "127.0.0.1:"+port) }, sayTCP, "a"},
		"UDP": {"/udp", func(port string) (io.Closer, error) { return net.ListenPacket("udp", "127.0.0.1:"+port) }, sayUDP, "udp a"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x, y := bothFree(t), bothFree(t)
			taken, err := tt.take(y)
			if err != nil {
				t.Fatal(err)
			}
			defer taken.Close()
			routes := moving(t)
			s := start(t, withEntries(routes, at("a", ":"+x+tt.protocol)))
			s.save(withEntries(routes, at("a", ":"+y+tt.protocol)))
			told := func() bool {
				return slices.ContainsFunc(s.Problems(), func(p config.Problem) bool {
					return p.Severity == config.Error && strings.Contains(p.Message, `entrypoint "a" stays at`)
				})
			}
			eventually(t, "it is told", told)
			want(t, "at the old port", tt.say(t, x), tt.text)
			_ = taken.Close()
			eventually(t, "at the new port", func() bool { return tt.say(t, y) == tt.text })
			eventually(t, "not at the old port", func() bool { return tt.say(t, x) == "" })
			eventually(t, "nothing is wrong any more", func() bool { return !told() })
		})
	}
}

// TestOpensLater opens an entrypoint whose port was taken when the gateway began.
func TestOpensLater(t *testing.T) {
	t.Parallel()
	x := bothFree(t)
	taken, err := net.Listen("tcp", "127.0.0.1:"+x)
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	s := start(t, withEntries(moving(t), at("a", ":"+x), at("b", "127.0.0.1:"+x)))
	messages := func() (all string) {
		for _, p := range s.Problems() {
			all += p.Message + "\n"
		}
		return all
	}
	if got := messages(); !strings.Contains(got, `"a" cannot be opened`) || !strings.Contains(got,
		`entrypoint "b" has the address of the entrypoint "a"`) {
		t.Errorf("problems: got %s", got)
	}
	_ = taken.Close()
	eventually(t, "it is open", func() bool { return sayTCP(t, x) == "a" })
	eventually(t, "that is not told any more", func() bool { return !strings.Contains(messages(), `"a" cannot be opened`) })
}

// TestMoveUnderWay lets requests under way end where their entrypoint changes.
func TestMoveUnderWay(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(x, y string) []string{
		"port":   func(_, y string) []string { return []string{at("a", ":"+y)} },
		"name":   func(x, _ string) []string { return []string{at("b", ":"+x)} },
		"limits": func(x, _ string) []string { return []string{at("a", ":"+x, ".http.maxheaderbytes=8192")} },
		"gone":   func(_, _ string) []string { return []string{at("b", ":1/udp")} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x, y := bothFree(t), bothFree(t)
			asked, more := make(chan struct{}), make(chan struct{})
			slow := serve(t, func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.WriteString(w, "begun\n")
				_ = http.NewResponseController(w).Flush()
				close(asked)
				select {
				case <-more:
					_, _ = io.WriteString(w, "ended\n")
				case <-r.Context().Done():
				}
			})
			routes := append(moving(t), route("slow", "Path(`/slow`)", slow, "entrypoints=a")...)
			s := start(t, withEntries(routes, at("a", ":"+x)))
			res, err := http.Get("http://127.0.0.1:" + x + "/slow")
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			await(t, asked, "the request")
			kept := dialWire(t, "127.0.0.1:"+x)
			_, body, _ := kept.ask("/")
			want(t, "before", body, "a")
			s.save(withEntries(routes, change(x, y)...))
			switch name {
			case "port":
				eventually(t, "it is at the new port", func() bool { return sayTCP(t, y) == "a" })
			case "name":
				eventually(t, "it has the new name", func() bool { return sayTCP(t, x) == "b" })
				_, body, _ := kept.ask("/")
				want(t, "on a connection from before", body, "b")
			case "gone":
				eventually(t, "it is gone", func() bool { return sayTCP(t, x) == "" })
			case "limits":
				eventually(t, "it has the new limit", func() bool {
					status, _, _ := dialWire(t, "127.0.0.1:"+x).ask("/", "X-Long: "+strings.Repeat("x", 20<<10))
					return status == http.StatusRequestHeaderFieldsTooLarge
				})
			}
			close(more)
			whole, err := io.ReadAll(res.Body)
			if err != nil || string(whole) != "begun\nended\n" {
				t.Errorf("got %q, %v", whole, err)
			}
		})
	}
}
