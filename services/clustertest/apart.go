package clustertest

import (
	"context"
	"fmt"
	"testing"
	"time"
)

// A broker that shares its process with its controller comes back after a kill as one
// that its own metadata has as running: it leads all partitions by their old epochs for
// as long as its old registration's session lasts, and its transaction coordinator
// completes what was prepared by writing markers that never arrive. Apache Kafka 4.3.1
// then keeps transactions open for ever, and shows aborted ones. A controller of its own
// outlives the broker, and has found it gone before it comes back.

// controllerProperties come after [properties], for a controller without a broker: its
// port, its directory, and the port that brokers get.
const controllerProperties = `process.roles=controller
node.id=2
controller.quorum.voters=2@127.0.0.1:%[1]d
listeners=CONTROLLER://127.0.0.1:%[1]d
advertised.listeners=CONTROLLER://127.0.0.1:%[3]d
log.dirs=%[2]s
`

// brokerProperties come after [properties], for a broker of that controller: its port and
// the controller's.
const brokerProperties = `process.roles=broker
controller.quorum.voters=2@127.0.0.1:%[2]d
listeners=PLAINTEXT://127.0.0.1:%[1]d
`

// sessionProperties are the controller's for a broker that is killed: it may come back
// only once its session has ended. It must be long: what is sent to a broker that is too
// busy for its session, and without a request for an acknowledgement, is lost.
const sessionProperties = "broker.session.timeout.ms=12000\n"

// metadataLag is how much later than its controller's answer a broker that ends cleanly has
// a change. It is long, so that a test which assumes that a broker has what was answered
// fails on a fast machine too, and not on a busy one alone.
const metadataLag = 100 * time.Millisecond

// What a controller logs of its broker.
const (
	fencedLine   = "Fencing broker 1 at epoch"
	leftLine     = "broker 1 has requested and been granted a controlled shutdown"
	unfencedLine = "request from broker 1 to unfence has been granted"
)

// apart is a broker and its controller, each a process of its own.
type apart struct {
	t                  testing.TB
	controller, broker *node
	signal             string   // ends the broker
	gone               string   // what the controller logs once the broker has ended
	up                 *process // the controller, once it runs
}

// newApart makes the directories of a broker that will listen on a port, and of its
// controller. The signal ends the broker, which unregisters upon TERM: it need not
// wait for the end of its session then.
func newApart(t testing.TB, port int, signal string) *apart {
	t.Helper()
	at := freePort(t)
	shown, gone, more := at, fencedLine, sessionProperties
	if signal == "TERM" {
		shown, gone, more = delayed(t, at, metadataLag), leftLine, ""
	}
	controller := fmt.Sprintf(controllerProperties, at, folder(t), shown) + more
	return &apart{
		t: t, signal: signal, gone: gone,
		controller: newNode(t, at, controller, nil),
		broker:     newNode(t, port, fmt.Sprintf(brokerProperties, port, shown), nil),
	}
}

// start starts the broker, the first time with its controller, and stop ends it. Each
// waits until the controller has logged it.
func (a *apart) start() (stop func()) {
	a.t.Helper()
	if a.up == nil {
		a.up = a.controller.start()
		a.up.tail.watch(a.gone, unfencedLine)
	} else {
		a.wait(a.gone)
	}
	p := a.broker.startUntil(a.signal)
	a.wait(unfencedLine)
	return p.stop
}

// wait waits until one of the two lines is the controller's last.
func (a *apart) wait(line string) {
	a.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	if !a.up.tail.wait(ctx, line) {
		a.t.Fatalf("the controller has not logged %q:\n%s", line, a.up.tail)
	}
}
