package listen

import (
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"strings"

	"github.com/spf13/pflag"
)

// Flags are the stack's listen addresses as the command line gives them. An
// empty one means the default.
type Flags struct {
	HTTP, HTTPS, Kafka, Dashboard string
	// Ports is "" or "auto": free ports for all that no flag names.
	Ports string
	// OTLPHTTP and OTLPGRPC may be "off", and move to free ports where their default
	// ones are taken.
	OTLPHTTP, OTLPGRPC string
	// NoKafka leaves Kafka closed: there is no broker here.
	NoKafka bool
	// Log tells what moved. Nil discards.
	Log *slog.Logger
}

// off is the address of what is not to listen.
const off = "off"

// Register adds the flags to set.
func (f *Flags) Register(set *pflag.FlagSet) {
	set.StringVar(&f.HTTP, "http", "", "listen `ADDR` of entrypoint web (default localhost:80, else localhost:8080)")
	set.StringVar(&f.HTTPS, "https", "", "listen `ADDR` of entrypoint websecure (default localhost:443, else localhost:8443)")
	set.StringVar(&f.Kafka, "kafka", "", "listen `ADDR` of the broker (default localhost:9092)")
	set.StringVar(&f.Dashboard, "dashboard", "", "listen `ADDR` of the dashboard (default localhost:8900)")
	set.StringVar(&f.OTLPHTTP, "otlp-http", "", "receive OpenTelemetry over HTTP at `ADDR`, or off (default localhost:4318, else a free port)")
	set.StringVar(&f.OTLPGRPC, "otlp-grpc", "", "receive OpenTelemetry over gRPC at `ADDR`, or off (default localhost:4317, else a free port)")
	set.StringVar(&f.Ports, "ports", "", "`auto` picks free ports for all that no flag names")
}

// Auto reports whether free ports are wanted.
func (f *Flags) Auto() bool { return f.Ports == "auto" }

// Listeners are the stack's, open; Kafka is nil where [Flags.NoKafka] says so, and
// those of OTLP where they are off.
type Listeners struct{ HTTP, HTTPS, Kafka, Dashboard, OTLPHTTP, OTLPGRPC net.Listener }

// Open opens all of them or none. The error names the flag.
func (f *Flags) Open() (*Listeners, error) {
	if f.Ports != "" && !f.Auto() {
		return nil, fmt.Errorf("--ports %q: can only be auto", f.Ports)
	}
	if f.NoKafka && f.Kafka != "" {
		return nil, fmt.Errorf("--kafka %s: there is no embedded broker to listen there beside --brokers", f.Kafka)
	}
	l := &Listeners{}
	for _, o := range []struct {
		to         *net.Listener
		flag, addr string
		defaults   []string
	}{
		{&l.HTTP, "http", f.HTTP, []string{"localhost:80", "localhost:8080"}},
		{&l.HTTPS, "https", f.HTTPS, []string{"localhost:443", "localhost:8443"}},
		{&l.Kafka, "kafka", f.Kafka, []string{"localhost:9092"}},
		{&l.Dashboard, "dashboard", f.Dashboard, []string{"localhost:8900"}},
		{&l.OTLPHTTP, "otlp-http", f.OTLPHTTP, []string{"localhost:4318", anyPort}},
		{&l.OTLPGRPC, "otlp-grpc", f.OTLPGRPC, []string{"localhost:4317", anyPort}},
	} {
		switch {
		case o.flag == "kafka" && f.NoKafka, o.addr == off && strings.HasPrefix(o.flag, "otlp"):
			continue
		case o.addr != "":
			o.defaults = []string{o.addr}
		case f.Auto():
			o.defaults = []string{anyPort}
		}
		var err error
		if *o.to, err = first(o.defaults); err != nil {
			l.Close()
			return nil, fmt.Errorf("--%s: %w", o.flag, err)
		}
		f.tell(o.flag, o.defaults, *o.to)
	}
	return l, nil
}

// anyPort is a free one.
const anyPort = "localhost:0"

// tell says that a listener moved to a port that nobody knows beforehand.
func (f *Flags) tell(flag string, defaults []string, l net.Listener) {
	if moved := len(defaults) > 1 && defaults[1] == anyPort && !strings.HasSuffix(defaults[0], ":"+strconv.Itoa(Port(l))); moved && f.Log != nil {
		f.Log.Warn("port taken, moved to another", "flag", "--"+flag, "wanted", defaults[0], "address", l.Addr().String())
	}
}

// first opens the first address that can be opened.
func first(addrs []string) (l net.Listener, err error) {
	for _, addr := range addrs {
		if l, err = Listen(addr); err == nil {
			return l, nil
		}
	}
	return nil, err
}

// Close closes those that are open; one that its user has closed is no error.
func (l *Listeners) Close() {
	for _, l := range []net.Listener{l.HTTP, l.HTTPS, l.Kafka, l.Dashboard, l.OTLPHTTP, l.OTLPGRPC} {
		if l != nil {
			_ = l.Close()
		}
	}
}

// Own is where the stack listens beside the entrypoints, by what is there.
func (l *Listeners) Own() map[string]net.Addr {
	own := map[string]net.Addr{}
	for name, l := range map[string]net.Listener{"dashboard": l.Dashboard, "Kafka broker": l.Kafka, "OTLP receiver": l.OTLPHTTP,
		"OTLP receiver (gRPC)": l.OTLPGRPC} {
		if l != nil {
			own[name] = l.Addr()
		}
	}
	return own
}

// LocalKafka reports whether Kafka listens, and to this machine alone.
func (l *Listeners) LocalKafka() bool {
	return l.Kafka != nil && l.Kafka.Addr().(*net.TCPAddr).IP.IsLoopback()
}

// URL is the address of what l serves over HTTP; empty where l is nil.
func URL(l net.Listener) string {
	if l == nil {
		return ""
	}
	return "http://" + l.Addr().String()
}

// Port is the port of a TCP listener.
func Port(l net.Listener) int { return l.Addr().(*net.TCPAddr).Port }
