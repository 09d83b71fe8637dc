package web

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/chromedp"

	"axion/web/fault"
	"axion/web/live"
	"axion/web/stacktest"
	"axion/web/view"
)

// struck is a part that breaks whatever is injected into it.
type struck struct {
	mu     sync.Mutex
	orders []view.FaultSpec
}

func (s *struck) Hits() int64 { return 7 }
func (s *struck) End()        {}

func (s *struck) take(o view.FaultSpec) (view.FaultHandle, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o.Kind == view.FaultRouteDrop {
		return nil, errors.New("the gateway will not have it")
	}
	s.orders = append(s.orders, o)
	return s, nil
}

// withFaults adds faults to a dashboard; off says why there are none.
func withFaults(t *testing.T, o Options, off string) (Options, *struck, *fault.Registry) {
	t.Helper()
	part := &struck{}
	r := fault.New(fault.Options{Gateway: part.take, Broker: part.take, Off: off})
	t.Cleanup(func() { _ = r.Close(t.Context()) })
	o.Register = append(o.Register, r.Register)
	o.Channels = map[string]live.Channel{"faults": r.Watch}
	return o, part, r
}

// TestPageFaults breaks a route by the form, sees it shown on every page, and ends
// it there.
func TestPageFaults(t *testing.T) {
	t.Parallel()
	s := newStack()
	s.realistic()
	o, part, _ := withFaults(t, s.options(t, "127.0.0.1:0", nil), "")
	s.start(t, o)
	b := stacktest.OpenTab(t)
	b.Open("http://" + s.address + "/faults")
	b.Await("Nothing is broken on purpose", "The same from a shell", "X-Axion-Token")
	submit := chromedp.Click(chromedp.CSS(".fault-form button[type=submit]"))
	b.Run(submit)
	b.Await("Choose a router or a service.")
	b.Run(chromedp.SendKeys(chromedp.CSS("#target"), "grap"))
	b.Await("There is no router or service of this name.")
	b.Run(chromedp.SendKeys(chromedp.CSS("#target"), "h@docker"), chromedp.SendKeys(chromedp.CSS("#delayMs"), "\b\b\b0"))
	b.AwaitGone("There is no router or service of this name.")
	b.Await("At least 1 millisecond.")
	b.Run(chromedp.SendKeys(chromedp.CSS("#delayMs"), "\b250"), chromedp.SendKeys(chromedp.CSS("#delayMs"), "\r"))
	b.Await("1 fault is on: delay 250 ms on graph@docker", "ends in", "Delay a route", "What to look at", "7")
	part.mu.Lock()
	if got := part.orders; len(got) != 1 || got[0].Target != "graph@docker" || got[0].DelayMS != 250 || got[0].Seconds != 60 {
		t.Errorf("ordered: got %+v", got)
	}
	part.mu.Unlock()
	b.Run(chromedp.Click(chromedp.CSS(`a[href="/topics"].rail-link`)))
	b.Await("19 topics", "1 fault is on: delay 250 ms on graph@docker")
	b.Run(chromedp.Click(chromedp.CSS(".fault-strip button")))
	b.AwaitGone("1 fault is on")
	b.Open("http://" + s.address + "/faults")
	b.Await("Ended", "delay 250 ms on graph@docker")

	b.Open("http://" + s.address + "/faults/new?kind=route-drop&target=graph@docker")
	b.Await("Drop a route's requests")
	b.Run(submit)
	b.Await("Nothing was broken", "the gateway will not have it")
}

func TestPageFaultsOff(t *testing.T) {
	t.Parallel()
	s := newStack()
	o, _, _ := withFaults(t, s.options(t, "127.0.0.1:0", nil), "the stack runs on somebody's Kafka cluster")
	s.start(t, o)
	b := stacktest.OpenTab(t)
	b.Open("http://" + s.address + "/faults")
	b.Await("Nothing can be broken here", "the stack runs on somebody's Kafka cluster")
	b.AssertNoConsoleErrors()
}

// TestFaultsAPI drives the faults as a script does.
func TestFaultsAPI(t *testing.T) {
	t.Parallel()
	s := newStack()
	o, _, r := withFaults(t, s.options(t, "127.0.0.1:0", nil), "")
	s.start(t, o)
	call := func(method, path, body string) (int, string) {
		t.Helper()
		res, text := s.call(t, method, path, body, map[string]string{"Content-Type": "application/json"})
		return res.StatusCode, text
	}
	if status, body := call("POST", "/api/faults", `{"kind":"melt"}`); status != 422 || !strings.Contains(body, "/kind") {
		t.Errorf("an unknown kind: got %d %s", status, body)
	}
	if status, body := call("POST", "/api/faults", `{"kind":"topic-drop","target":"a","seconds":4000}`); status != 422 ||
		!strings.Contains(body, "/seconds") {
		t.Errorf("too long: got %d %s", status, body)
	}
	status, body := call("POST", "/api/faults", `{"kind":"topic-drop","target":"a","percent":50}`)
	if status != 201 || !strings.Contains(body, `"text":"lose 50 % of records of a"`) {
		t.Fatalf("begin: got %d %s", status, body)
	}
	id := r.List().Items[0].ID
	if status, body := call("GET", "/api/faults", ""); status != 200 || !strings.Contains(body, id) {
		t.Errorf("list: got %d %s", status, body)
	}
	if status, _ := call("DELETE", "/api/faults/"+id, ""); status != 204 {
		t.Errorf("end: got %d", status)
	}
	if status, _ := call("DELETE", "/api/faults/"+id, ""); status != 404 {
		t.Errorf("end again: got %d", status)
	}
	call("POST", "/api/faults", `{"kind":"coordinator-lost"}`)
	if status, body := call("DELETE", "/api/faults", ""); status != 200 || !strings.Contains(body, `"ended":1`) {
		t.Errorf("end all: got %d %s", status, body)
	}
}
