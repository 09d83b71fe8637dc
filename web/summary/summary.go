// Package summary is what the stack prints of itself when it is ready: an aligned
// block for people, one line of JSON for programs, and a file for the other
// commands to find the stack by.
package summary

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"axion/web/view"
)

// Summary holds a running stack's addresses. An empty field is something that
// this stack does not have.
type Summary struct {
	ReadyMS int64  `json:"ready_ms"` // from exec to ready, in milliseconds
	HTTP    string `json:"http"`     // entrypoint web, "http://localhost:8080"
	HTTPS   string `json:"https"`    // entrypoint websecure, "https://localhost:8443"
	Kafka   string `json:"kafka"`    // bootstrap server for clients on this machine, "localhost:9092"
	// KafkaListeners are where the embedded broker listens, "0.0.0.0:9092".
	KafkaListeners []string `json:"kafka_listeners,omitempty"`
	Dashboard      string   `json:"dashboard"`
	OTLPHTTP       string   `json:"otlp_http,omitempty"` // where OTLP is received, "http://127.0.0.1:4318"
	OTLPGRPC       string   `json:"otlp_grpc,omitempty"` // "http://127.0.0.1:4317"
	CA             string   `json:"ca"`                  // the local authority's root, a PEM file
	Token          string   `json:"token"`               // a bearer token of the development user
	User           string   `json:"user,omitempty"`      // the development user's email address
	Password       string   `json:"password,omitempty"`  // and the password

	Data     string `json:"data"`     // the data directory, absolute: for --data of other commands
	PID      int    `json:"pid"`      // the stack's process
	Version  string `json:"version"`  // the program's
	Instance string `json:"instance"` // distinguishes this start of a stack from every other

	// Auth is the identity provider's direct address.
	Auth string `json:"-"`
	// Variables are those of the environment by which the stack reaches a Kafka cluster
	// that is not its own. They hold the password: they are in the file alone.
	Variables map[string]string `json:"-"`
	// Services is what a service beside the stack needs, in JSON; secrets are in it too.
	Services json.RawMessage `json:"-"`
	// Registry is where processes beside the stack register for a host, and RegistrySecret what
	// they say there.
	Registry, RegistrySecret string `json:"-"`
	// Links are further lines of the block.
	Links []Link `json:"-"`
}

// Link is one named address of the block.
type Link struct {
	Name   string
	URL    string
	Detail string // what is worth knowing about it
}

// Links are the lines of the services that a stack runs.
func Links(services []view.Part) []Link {
	links := make([]Link, len(services))
	for i, s := range services {
		links[i] = Link{Name: s.Name, URL: s.URL, Detail: s.Detail}
	}
	return links
}

// Parts are the gateway and the dashboard, which listen at these "host:port" addresses.
func (s Summary) Parts(gateway, dashboard string) []view.Part {
	return []view.Part{
		{Name: "gateway", Kind: view.KindGateway, State: view.StateHealthy, Address: gateway, URL: s.HTTPS},
		{Name: "dashboard", Kind: view.KindDashboard, State: view.StateHealthy, Address: dashboard, URL: s.Dashboard},
	}
}

// AddServices adds the lines of the compose file's services: where each is, by a route that leads
// to it or its own address, and who provides it.
func (s *Summary) AddServices(services []view.Service, routes []view.Route) {
	for _, service := range services {
		l := Link{Name: service.Name, Detail: service.Reason}
		if i := slices.IndexFunc(routes, func(r view.Route) bool {
			name, _, _ := strings.Cut(r.Service, "@")
			return name == service.Name && r.URL(s.HTTP, s.HTTPS) != ""
		}); i >= 0 {
			l.URL = routes[i].URL(s.HTTP, s.HTTPS)
		} else if len(service.Ports) > 0 {
			l.URL = service.Ports[0].Address
		}
		if len(service.Command) > 0 {
			l.Detail = strings.Join(service.Command, " ")
		}
		if service.Hint != "" {
			l.Detail += "; " + service.Hint
		}
		s.Links = append(s.Links, l)
	}
}

