package services

import (
	"encoding/json"
	"fmt"
	"net"
	"slices"

	"axion/services/bus/groups"
	"axion/services/contract"
)

// Running is what a service beside a running stack needs of it. Secrets are in it.
type Running struct {
	// Registry is where it registers, and Secret what it says there: see
	// [replacement.Registry].
	Registry string `json:"registry"`
	Secret   string `json:"secret"`
	// Database is the URL of the builtins' database; empty for SQLite files.
	Database string `json:"database,omitempty"`
	// HTTPSPort is the gateway's.
	HTTPSPort int `json:"httpsPort"`
	// Instance distinguishes this start of a stack from every other, Kafka is where its clients
	// connect, and OwnBroker says that the broker there ends with it. [Set.Running] leaves
	// them empty.
	Instance  string `json:"-"`
	Kafka     string `json:"-"`
	OwnBroker bool   `json:"-"`
}

// JSON is what [ParseRunning] reads.
func (r Running) JSON() json.RawMessage {
	text, err := json.Marshal(r)
	if err != nil {
		panic(err) // it is of strings and numbers
	}
	return text
}

// ParseRunning reads what a running stack has left for services beside it. The rest is
// what its JSON does not hold.
func ParseRunning(text json.RawMessage, instance, kafka string, ownBroker bool) (Running, error) {
	r := Running{Instance: instance, Kafka: kafka, OwnBroker: ownBroker}
	if len(text) == 0 {
		return r, nil
	}
	if err := json.Unmarshal(text, &r); err != nil {
		return r, fmt.Errorf("read what the stack runs: %w", err)
	}
	return r, nil
}

// Running returns this stack.
func (s *Builtins) Running(httpsPort int) Running {
	registry, secret := s.registry.Place()
	return Running{Registry: registry, Secret: secret, Database: s.database, HTTPSPort: httpsPort}
}

// AddressesWith is Addresses with one more.
func (s *Builtins) AddressesWith(name string, at net.Addr) map[string][]string {
	all := s.Addresses()
	all[name] = []string{at.String()}
	return all
}

// Follow has moved called when the processes in a builtin's place change: an empty list
// is nowhere, and nil where its labels say.
func (s *Builtins) Follow(moved func(service string, addresses []string) error) {
	s.registry.Follow(func(service string, addresses []string) error {
		_, given := s.addressless[service]
		switch {
		case len(addresses) > 0:
		case given:
			addresses = []string{} // nowhere
		default:
			addresses = nil // where its labels say
		}
		return moved(service, addresses)
	})
}

// IsMember reports whether a member of a consumer group, by its client id, is a builtin.
func IsMember(group, clientID string) bool {
	return slices.Contains(contract.Names(), clientID) && group == groups.Name(clientID)
}

// defaultAddress is where a process in a builtin's place is looked for that says nothing:
// on 127.0.0.1 or ::1, whichever it listens on.
func defaultAddress(name string) string {
	all := contract.Services()
	i := slices.IndexFunc(all, func(s contract.Service) bool { return s.Name == name })
	return fmt.Sprintf("localhost:%d", all[i].Port)
}

// checkReplaceable says why no process may take a builtin's requests, or nil.
func (s *Builtins) checkReplaceable(name string) error {
	if s.noBuiltins {
		return fmt.Errorf("it runs none of the builtins, and has no routes for them (--no-builtins)")
	}
	if err := checkName(name, name); err != nil {
		return err
	}
	if !slices.Contains(s.without, name) && s.database == "" {
		return fmt.Errorf("it runs %s itself, with a database that others cannot share: start it with --without %s, or --database", name, name)
	}
	return nil
}

// replacementAddresses are the addresses of a process in a builtin's place: the default one where
// nothing else was said, and none where only one that registers counts.
func (s *Builtins) replacementAddresses(name string) []string {
	list := s.registry.Addresses(name)
	if _, given := s.addressless[name]; len(list) == 0 && !given {
		return []string{defaultAddress(name)}
	}
	return list
}
