package listen

import (
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"axion/gateway/listen/peer"
)

// Flags are the stack's listen addresses as the command line gives them. An
// empty one means the default.
type Flags struct {
	HTTP, HTTPS, Dashboard string
	// Kafka are the broker's: one or more.
	Kafka []string
	// Ports is "" or "auto": free ports for all that no flag names.
	Ports string
	// OTLPHTTP and OTLPGRPC may be "off", and move to free ports where their default
	// ones are taken.
	OTLPHTTP, OTLPGRPC string
	// NoKafka leaves Kafka closed: there is no broker here.
	NoKafka bool
	// AllowUsers may connect to what is not an entrypoint, beside axion's own user and root.
	AllowUsers peer.Users
	// Log says what moved, and who is refused. Nil discards.
	Log *slog.Logger

	guard *peer.Guard
}

// disabled is the address of what is not to listen.
const disabled = "off"

// Register adds the flags to set.
func (f *Flags) Register(set *pflag.FlagSet) {
	set.StringVar(&f.HTTP, "http", "", "listen `ADDR` of entrypoint web (default localhost:80, else localhost:8080)")
	set.StringVar(&f.HTTPS, "https", "", "listen `ADDR` of entrypoint websecure (default localhost:443, else localhost:8443)")
	set.StringArrayVar(&f.Kafka, "kafka", nil, "listen `ADDR` of the broker; may be repeated (default localhost:9092). 0.0.0.0:9092 opens it "+
		"to containers and other machines too, without a password: each client is sent the address that it came in on")
	set.StringVar(&f.Dashboard, "dashboard", "", "listen `ADDR` of the dashboard (default localhost:8900)")
	set.StringVar(&f.OTLPHTTP, "otlp-http", "", "receive OpenTelemetry over HTTP at `ADDR`, or off (default localhost:4318, else a free port)")
	set.StringVar(&f.OTLPGRPC, "otlp-grpc", "", "receive OpenTelemetry over gRPC at `ADDR`, or off (default localhost:4317, else a free port)")
	set.StringVar(&f.Ports, "ports", "", "`auto` picks free ports for all that no flag names")
	f.RegisterUsers(set)
}

// RegisterUsers adds the flag --allow-user alone.
func (f *Flags) RegisterUsers(set *pflag.FlagSet) {
	set.Var(&f.AllowUsers, "allow-user", "answer connections of this user of the machine too, such as a proxy's; may be repeated. "+
		"Else, on Linux, all but the gateway's entrypoints answer axion's own user and root only")
}

// Guard keeps other users of this machine out of what is not an entrypoint. It is made
// when it is first asked for; the flags are set by then. It is not safe for concurrent use.
func (f *Flags) Guard() *peer.Guard {
	if f.guard == nil {
		f.guard = peer.New(peer.Options{Users: f.AllowUsers, Log: f.Log})
	}
	return f.guard
}

// KeepOut has the guard look at who connects to a listener that speaks no HTTP.
func (f *Flags) KeepOut(l net.Listener) net.Listener { return f.Guard().Listen(l, peer.Other) }

// ListenHTTP is [Listen] for a server of HTTP that is no entrypoint.
func (f *Flags) ListenHTTP(addr string) (net.Listener, error) {
	l, err := Listen(addr)
	if err != nil {
		return nil, err
	}
	return f.Guard().Listen(l, peer.HTTP), nil
}

// Auto reports whether free ports are wanted.
func (f *Flags) Auto() bool { return f.Ports == "auto" }

// Listeners are the stack's, open; Kafka is nil where [Flags.NoKafka] says so, and
// those of OTLP where they are off.
type Listeners struct {
	HTTP, HTTPS, Kafka, Dashboard, OTLPHTTP, OTLPGRPC net.Listener
	// MoreKafka are the broker's further ones.
	MoreKafka []net.Listener
	// KafkaAddrs are where the broker listens, "host:port": the hosts as they were
	// asked for, the ports as they were picked.
	KafkaAddrs []string

	opened []opened
	parts  map[string]*merged // what the flags opened, by flag, as it was before anything looked at its connections
}

// wanted is what one flag asks for.
type wanted struct {
	to       *net.Listener
	flag     string
	addr     string   // "" means the defaults
	defaults []string // the first that can be had
}

// wants lists what is to be opened, in order.
func (f *Flags) wants(l *Listeners) []wanted {
	list := []wanted{
		{&l.HTTP, "http", f.HTTP, []string{"localhost:80", "localhost:8080"}},
		{&l.HTTPS, "https", f.HTTPS, []string{"localhost:443", "localhost:8443"}},
	}
	switch {
	case f.NoKafka:
	case len(f.Kafka) == 0:
		list = append(list, wanted{&l.Kafka, "kafka", "", []string{"localhost:9092"}})
	default:
		l.MoreKafka = make([]net.Listener, len(f.Kafka)-1)
		to := &l.Kafka
		for i, addr := range f.Kafka {
			if i > 0 {
				to = &l.MoreKafka[i-1]
			}
			list = append(list, wanted{to, "kafka", addr, nil})
		}
	}
	list = append(list, wanted{&l.Dashboard, "dashboard", f.Dashboard, []string{"localhost:8900"}})
	if f.OTLPHTTP != disabled {
		list = append(list, wanted{&l.OTLPHTTP, "otlp-http", f.OTLPHTTP, []string{"localhost:4318", portZero}})
	}
	if f.OTLPGRPC != disabled {
		list = append(list, wanted{&l.OTLPGRPC, "otlp-grpc", f.OTLPGRPC, []string{"localhost:4317", portZero}})
	}
	return list
}

