package view

import "time"

// Kind says what a part of the stack is.
type Kind string

// Kinds of parts.
const (
	KindBroker    Kind = "broker"
	KindGateway   Kind = "gateway"
	KindService   Kind = "service"
	KindDashboard Kind = "dashboard"
)

// State says how a part is.
type State string

// States of a part. An absent part was left out on purpose, for a process of
// the user's own that has not come up.
const (
	StateHealthy   State = "healthy"
	StateStarting  State = "starting"
	StateUnhealthy State = "unhealthy"
	StateAbsent    State = "absent"
)

// System is the stack as a whole.
type System struct {
	// Name and Version are filled in by the server from its options.
	Name    string `json:"name"`
	Version string `json:"version"`
	// ReadyMS is the time from exec to ready in milliseconds; 0 until ready.
	ReadyMS   int64     `json:"readyMs"`
	Addresses Addresses `json:"addresses"`
	// Parts in the order they are shown.
	Parts []Part `json:"parts"`
	// Problems are those of what the broker keeps, and of its disk.
	Problems []BrokerProblem `json:"problems,omitempty"`
}

// BrokerProblem is one of the broker's disk, or records that are gone.
type BrokerProblem struct {
	// Kind is "records-lost", "directory-size", "disk-low", "disk-full" or "disk-read-only".
	Kind    string `json:"kind"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
	// Topic and Group are those of records that went before the group had
	// read them.
	Topic string    `json:"topic,omitempty"`
	Group string    `json:"group,omitempty"`
	At    time.Time `json:"at"`
}

// Addresses are where the stack is reached. An empty one is not listening.
type Addresses struct {
	HTTP  string `json:"http,omitempty"`  // "http://localhost:8080"
	HTTPS string `json:"https,omitempty"` // "https://localhost:8443"
	Kafka string `json:"kafka,omitempty"` // "localhost:9092"
	// KafkaListeners are where the embedded broker listens, "0.0.0.0:9092".
	KafkaListeners []string `json:"kafka_listeners,omitempty"`
	Dashboard      string   `json:"dashboard,omitempty"` // "http://127.0.0.1:8900"
	OTLPHTTP       string   `json:"otlp_http,omitempty"` // "http://127.0.0.1:4318"
	OTLPGRPC       string   `json:"otlp_grpc,omitempty"` // "http://127.0.0.1:4317"
	// CA is the file of the local authority's root, PEM, which a client has to
	// trust to take HTTPS without a warning. Empty where HTTPS has another.
	CA string `json:"ca,omitempty"`
}

// Part is one running piece of the stack.
type Part struct {
	Name  string `json:"name"`
	Kind  Kind   `json:"kind"`
	State State  `json:"state"`
	// Detail is one line for a person: why it is not healthy, or what is
	// worth knowing. May be empty.
	Detail string `json:"detail,omitempty"`
	// Problems are what a person should see to, though the part works.
	Problems []PartProblem `json:"problems,omitempty"`
	// Address is where it listens, "host:port". May be empty.
	Address string `json:"address,omitempty"`
	// URL is what a browser opens. May be empty.
	URL string `json:"url,omitempty"`
	// What follows is of services alone.
	Version string `json:"version,omitempty"`
	// Port is where the service goes by itself; 0 where unknown.
	Port int `json:"port,omitempty"`
	// External says that a process of the user's own is in the builtin's place.
	External bool `json:"yours,omitempty"`
	// Instances are those that run in this process. None is restarted by itself: a
	// builtin that fails ends the stack.
	Instances []Instance `json:"instances,omitempty"`
	// Consumes and Produces are topics.
	Consumes []string `json:"consumes,omitempty"`
	Produces []string `json:"produces,omitempty"`
}

// PartProblem is one problem of a part that works.
type PartProblem struct {
	Message string `json:"message"`
	Where   string `json:"where,omitempty"` // a file, for one
	Hint    string `json:"hint,omitempty"`
}

// Instance is one of a service's that run in this process.
type Instance struct {
	Address   string    `json:"address"`
	StartedAt time.Time `json:"startedAt"`
	// PortChanged says that the service's own port was taken.
	PortChanged bool         `json:"moved,omitempty"`
	Depends     []Dependency `json:"depends"`
}

// Dependency is something that an instance cannot work without.
type Dependency struct {
	Name  string `json:"name"` // "SQLite", "PostgreSQL", "storage", "broker", or a service that it asks
	State State  `json:"state"`
	// Detail is why it cannot be used.
	Detail string `json:"detail,omitempty"`
}
