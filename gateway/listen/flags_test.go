package listen_test

import (
	"bytes"
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
	f := listen.Flags{HTTP: "0", HTTPS: "0", Kafka: "0", Dashboard: "0", OTLPGRPC: "off", Log: slog.New(slog.NewTextHandler(&out, nil))}
	l, err := f.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if listen.Port(l.OTLPHTTP) == 4318 || !strings.Contains(out.String(), "flag=--otlp-http wanted=localhost:4318 address="+l.OTLPHTTP.Addr().String()) {
		t.Errorf("got %s, and said %q", l.OTLPHTTP.Addr(), out.String())
	}
}