// check refuses flags that mean nothing.
func (f *Flags) check() error {
	if f.Ports != "" && !f.Auto() {
		return fmt.Errorf("--ports %q: can only be auto", f.Ports)
	}
	for _, addr := range f.Kafka {
		switch {
		case f.NoKafka:
			return &flagError{fmt.Sprintf("--kafka %s: there is no embedded broker to listen there beside --brokers", addr),
				"leave one of the two out"}
		case strings.TrimSpace(addr) == "":
			return &flagError{fmt.Sprintf("--kafka %q: no address", addr),
				"give one such as localhost:9092, or leave the flag out for that one; is it a variable that is not set?"}
		}
	}
	return nil
}

// Open opens all of them or none. The error names the flag.
func (f *Flags) Open() (*Listeners, error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	l := &Listeners{parts: map[string]*merged{}}
	for _, w := range f.wants(l) {
		switch {
		case w.addr != "":
			w.defaults = []string{w.addr}
		case f.Auto():
			w.defaults = []string{portZero}
		}
		if err := l.open(w); err != nil {
			l.Close()
			return nil, fmt.Errorf("--%s: %w", w.flag, err)
		}
		f.warn(w.flag, w.defaults, *w.to)
	}
	f.keepOut(l)
	return l, nil
}

// keepOut has the guard look at who connects to what is not an entrypoint.
func (f *Flags) keepOut(l *Listeners) {
	guard := func(to *net.Listener, p peer.Protocol) {
		if *to != nil {
			*to = f.Guard().Listen(*to, p)
		}
	}
	guard(&l.Kafka, peer.Other)
	for i := range l.MoreKafka {
		guard(&l.MoreKafka[i], peer.Other)
	}
	guard(&l.Dashboard, peer.HTTP)
	guard(&l.OTLPHTTP, peer.HTTP)
	guard(&l.OTLPGRPC, peer.Other)
}

// open opens the first address that can be had.
func (l *Listeners) open(w wanted) (err error) {
	for _, addr := range w.defaults {
		if err = l.overlap(w.flag, addr); err != nil {
			continue
		}
		var listener net.Listener
		if listener, err = Listen(addr); err == nil {
			all, ok := listener.(*merged)
			if !ok {
				all = merge(listener)
			}
			l.parts[w.flag] = all
			*w.to = all
			l.note(w.flag, addr, listener)
			return nil
		}
	}
	return err
}

// portZero is a free one.
const portZero = "localhost:0"

// warn says that a listener moved to a port that nobody knows beforehand.
func (f *Flags) warn(flag string, defaults []string, l net.Listener) {
	if moved := len(defaults) > 1 && defaults[1] == portZero && !strings.HasSuffix(defaults[0], ":"+strconv.Itoa(Port(l))); moved &&
		f.Log != nil {
		f.Log.Warn("port taken, moved to another", "flag", "--"+flag, "wanted", defaults[0], "address", l.Addr().String())
	}
}

// Close closes those that are open; one that its user has closed is no error.
func (l *Listeners) Close() {
	for _, l := range append([]net.Listener{l.HTTP, l.HTTPS, l.Kafka, l.Dashboard, l.OTLPHTTP, l.OTLPGRPC}, l.MoreKafka...) {
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
	for i, more := range l.MoreKafka {
		own["Kafka broker at "+l.KafkaAddrs[i+1]] = more.Addr()
	}
	return own
}

// LocalKafka reports whether Kafka listens, and to this machine alone.
func (l *Listeners) LocalKafka() bool {
	beyond := func(l net.Listener) bool { return !l.Addr().(*net.TCPAddr).IP.IsLoopback() }
	return l.Kafka != nil && !beyond(l.Kafka) && !slices.ContainsFunc(l.MoreKafka, beyond)
}

// Address is the "host:port" by which programs of this machine reach l. Where it listens
// on all addresses, which none can be connected to, that is localhost.
func Address(l net.Listener) string {
	if at, ok := l.Addr().(*net.TCPAddr); ok && at.IP.IsUnspecified() {
		return net.JoinHostPort("localhost", strconv.Itoa(at.Port))
	}
	return l.Addr().String()
}

// URL is the address of what l serves over HTTP, for programs of this machine; empty
// where l is nil.
func URL(l net.Listener) string {
	if l == nil {
		return ""
	}
	return "http://" + Address(l)
}

// Port is the port of a TCP listener.
func Port(l net.Listener) int { return l.Addr().(*net.TCPAddr).Port }
