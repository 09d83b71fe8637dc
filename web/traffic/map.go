package traffic

import "time"

// Map is what runs and what flows. Nodes and edges are in a lasting order.
type Map struct {
	At time.Time `json:"at"`
	// Window is over how many seconds rates are reported; 0 where they are not known yet.
	Window float64 `json:"windowSeconds"`
	Nodes  []Node  `json:"nodes"`
	Edges  []Edge  `json:"edges"`
	// Left is how many nodes are not shown, those with the least traffic.
	Left  int    `json:"left"`
	Error string `json:"error,omitempty"`
}

// Kind says what a node is, and so in which column it stands.
type Kind string

// Kinds of nodes. Peers are what speaks Kafka and is no known service: consumer
// groups, and whoever else produces.
const (
	KindClient  Kind = "client"
	KindGateway Kind = "gateway"
	KindService Kind = "service"
	KindPeer    Kind = "peer"
	KindTopic   Kind = "topic"
)

// Load is how much passes, over the map's window.
type Load struct {
	Rate   float64 `json:"rate"`   // a second
	Errors float64 `json:"errors"` // a second
	// P50 is the median duration in milliseconds, null where none was timed.
	P50 *float64 `json:"p50Ms"`
	// Total is how many there were, as far as counters reach back.
	Total float64 `json:"total"`
}

// Node is one part that something flows to or from. Its load is what it receives.
type Node struct {
	ID    string `json:"id"` // "service/graph-service", "topic/axion.events"
	Kind  Kind   `json:"kind" enum:"client,gateway,service,peer,topic"`
	Name  string `json:"name"`
	State string `json:"state,omitempty" enum:"healthy,starting,unhealthy,absent,unknown"`
	// Detail is one line for a person. May be empty.
	Detail    string `json:"detail,omitempty"`
	Instances int    `json:"instances,omitempty"` // that count for themselves
	Held      *int64 `json:"held,omitempty"`      // messages that a topic holds; absent where the broker has not said
	Lag       int64  `json:"lag,omitempty"`       // messages that its groups have yet to read
	Load
}

// Hop is how an edge is travelled.
type Hop string

// Kinds of hops.
const (
	HopHTTP      Hop = "http"
	HopKafka     Hop = "kafka"
	HopWebSocket Hop = "websocket"
)

// Edge is a way that something takes, or may.
type Edge struct {
	From string `json:"from"`
	To   string `json:"to"`
	Hop  Hop    `json:"hop" enum:"http,kafka,websocket"`
	Load
}

const (
	client         = "client"
	gateway        = "gateway"
	otherProducers = "peer/other producers"
)

func service(name string) string { return "service/" + name }
func topic(name string) string   { return "topic/" + name }
func peer(name string) string    { return "peer/" + name }
