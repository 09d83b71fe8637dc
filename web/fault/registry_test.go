package fault

import (
	"axion/web/view"
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// thing is what a test breaks.
type thing struct{ hits, ends atomic.Int64 }

func (p *thing) Hits() int64 { return p.hits.Load() }
func (p *thing) End()        { p.ends.Add(1) }

func registry(p *thing) *Registry {
	part := func(o view.FaultSpec) (view.FaultHandle, error) {
		if o.Target == "none" {
			return nil, errors.New("no router none")
		}
		return p, nil
	}
	return New(Options{Gateway: part, Broker: part})
}

func TestStart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &thing{}
		r := registry(p)
		f, err := r.Start(view.FaultSpec{Kind: view.FaultRouteDelay, Target: "shop", DelayMS: 500, Seconds: 10})
		if err != nil || f.Text != "delay 500 ms on shop" || f.Percent != 100 || f.LeftMS != 10_000 {
			t.Fatalf("got %+v (%v)", f, err)
		}
		p.hits.Add(3)
		time.Sleep(9 * time.Second)
		synctest.Wait()
		if l := r.List(); len(l.Items) != 1 || l.Items[0].LeftMS != 1000 || l.Items[0].Hits != 3 || p.ends.Load() != 0 {
			t.Errorf("before its time: got %+v, ended %d times", l, p.ends.Load())
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if l := r.List(); len(l.Items) != 0 || len(l.Recent) != 1 || l.Recent[0].Why != "" || l.Recent[0].Hits != 3 || p.ends.Load() != 1 {
			t.Errorf("after its time: got %+v, ended %d times", l, p.ends.Load())
		}
		if r.Stop(f.ID, "") {
			t.Error("a fault ended twice")
		}
	})
}

func TestStartErr(t *testing.T) {
	t.Parallel()
	p := &thing{}
	r := registry(p)
	for want, o := range map[string]view.FaultSpec{
		"a delay needs delayMs":    {Kind: view.FaultRouteDelay, Target: "shop"},
		"needs a target: a topic":  {Kind: view.FaultTopicDrop},
		"needs a target: a router": {Kind: view.FaultRouteDrop},
		"60 seconds at most":       {Kind: view.FaultBrokerRestart, Seconds: 61},
		"no router none":           {Kind: view.FaultRouteDrop, Target: "none"},
	} {
		if _, err := r.Start(o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: got %v, want %q", o, err, want)
		}
	}
	for range maxActive {
		if _, err := r.Start(view.FaultSpec{Kind: view.FaultCoordinatorLost}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := r.Start(view.FaultSpec{Kind: view.FaultCoordinatorLost}); !errors.Is(err, errFull) {
		t.Errorf("one too many: got %v", err)
	}
	if err := r.Close(t.Context()); err != nil || p.ends.Load() != maxActive || len(r.List().Recent) != maxActive {
		t.Errorf("close: got %v, %d ended", err, p.ends.Load())
	}
	if _, err := r.Start(view.FaultSpec{Kind: view.FaultCoordinatorLost}); !errors.Is(err, errOff) {
		t.Errorf("after close: got %v", err)
	}
	off := New(Options{Off: "not ours"})
	if _, err := off.Start(view.FaultSpec{Kind: view.FaultCoordinatorLost}); !errors.Is(err, errOff) ||
		!strings.Contains(err.Error(), "not ours") || off.List().Available {
		t.Errorf("off: got %v", err)
	}
}

// TestWatch receives a beginning, of hits each second, and of the end; and then
// nothing more.
func TestWatch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &thing{}
		r := registry(p)
		ctx, cancel := context.WithCancel(t.Context())
		var received []List
		ended := make(chan error, 1)
		go func() {
			ended <- r.Watch(ctx, nil, func(data any) error { received = append(received, data.(List)); return nil })
		}()
		synctest.Wait()
		if _, err := r.Start(view.FaultSpec{Kind: view.FaultBrokerRestart, Seconds: 3}); err != nil {
			t.Fatal(err)
		}
		p.hits.Add(1)
		time.Sleep(time.Hour)
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("watch: got %v", err)
		}
		if n := len(received); n < 4 || n > 7 {
			t.Fatalf("received %d lists, want one at first, each second and at the end", n)
		}
		if first, last := received[0], received[len(received)-1]; len(first.Items) != 0 || len(last.Items) != 0 || len(last.Recent) != 1 ||
			last.Recent[0].Hits != 1 {
			t.Errorf("received %+v at first and %+v at last", first, last)
		}
	})
}

func TestText(t *testing.T) {
	t.Parallel()
	two := int32(2)
	for want, o := range map[string]view.FaultSpec{
		"delay 5 to 7 ms for 20 % of requests to shop": {Kind: view.FaultRouteDelay, Target: "shop", DelayMS: 5, JitterMS: 2, Percent: 20},
		"error 503 for requests to shop":               {Kind: view.FaultRouteError, Target: "shop", Status: 503, Percent: 100},
		"drop 1 % of requests to shop":                 {Kind: view.FaultRouteDrop, Target: "shop", Percent: 1},
		"error REQUEST_TIMED_OUT for requests to a/2": {Kind: view.FaultTopicError, Target: "a", Partition: &two, Code: "REQUEST_TIMED_OUT",
			Percent: 100},
		"deliver 50 % of records of a twice": {Kind: view.FaultTopicDuplicate, Target: "a", Percent: 50},
		"lose records of a":                  {Kind: view.FaultTopicDrop, Target: "a", Percent: 100},
		"coordinator lost for every group":   {Kind: view.FaultCoordinatorLost, Percent: 100},
		"broker restart":                     {Kind: view.FaultBrokerRestart, Percent: 100},
	} {
		if got := describe(o); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
