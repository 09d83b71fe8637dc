package listen

import (
	"fmt"
	"net"

	"github.com/spf13/pflag"
)

// Flags are the stack's listen addresses as the command line gives them. An
// empty one means the default.
type Flags struct {
	HTTP, HTTPS, Kafka, Dashboard string
	// Ports is "" or "auto": free ports for all that no flag names.
	Ports string
	// NoKafka leaves Kafka closed: there is no broker here.
	NoKafka bool
}

// Register adds the flags to set.
func (f *Flags) Register(set *pflag.FlagSet) {
	set.StringVar(&f.HTTP, "http", "", "listen `ADDR` of entrypoint web (default localhost:80, else localhost:8080)")
	set.StringVar(&f.HTTPS, "https", "", "listen `ADDR` of entrypoint websecure (default localhost:443, else localhost:8443)")
	set.StringVar(&f.Kafka, "kafka", "", "listen `ADDR` of the broker (default localhost:9092)")
	set.StringVar(&f.Dashboard, "dashboard", "", "listen `ADDR` of the dashboard (default localhost:8900)")
	set.StringVar(&f.Ports, "ports", "", "`auto` picks free ports for all that no flag names")
}

// Auto reports whether free ports are wanted.
func (f *Flags) Auto() bool { return f.Ports == "auto" }

// Listeners are the stack's, open; Kafka is nil where [Flags.NoKafka] says so.
type Listeners struct{ HTTP, HTTPS, Kafka, Dashboard net.Listener }

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
	} {
		switch {
		case o.flag == "kafka" && f.NoKafka:
			continue
		case o.addr != "":
			o.defaults = []string{o.addr}
		case f.Auto():
			o.defaults = []string{"localhost:0"}
		}
		var err error
		if *o.to, err = first(o.defaults); err != nil {
			l.Close()
			return nil, fmt.Errorf("--%s: %w", o.flag, err)
		}
	}
	return l, nil
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
	for _, l := range []net.Listener{l.HTTP, l.HTTPS, l.Kafka, l.Dashboard} {
		if l != nil {
			_ = l.Close()
		}
	}
}

// Port is the port of a TCP listener.
func Port(l net.Listener) int { return l.Addr().(*net.TCPAddr).Port }
