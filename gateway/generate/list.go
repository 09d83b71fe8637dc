// Package generate writes Traefik's labels into compose files from one central
// list of services, so that hosts, ports and paths are reported in one place.
package generate

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// ListFile is the usual name of the list, beside the compose file.
const ListFile = "services.yaml"

// maxFile bounds what is read, in bytes.
const maxFile = 4 << 20

// List is the content of services.yaml.
type List struct {
	Services []Service `yaml:"services"`
}

// Service is one line of the list: how a compose service is reached.
type Service struct {
	// Name is the compose service. It is required.
	Name string `yaml:"name"`
	// Router names router and service in the labels; empty means Name.
	Router string `yaml:"router"`
	// Host that the router takes; empty means Name below localhost, or no host
	// where there is a Prefix.
	Host string `yaml:"host"`
	// Port that the service listens on. It is required.
	Port int `yaml:"port"`
	// WebSocket keeps a client on one instance, as Socket.IO needs.
	WebSocket bool `yaml:"websocket"`
	// Health is the path that says whether the service is healthy; empty means
	// that it is not asked.
	Health string `yaml:"health"`
	// Prefix of the paths that the router takes; empty means all. Strip removes it
	// before the service sees it.
	Prefix string `yaml:"prefix"`
	Strip  bool   `yaml:"strip"`
	// Plain serves HTTP in place of HTTPS.
	Plain bool `yaml:"plain"`
}

// Label is one of Traefik's.
type Label struct{ Key, Value string }

// Error is a mistake in a list or compose file, with its remedy.
type Error struct {
	File    string
	Line    int // 0 where unknown
	Message string
	hint    string
}

func (e *Error) Error() string {
	at := e.File
	if e.Line > 0 {
		at += ":" + strconv.Itoa(e.Line)
	}
	return at + ": " + e.Message
}

// Hint is the hint shown with the error.
func (e *Error) Hint() string { return e.hint }

// ReadList reads a list. The error is an [*Error] where the list is at fault.
func ReadList(file string) (*List, error) {
	data, err := readFile(file)
	if err != nil {
		return nil, err
	}
	return parseList(file, data)
}

func parseList(file string, data []byte) (*List, error) {
	list := &List{}
	d := yaml.NewDecoder(bytes.NewReader(data))
	d.KnownFields(true)
	if err := d.Decode(list); err != nil && !errors.Is(err, io.EOF) {
		return nil, &Error{File: file, Message: strings.Join(strings.Fields(err.Error()), " "),
			hint: "a service has name, router, host, port, websocket, health, prefix, strip and plain"}
	}
	seen := map[string]bool{}
	for i, s := range list.Services {
		fail := func(message, hint string) error {
			return &Error{File: file, Message: fmt.Sprintf("service %d %q: %s", i+1, s.Name, message), hint: hint}
		}
		router := cmp.Or(s.Router, s.Name)
		switch {
		case s.Name == "":
			return nil, fail("has no name", "name the compose service")
		case s.Port < 1 || s.Port > 65535:
			return nil, fail(fmt.Sprintf("port %d is not a port", s.Port), "write the port that the service listens on")
		case strings.ContainsAny(router, ".`\"[] \t\n"):
			return nil, fail(fmt.Sprintf("router %q has characters that labels do not take", router), "use letters, digits and -")
		case strings.ContainsAny(s.Host, "`\" \t\n/"):
			return nil, fail(fmt.Sprintf("host %q is not a host", s.Host), "write a name such as shop.localhost")
		case bad(s.Prefix):
			return nil, fail(fmt.Sprintf("prefix %q is not a path", s.Prefix), "start it with a slash")
		case bad(s.Health):
			return nil, fail(fmt.Sprintf("health %q is not a path", s.Health), "start it with a slash")
		case seen[router]:
			return nil, fail(fmt.Sprintf("router %q is there twice", router), "give each service its own router")
		}
		seen[router] = true
	}
	return list, nil
}

func bad(path string) bool {
	return path != "" && (path[0] != '/' || strings.ContainsAny(path, "`\" \t\n"))
}

func readFile(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(data) > maxFile {
		err = &Error{File: file, Message: fmt.Sprintf("is larger than %d MiB", maxFile>>20)}
	}
	return data, err
}

// Labels are what the service's compose entry is to have.
func (s Service) Labels() []Label {
	name := cmp.Or(s.Router, s.Name)
	router, service := "traefik.http.routers."+name+".", "traefik.http.services."+name+".loadbalancer."
	labels := []Label{{"traefik.enable", "true"}, {router + "rule", s.rule()}}
	if s.Plain {
		labels = append(labels, Label{router + "entrypoints", "web"})
	} else {
		labels = append(labels, Label{router + "entrypoints", "websecure"}, Label{router + "tls", "true"})
	}
	if s.Prefix != "" && s.Strip {
		labels = append(labels, Label{router + "middlewares", name + "-strip"},
			Label{"traefik.http.middlewares." + name + "-strip.stripprefix.prefixes", s.Prefix})
	}
	labels = append(labels, Label{router + "service", name}, Label{service + "server.port", strconv.Itoa(s.Port)})
	if s.Health != "" {
		labels = append(labels, Label{service + "healthcheck.path", s.Health}, Label{service + "healthcheck.interval", "10s"})
	}
	if s.WebSocket {
		labels = append(labels, Label{service + "sticky.cookie", "true"})
	}
	return labels
}

func (s Service) rule() string {
	host := s.Host
	if host == "" && s.Prefix == "" {
		host = s.Name + ".localhost"
	}
	var parts []string
	if host != "" {
		parts = append(parts, "Host(`"+host+"`)")
	}
	if s.Prefix != "" {
		parts = append(parts, "PathPrefix(`"+s.Prefix+"`)")
	}
	return strings.Join(parts, " && ")
}

// owns reports whether the generator, and nobody else, writes a label of this key.
func (s Service) owns(key string) bool {
	name := strings.ToLower(cmp.Or(s.Router, s.Name))
	key = strings.ToLower(key)
	for _, prefix := range []string{"traefik.http.routers." + name + ".", "traefik.http.services." + name + ".",
		"traefik.http.middlewares." + name + "-strip."} {
		if strings.HasPrefix(key, prefix) {
			return true
		}
	}
	return key == "traefik.enable"
}
