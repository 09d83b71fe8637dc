package listen_test

import (
	"bytes"
	"errors"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"testing"

	"axion/gateway/listen"
)

// auto are flags that leave no port to chance, so that tests run side by side.
func auto() listen.Flags { return listen.Flags{Ports: "auto"} }

func TestFlags(t *testing.T) {
	t.Parallel()
	t.Run("OK/auto", func(t *testing.T) {
		t.Parallel()
		f := auto()
		l, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		if l.OTLPHTTP == nil || l.OTLPGRPC == nil || listen.URL(l.OTLPHTTP) == "" {
			t.Errorf("OTLP is not received: %+v", l)
		}
	})
	t.Run("OK/off", func(t *testing.T) {
		t.Parallel()
		f := auto()
		f.OTLPHTTP, f.OTLPGRPC = "off", "off"
		l, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		if l.OTLPHTTP != nil || l.OTLPGRPC != nil || listen.URL(l.OTLPHTTP) != "" {
			t.Errorf("OTLP is received: %+v", l)
		}
	})
	t.Run("ErrBusy", func(t *testing.T) {
		t.Parallel()
		taken, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer taken.Close()
		f := auto()
		f.OTLPGRPC = strconv.Itoa(port(taken))
		l, err := f.Open()
		if err == nil {
			l.Close()
		}
		if err == nil || !strings.HasPrefix(err.Error(), "--otlp-grpc: ") {
			t.Errorf("got %v, want an error that names the flag", err)
		}
	})
}

// TestFlagsMove takes OTLP's own port, or finds it taken: the stack moves to a free
// one, and says so.
func TestFlagsMove(t *testing.T) {
	if taken, err := net.Listen("tcp", "127.0.0.1:4318"); err == nil {
		defer taken.Close()
	}
	var out bytes.Buffer
	f := listen.Flags{HTTP: "0", HTTPS: "0", Kafka: []string{"0"}, Dashboard: "0", OTLPGRPC: "off",
		Log: slog.New(slog.NewTextHandler(&out, nil))}
	l, err := f.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if listen.Port(l.OTLPHTTP) == 4318 ||
		!strings.Contains(out.String(), "flag=--otlp-http wanted=localhost:4318 address="+l.OTLPHTTP.Addr().String()) {
		t.Errorf("got %s, and said %q", l.OTLPHTTP.Addr(), out.String())
	}
}

// TestFlagsKafka opens the broker at several addresses, twice: the first ones are
// freed when they are closed.
func TestFlagsKafka(t *testing.T) {
	t.Parallel()
	f := auto()
	f.Kafka = []string{"0", "0.0.0.0:0", "127.0.0.2:0", "[::]:0"}
	for round := range 2 {
		l, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		all := append([]net.Listener{l.Kafka}, l.MoreKafka...)
		if len(all) != len(f.Kafka) || len(l.KafkaAddrs) != len(f.Kafka) {
			t.Fatalf("got %d listeners at %v", len(all), l.KafkaAddrs)
		}
		for i, host := range []string{"localhost", "0.0.0.0", "127.0.0.2", "::"} {
			if want := net.JoinHostPort(host, strconv.Itoa(port(all[i]))); l.KafkaAddrs[i] != want {
				t.Errorf("got %s, want %s", l.KafkaAddrs[i], want)
			}
			conn, err := net.Dial("tcp", all[i].Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			_ = conn.Close()
		}
		if own := l.Own(); own["Kafka broker"].String() != l.Kafka.Addr().String() ||
			own["Kafka broker at "+l.KafkaAddrs[2]].String() != l.MoreKafka[1].Addr().String() {
			t.Errorf("own: got %v", own)
		}
		if l.LocalKafka() {
			t.Error("it listens to this machine alone, it says")
		}
		l.Close()
		if round == 0 {
			f.Kafka = l.KafkaAddrs // they are free
		}
	}
	for addr, local := range map[string]bool{"localhost:0": true, "127.0.0.2:0": true, "[::1]:0": true, "0.0.0.0:0": false, "[::]:0": false} {
		f.Kafka = []string{"localhost:0", addr}
		l, err := f.Open()
		if addr == "[::1]:0" && err != nil {
			continue // no IPv6
		}
		if err != nil {
			t.Fatal(err)
		}
		if l.LocalKafka() != local {
			t.Errorf("%s: got %v, want %v", addr, l.LocalKafka(), local)
		}
		l.Close()
	}
}

// TestFlagsErr: addresses that cannot be had are refused with a hint, and what was
// open already is closed.
func TestFlagsErr(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	busy, free := taken.Addr().String(), strconv.Itoa(listen.NearestFreePort(20_000))
	all, four := "0.0.0.0:"+free, "127.0.0.1:"+free
	kafka := func(addrs ...string) listen.Flags { return listen.Flags{Kafka: addrs} }
	for _, tt := range []struct {
		name  string
		flags listen.Flags
		want  []string // in the error; the last one in the hint
	}{
		{"Busy", kafka("localhost:0", busy), []string{"--kafka: " + busy + " is in use", "another one"}},
		{"Twice", kafka(free, free), []string{"--kafka: " + free + " is given twice", "leave one of them out"}},
		{"Spelled", kafka(free, "localhost:"+free), []string{"--kafka: localhost:" + free + " overlaps --kafka " + free, "leave one"}},
		{"Loopback", kafka(free, four), []string{" overlaps --kafka " + free, "leave one"}},
		{"Covered", kafka(all, four), []string{" overlaps --kafka " + all, "leave " + four + " out"}},
		{"Covering", kafka(four, all), []string{" overlaps --kafka " + four, "leave " + four + " out"}},
		{"Families", kafka(all, "[::]:"+free), []string{"--kafka: [::]:" + free + " overlaps", "leave [::]:" + free + " out"}},
		{"Mapped", kafka(four, "[::ffff:127.0.0.1]:"+free), []string{" overlaps ", "leave one"}},
		{"OtherFlag", listen.Flags{HTTP: free, Kafka: []string{all}},
			[]string{"--kafka: " + all + " overlaps --http " + free, "different ports"}},
		{"OtherFlags", listen.Flags{HTTP: free, Dashboard: "localhost:" + free},
			[]string{"--dashboard: localhost:" + free + " overlaps --http", "different ports"}},
		{"Empty", kafka(""), []string{`--kafka "": no address`, "variable"}},
		{"EmptyBeside", kafka("0", " "), []string{`--kafka " ": no address`, "variable"}},
		{"NoKafka", listen.Flags{Kafka: []string{"0"}, NoKafka: true}, []string{"--kafka 0: ", "--brokers", "leave one"}},
		{"Absent", kafka("192.0.2.254:0"), []string{"--kafka: 192.0.2.254:0 is no address of this machine", "0.0.0.0"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.flags.Ports = "auto"
			l, err := tt.flags.Open()
			if err == nil {
				l.Close()
				t.Fatal("got no error")
			}
			last := len(tt.want) - 1
			for _, want := range tt.want[:last] {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("got %q, want %q in it", err, want)
				}
			}
			var hinter interface{ Hint() string }
			if !errors.As(err, &hinter) || !strings.Contains(hinter.Hint(), tt.want[last]) {
				t.Errorf("%v: got hint %v, want %q in it", err, hinter, tt.want[last])
			}
			if again, err := net.Listen("tcp", "127.0.0.1:"+free); err != nil {
				t.Errorf("a listener was left open: %v", err)
			} else {
				_ = again.Close()
			}
		})
	}
}
