package broker

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"axion/broker/fault"
	"axion/broker/guard"
	"axion/broker/listener"
	"axion/broker/liveness"
	"axion/broker/membership"
	"axion/broker/recovery"
	"axion/broker/retention"
)

// drainTimeout bounds how long a cluster that stops waits for responses under way.
const drainTimeout = 500 * time.Millisecond

// embedded is the kfake cluster behind its guard, which comes and goes while its addresses
// stay. Its methods are safe for concurrent use.
type embedded struct {
	options  Options
	listener *listener.Shared
	deps     guard.Deps // but for what belongs to one run
	groups   liveness.Admin

	current atomic.Pointer[run] // the last one; nil for none yet

	mu      sync.Mutex // held while the cluster comes or goes
	running bool       // between start and stop
	closed  bool
}

var _ fault.Broker = (*embedded)(nil)

// run is a cluster from its start to its stop.
type run struct {
	store   *recovery.Store
	guard   *guard.Listener
	members *liveness.Members
	joined  *membership.Journal
}

// Start starts the cluster for the first time, without the members of groups that are
// replaced.
func (e *embedded) Start(replaced membership.Replaced) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.start(replaced)
}

// start starts a cluster behind a guard of its own. The caller holds mu.
func (e *embedded) start(replaced membership.Replaced) error {
	o := e.options
	undone, err := retention.Prepare(o.Dir)
	if err != nil {
		return &openError{dir: o.Dir, err: err}
	}
	if undone > 0 {
		o.Log.Info("broker: undid a compaction that had not come to its end", "partitions", undone)
	}
	r := &run{members: liveness.New(liveness.Leave(e.groups, o.Log))}
	var restored []membership.Member
	r.store, err = recovery.Open(o.Dir, o.Log, kfakeLogger{o.Log}, func(log kfake.Logger) (*kfake.Cluster, error) {
		err := r.joined.Close() // of an earlier try
		if err == nil {
			r.joined, restored, err = membership.Restore(o.Dir, restored, replaced)
		}
		deps := e.deps
		if err == nil {
			deps.Settings, err = recovery.RestoreSettings(o.Dir) // into what the other has left
		}
		if err != nil {
			return nil, &openError{dir: o.Dir, err: err}
		}
		deps.Members, deps.Joined = r.members, r.joined
		r.guard = guard.New(e.listener.Listen(), deps)
		cluster, err := kfake.NewCluster(append(o.kfake(), kfake.WithLogger(log),
			kfake.ListenFn(func(string, string) (net.Listener, error) { return r.guard, nil }))...)
		if err != nil {
			return nil, errors.Join(&openError{dir: o.Dir, err: err}, r.guard.Close())
		}
		return cluster, nil
	})
	if err != nil {
		return errors.Join(err, r.joined.Close())
	}
	r.joined.Attach(r.store.Cluster)
	e.current.Store(r)
	e.running = true
	e.deps.Cluster.Set(r.store.Cluster)
	e.deps.Files.Store.Forget() // recovery may have written files anew
	r.members.Await(restored)   // before the first of them comes
	r.guard.Open()
	return nil
}

// stop ends the cluster, and its guard with the connections. The caller holds mu.
func (e *embedded) stop() error {
	e.running = false
	r := e.current.Load()
	r.members.Close()
	r.guard.Drain(drainTimeout)
	e.deps.Cluster.Set(nil)
	return errors.Join(r.store.Close(), r.joined.Seal(), r.guard.Wait())
}

// GoOffline cuts the broker off the net, as if its process had ended: clients lose
// their connections and cannot make new ones. What it holds is saved.
func (e *embedded) GoOffline() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.running {
		return errors.New("the broker is away already")
	}
	return e.stop()
}

// GoOnline starts the broker again, at the same address and with what it held, all
// members of groups among it.
func (e *embedded) GoOnline() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.running || e.closed {
		return nil
	}
	if err := e.start(nil); err != nil {
		return fmt.Errorf("restart broker: %w", err)
	}
	e.deps.Faults.Reinstall()
	return nil
}

// Close ends the cluster for good; before calls what is to end between the last restart
// and that.
func (e *embedded) Close(before func() error) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.closed = true
	err := before()
	if e.running {
		err = errors.Join(err, e.stop())
	}
	return err
}

// openError says that the data directory could not be read.
type openError struct {
	dir string
	err error
}

func (e *openError) Error() string { return fmt.Sprintf("open data directory %s: %v", e.dir, e.err) }
func (e *openError) Unwrap() error { return e.err }

// Hint is the hint shown with the error.
func (e *openError) Hint() string {
	return "use another directory by --data DIR, or none by --ephemeral; or remove " + e.dir + ", and with it the records in it"
}
