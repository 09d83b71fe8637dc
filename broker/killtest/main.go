// Command killtest kills a broker again and again while clients work on it, and then
// looks for what the broker had acknowledged: records, transactions and commits.
//
// Six idempotent producers write; three transactional ones do too, two of which copy
// what the six write exactly once, by a group whose offsets are part of their
// transactions; four members of a group read and commit, and two of another by the
// protocol of KIP-848. The broker is killed (SIGKILL) while it works, while it
// recovers, several times in a row, and now and then it is stopped in order.
//
//	go run ./broker/killtest [-kills 200] [-seed N] [-dir DIR] [-kafka]
//
// With -kafka it runs on Apache Kafka: what fails there is the check's own fault. The
// data directory of a run that failed is kept, with the broker's log beside it.
package main

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"time"
)

func main() {
	if dir := os.Getenv(childDir); dir != "" {
		os.Exit(child(dir, os.Getenv(childAddr)))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	os.Exit(run(ctx))
}

// options of a run.
type options struct {
	kills int
	seed  uint64
	// rate is of each idempotent producer, in records per second.
	rate int
	// up bounds how long the broker is up between two kills.
	up time.Duration
	// starting has it killed while it starts, too.
	starting bool
	// settle bounds how long consumers may stand still while they catch up at the end.
	settle time.Duration
	print  func(format string, args ...any)
}

func run(ctx context.Context) int {
	o := options{starting: true, up: 2 * time.Second, settle: time.Minute}
	o.print = func(format string, args ...any) { fmt.Printf(format+"\n", args...) }
	kafka := flag.Bool("kafka", false, "run on Apache Kafka in place of the embedded broker")
	dir := flag.String("dir", "", "keep the data directory in `DIR`; a temporary one if empty")
	flag.IntVar(&o.kills, "kills", 200, "how often the broker is killed")
	flag.IntVar(&o.rate, "rate", 150, "records per second of each idempotent producer")
	flag.Uint64Var(&o.seed, "seed", rand.Uint64N(1_000_000), "makes the same choices again; what is under way at a kill differs all the same")
	flag.Parse()
	work := *dir
	if work == "" {
		var err error
		if work, err = os.MkdirTemp("", "killtest-"); err != nil {
			fmt.Fprintln(os.Stderr, "error:", err)
			return 1
		}
	}
	s, end, err := open(*kafka, work, &o) //nolint:contextcheck // what Kafka is made of is loaded for all runs, and not to be cut short
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		return 1
	}
	r := check(ctx, s, o)
	end()
	o.print("%s", r.summary())
	if r.failed() {
		o.print("kept: %s", work)
		return 1
	}
	if *dir == "" {
		_ = os.RemoveAll(work)
	}
	return 0
}

// open makes the server, which end closes for good.
func open(kafka bool, work string, o *options) (s server, end func(), err error) {
	if kafka {
		o.starting, o.up = false, 10*time.Second
		return openKafka()
	}
	e, err := newEmbedded(filepath.Join(work, "broker"), filepath.Join(work, "broker.log"))
	if err != nil {
		return nil, nil, err
	}
	return e, e.Close, nil
}
