package broker_test

import (
	"errors"
	"log/slog"
	"net"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"axion/broker"
)

// parse reads a command line.
func parse(t *testing.T, args ...string) *broker.Flags {
	t.Helper()
	f := &broker.Flags{}
	set := pflag.NewFlagSet("", pflag.ContinueOnError)
	f.RegisterAll(set)
	if err := set.Parse(args); err != nil {
		t.Fatal(err)
	}
	return f
}

// hinted fails unless err begins with want and says how to fix it.
func hinted(t *testing.T, err error, want string) {
	t.Helper()
	var hinter interface{ Hint() string }
	if err == nil || !strings.HasPrefix(err.Error(), want) || !errors.As(err, &hinter) || hinter.Hint() == "" {
		t.Errorf("got %v, want an error that begins with %s, and a hint", err, want)
	}
}

func TestBrokersFlag(t *testing.T) {
	t.Parallel()
	for _, list := range []string{"", ",", " ", " , ", "kafka:9092,", ",kafka:9092", ":9092", "kafka:", "kafka:x", "kafka:0", "kafka:65536",
		"a:b:c",
		"::1", "[::1]", "PLAINTEXT://kafka:9092", "kafka:9092 other:9092", "ka fka", "kafka:9092/x", "user@kafka:9092", "\t", "$BROKERS:"} {
		f := parse(t, "--brokers", list)
		if !f.External() || f.NotOurs() == "" {
			t.Errorf("%q: taken for the embedded broker", list)
		}
		hinted(t, f.Check(), "--brokers ")
		_, err := f.Open(t.Context(), broker.Options{Log: slog.New(slog.DiscardHandler)})
		hinted(t, err, "--brokers ")
	}
	hinted(t, parse(t, "--brokers", os.Getenv("AXION_NO_SUCH_VARIABLE")).Check(), `--brokers ""`)
	hinted(t, parse(t, "--brokers", "a:1", "--brokers", "").Check(), `--brokers "a:1,"`) // each of several counts
	for _, list := range []string{"kafka:9092", "kafka", "a:1,b:2", " a:1 , b:2 ", "[::1]:9092", "10.0.0.1:9092", "a:1,a:1"} {
		if f := parse(t, "--brokers", list); !f.External() || f.Check() != nil {
			t.Errorf("%q: got %v", list, f.Check())
		}
	}
	if f := parse(t); f.External() || f.NotOurs() != "" || f.Check() != nil {
		t.Errorf("without the flag: got %v", f.Check())
	}
}

func TestAdvertiseFlag(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", " ", "kafka", "kafka:0", "kafka:x", ":9092", "0.0.0.0:9092", "[::]:9092", "PLAINTEXT://kafka:9092"} {
		hinted(t, parse(t, "--advertise", text).Check(), "--advertise ")
	}
	for _, text := range []string{"", "kafka:9092"} {
		hinted(t, parse(t, "--brokers", "a:1", "--advertise", text).Check(), "--advertise ")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := parse(t, "--advertise", "nat.example.com:443")
	c, err := f.Open(t.Context(), broker.Options{Listener: l, Dir: t.TempDir(), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if want := "nat.example.com:443"; c.Addr() != want || !slices.Equal(c.Seeds(), []string{want}) {
		t.Errorf("got %s and %v, want %s", c.Addr(), c.Seeds(), want)
	}
	if err := c.Healthy(t.Context()); err != nil {
		t.Errorf("the broker's own client: %v", err)
	}
}