// Addresses are where the stack is reached, as the page shows them.
func (s Summary) Addresses() view.Addresses {
	return view.Addresses{HTTP: s.HTTP, HTTPS: s.HTTPS, Kafka: s.Kafka, KafkaListeners: s.KafkaListeners,
		Dashboard: s.Dashboard, OTLPHTTP: s.OTLPHTTP, OTLPGRPC: s.OTLPGRPC, CA: s.CA}
}

// Publish leaves the summary in the data directory dir and prints it to w, as
// the line or as the block. remove, which is never nil, takes it away from dir.
func (s Summary) Publish(w io.Writer, dir, name, version string, asJSON bool) (remove func() error, err error) {
	s.Data, s.PID, s.Version = dir, os.Getpid(), version
	if abs, err := filepath.Abs(dir); err == nil {
		s.Data = abs
	}
	if remove, err = s.Save(dir); err != nil {
		return func() error { return nil }, err
	}
	if asJSON {
		return remove, s.PrintJSON(w)
	}
	return remove, s.Print(w, name, version)
}

// Print writes the block.
func (s Summary) Print(w io.Writer, name, version string) error {
	var block bytes.Buffer // written at once: others write there too
	t := tabwriter.NewWriter(&block, 0, 8, 3, ' ', 0)
	ready := time.Duration(s.ReadyMS) * time.Millisecond
	fmt.Fprintf(t, "%s %s is ready in %s\n\n", name, version, ready)
	lines := slices.Concat([]Link{{Name: "dashboard", URL: s.Dashboard}}, s.Links, []Link{
		{Name: "user", URL: s.user()},
		{Name: "gateway", URL: strings.TrimSpace(s.HTTP + "   " + s.HTTPS)},
		{Name: "kafka", URL: s.Kafka, Detail: s.kafkaDetail()}, {Name: "telemetry", URL: s.otlp()}, {Name: "authority", URL: s.CA},
	})
	for _, l := range lines {
		if l.Detail != "" {
			l.URL = strings.TrimSpace(l.URL + "   (" + cut(l.Detail) + ")")
		}
		if l.URL != "" {
			fmt.Fprintf(t, "  %s\t%s\n", l.Name, l.URL)
		}
	}
	fmt.Fprintln(t)
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := w.Write(block.Bytes())
	return err
}

// maxDetail is how long a detail of a line may be, in bytes.
const maxDetail = 90

// cut leaves the beginning of a detail, without control characters.
func cut(detail string) string {
	detail = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, detail)
	if len(detail) <= maxDetail {
		return detail
	}
	return strings.ToValidUTF8(detail[:maxDetail], "") + "…"
}

// user is how the development user signs in, in words.
func (s Summary) user() string {
	if s.User == "" {
		return ""
	}
	return s.User + ", password " + s.Password
}

// kafkaDetail says where the broker listens, where its address does not.
func (s Summary) kafkaDetail() string {
	if len(s.KafkaListeners) == 0 || slices.Equal(s.KafkaListeners, []string{s.Kafka}) {
		return ""
	}
	return "listens on " + strings.Join(s.KafkaListeners, ", ")
}

// otlp is where OTLP is received, in words.
func (s Summary) otlp() string {
	var all []string
	if s.OTLPHTTP != "" {
		all = append(all, s.OTLPHTTP+" (OTLP over HTTP)")
	}
	if s.OTLPGRPC != "" {
		all = append(all, s.OTLPGRPC+" (gRPC)")
	}
	return strings.Join(all, "   ")
}

// PrintJSON writes the line.
func (s Summary) PrintJSON(w io.Writer) error { return json.NewEncoder(w).Encode(s) }

// Own is where the stack listens, by what is there; empty for a zero summary.
func (s Summary) Own() map[string]string {
	own := map[string]string{"entrypoint web": s.HTTP, "entrypoint websecure": s.HTTPS, "Kafka broker": s.Kafka, "dashboard": s.Dashboard,
		"OTLP receiver": s.OTLPHTTP, "OTLP receiver (gRPC)": s.OTLPGRPC}
	for _, address := range s.KafkaListeners {
		own["Kafka broker at "+address] = address
	}
	maps.DeleteFunc(own, func(_, address string) bool { return address == "" })
	return own
}
