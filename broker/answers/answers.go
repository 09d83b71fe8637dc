// Package answers has kfake's answers say what Apache Kafka says. kfake (as of
// 2026-09-18) is made for tests of Go clients: it leaves nulls where Kafka sends
// empty arrays, knows fewer requests and settings, and refuses or accepts what
// Kafka does not. Java's clients and tools rely on Kafka's answers.
//
// Package guard shows each request of the keys that [Concerns] names
// to a [Completer], which says what to pass on and how to complete the answer. Fetch
// and Produce are not among them.
package answers

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// askTime bounds a request of the completer's own.
const askTime = 5 * time.Second

// ClientID is that of the client by which a [Cluster] asks.
const ClientID = "axion-answers"

// Cluster is the broker as the completer asks it. Its methods are called from several
// goroutines at a time.
type Cluster interface {
	// Ask sends a request of the broker's own and returns its answer.
	Ask(ctx context.Context, req kmsg.Request) (kmsg.Response, error)
	// Topic is a topic's id and the settings of its own.
	Topic(name string) (id [16]byte, configs map[string]*string, ok bool)
	// Dir is the data directory, absolute.
	Dir() string
	// Disk is the size of that directory's disk in bytes, and what records may take of
	// it; -1 where that is not known.
	Disk() (total, usable int64)
	// Partitions is how many a new topic has by default.
	Partitions() int32
	// Addr is the host:port that clients get.
	Addr() string
}

// Completer completes the answers of one broker. Its methods are safe for concurrent
// use.
type Completer struct{ asker asker }

// asker asks the broker, and keeps what members of groups have said.
type asker struct {
	cluster    Cluster
	heartbeats heartbeats
}

// Families of requests: their methods are the exchanges of requests, or help them.
type (
	clusters struct{ *asker } // requests of the cluster as a whole, and of its users
	configs  struct{ *asker } // of settings
	groups   struct{ *asker }
	records  struct{ *asker }
	topics   struct{ *asker }
)

// family is one of them.
type family interface{ ~struct{ *asker } }

// New returns the completer of a broker.
func New(cluster Cluster) *Completer { return &Completer{asker{cluster: cluster}} }

// Exchange is what becomes of a request. The zero value passes it on as it is and
// only fills in what its answer must not leave null.
type Exchange struct {
	// Changed says that the request was changed, and is to be written anew.
	Changed bool
	// Instead says that kfake is not to be asked: Complete makes the answer.
	Instead bool
	// Complete, where not nil, changes the answer. With Instead it gets an empty one.
	Complete func(kmsg.Response)
}

// Finish completes the answer to a request, and reports whether it changed.
func (x Exchange) Finish(resp kmsg.Response) bool {
	if x.Complete != nil {
		x.Complete(resp)
	}
	return Fill(resp) || x.Complete != nil
}

// And is what becomes of a request that passes through both exchanges, x first. Neither
// takes kfake's place.
func (x Exchange) And(next Exchange) Exchange {
	next.Changed = next.Changed || x.Changed
	if first, second := x.Complete, next.Complete; first != nil && second != nil {
		next.Complete = func(resp kmsg.Response) {
			first(resp)
			second(resp)
		}
	} else if first != nil {
		next.Complete = first
	}
	return next
}

// Concerns reports whether the requests of a key are to be shown to [Completer.Exchange].
func Concerns(key int16) bool {
	_, ok := exchanges[kmsg.Key(key)]
	return ok || Fills(key)
}

// Fills reports whether answers of a key have fields that are never null.
func Fills(key int16) bool {
	_, ok := filled[kmsg.Key(key)]
	return ok
}

// exchanges has one function for each key whose requests or answers differ in more
// than nulls.
var exchanges = map[kmsg.Key]func(*asker, kmsg.Request) Exchange{}

// on registers the exchange of a kind of request.
func on[F family, R kmsg.Request](exchange func(F, R) Exchange) {
	var req R
	exchanges[kmsg.Key(req.Key())] = func(a *asker, req kmsg.Request) Exchange { return exchange(F(struct{ *asker }{a}), req.(R)) }
}

// Exchange says what becomes of a request, which it may change. It may ask the
// broker, and so take as long as an answer.
func (m *Completer) Exchange(req kmsg.Request) Exchange {
	if exchange, ok := exchanges[kmsg.Key(req.Key())]; ok {
		return exchange(&m.asker, req)
	}
	return Exchange{}
}

// complete is an exchange that changes the answer only.
func complete[R kmsg.Response](fn func(R)) Exchange {
	return Exchange{Complete: func(resp kmsg.Response) { fn(resp.(R)) }}
}

// instead is an exchange that kfake has no part in.
func instead[R kmsg.Response](fn func(R)) Exchange {
	x := complete(fn)
	x.Instead = true
	return x
}

// ask sends a request of the completer's own. It returns nil where the broker does not
// answer, which leaves kfake's answer as it is.
func ask[R kmsg.Response](m *asker, req kmsg.Request) (resp R, ok bool) {
	ctx, cancel := context.WithTimeout(context.Background(), askTime)
	defer cancel()
	answer, err := m.cluster.Ask(ctx, req)
	if err != nil {
		return resp, false
	}
	resp, ok = answer.(R)
	return resp, ok
}
