package broker

import (
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"axion/broker/advertise"
	"axion/broker/retention"
)

// Flags say which Kafka to use. Their zero value is the embedded broker.
type Flags struct {
	// Brokers are the addresses of an existing cluster, "host:port" each, or
	// "host" for port 9092.
	Brokers []string
	// Advertise is what the embedded broker advertises, "host:port". Empty
	// means the address that each came in on.
	Advertise string

	// Retention is what the embedded broker keeps.
	Retention retention.Flags

	advertiseGiven bool // even where it is empty
}

// Register adds the flag --brokers to set.
func (f *Flags) Register(set *pflag.FlagSet) {
	set.Var((*brokersValue)(f), "brokers", "use the Kafka cluster at `LIST` (host:port,…) in place of the embedded broker. "+
		"SASL: KAFKA_SASL_MECHANISM (PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512), KAFKA_SASL_USERNAME, KAFKA_SASL_PASSWORD. "+
		"TLS: KAFKA_TLS (true or false), KAFKA_TLS_CA_FILE, KAFKA_TLS_CERT_FILE, KAFKA_TLS_KEY_FILE")
}

// RegisterAll adds the flags of either broker to set.
func (f *Flags) RegisterAll(set *pflag.FlagSet) {
	f.Register(set)
	f.registerEmbedded(set)
}

// registerEmbedded adds the flags of the embedded broker to set.
func (f *Flags) registerEmbedded(set *pflag.FlagSet) {
	set.Var((*advertiseValue)(f), "advertise", "tell clients that the broker is at `HOST:PORT`, as where they come through NAT or a tunnel "+
		"(default: the address that each came in on); it does not count for a --kafka on localhost beside others")
	f.Retention.Register(set)
}

// brokersValue keeps each address as it is given, an empty one too: it is a variable
// that is not set, and no wish for the embedded broker.
type brokersValue Flags

// String implements [pflag.Value].
func (f *brokersValue) String() string { return strings.Join(f.Brokers, ",") }

// Set implements [pflag.Value].
func (f *brokersValue) Set(text string) error {
	f.Brokers = append(f.Brokers, strings.Split(text, ",")...)
	return nil
}

// Type implements [pflag.Value].
func (*brokersValue) Type() string { return "strings" }

// advertiseValue keeps that the flag was given.
type advertiseValue Flags

// String implements [pflag.Value].
func (f *advertiseValue) String() string { return f.Advertise }

// Set implements [pflag.Value].
func (f *advertiseValue) Set(text string) error {
	f.Advertise, f.advertiseGiven = text, true
	return nil
}

// Type implements [pflag.Value].
func (*advertiseValue) Type() string { return "string" }

// External reports whether an existing cluster is to be used.
func (f *Flags) External() bool { return len(f.Brokers) > 0 }

// Check refuses what [Flags.Open] would refuse before it connects to anything.
func (f *Flags) Check() error {
	if f.External() {
		if f.advertiseGiven || f.Advertise != "" {
			return &flagError{fmt.Sprintf("--advertise %s: there is no embedded broker to advertise beside --brokers", f.Advertise),
				"leave one of the two out; a cluster of its own has advertised.listeners"}
		}
		if f.Retention != (retention.Flags{}) {
			return &flagError{"--kafka-retention and --kafka-retention-bytes are of the embedded broker: there is none beside --brokers",
				"set log.retention.ms and log.retention.bytes at the cluster"}
		}
		_, err := f.seeds()
		return err
	}
	if !f.advertiseGiven && f.Advertise == "" {
		return nil
	}
	e, err := advertise.Parse(f.Advertise)
	if err != nil {
		return fmt.Errorf("--advertise %w", err)
	}
	if e.Port == 0 {
		return &flagError{fmt.Sprintf("--advertise %s: port 0 is none that clients can connect to", f.Advertise),
			"give the port that clients reach the broker by, from 1 to 65535"}
	}
	return nil
}

// seeds checks the addresses. One that is given twice counts once.
func (f *Flags) seeds() ([]string, error) {
	var seeds []string
	for _, text := range f.Brokers {
		address := strings.TrimSpace(text)
		if address == "" {
			return nil, f.refuse("has an empty address", "name the cluster's brokers, as in --brokers kafka:9092, or leave the flag out "+
				"for the embedded broker; is it a variable that is not set?")
		}
		if !strings.Contains(address, ":") {
			address += ":9092"
		}
		host, port, err := net.SplitHostPort(address)
		n := uint64(0)
		if err == nil {
			n, err = strconv.ParseUint(port, 10, 16)
		}
		if err != nil || n == 0 || host == "" || strings.ContainsAny(host, " \t/@") {
			return nil, f.refuse(fmt.Sprintf("%q must be host:port", text), "write each as in kafka:9092 or [fd00::1]:9092, without a scheme, "+
				"with commas between")
		}
		if !slices.Contains(seeds, address) {
			seeds = append(seeds, address)
		}
	}
	return seeds, nil
}

// refuse says what is wrong with --brokers.
func (f *Flags) refuse(reason, fix string) error {
	return &flagError{fmt.Sprintf("--brokers %q: %s", strings.Join(f.Brokers, ","), reason), fix}
}

// flagError is a flag that cannot be followed, and what to do about it.
type flagError struct{ text, fix string }

func (e *flagError) Error() string { return e.text }

// Hint is the hint shown with the error.
func (e *flagError) Hint() string { return e.fix }
