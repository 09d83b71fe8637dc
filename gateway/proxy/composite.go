package proxy

import (
	"net/http"
	"slices"
	"sync"
	"sync/atomic"

	"axion/gateway/config"
)

// weighted spreads requests over services.
type weighted struct {
	compositeBase
	strategy string
	weights  []int
	names    []string
	stick    *sticky
	up       atomic.Pointer[picked]
	mu       sync.Mutex // orders changes of up
}

// picked are the children that are up, and how one is chosen.
type picked struct {
	children []int
	picker   picker
}

// NewWeighted spreads requests over children by weight. Children that are down are
// passed over.
func NewWeighted(name string, c *config.Weighted, children []Service) (Service, error) {
	w, err := newSpread(name, config.StrategyWRR, c.Services, children, c.HealthCheck != nil)
	if err != nil {
		return nil, err
	}
	w.stick = newStick(name, c.Sticky)
	return w, nil
}

// NewHRW spreads clients over children by their address, so that each stays at its
// own.
func NewHRW(name string, c *config.HighestRandomWeight, children []Service) (Service, error) {
	return newSpread(name, config.StrategyHRW, c.Services, children, c.HealthCheck != nil)
}

func newSpread(name, strategy string, list []config.WeightedService, children []Service, reports bool) (*weighted, error) {
	w := &weighted{compositeBase: compositeBase{name: name, reports: reports}, strategy: strategy}
	for i, s := range list {
		weight := 1
		if s.Weight != nil {
			weight = *s.Weight
		}
		if weight > 0 {
			w.children, w.weights, w.names = append(w.children, children[i]), append(w.weights, weight), append(w.names, s.Name)
		}
	}
	if err := w.choose(); err != nil {
		return nil, err
	}
	for _, c := range w.children {
		w.removes = append(w.removes, c.OnChange(func(bool) { _ = w.choose() })) // the strategy is known to be right
	}
	w.follow(w.anyUp)
	return w, nil
}

func (w *weighted) choose() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := &picked{}
	var weights []int
	var names []string
	for i, c := range w.children {
		if c.Up() {
			p.children, weights, names = append(p.children, i), append(weights, w.weights[i]), append(names, w.names[i])
		}
	}
	var err error
	if p.picker, err = newPicker(w.strategy, weights, names, nil); err == nil {
		w.up.Store(p)
	}
	return err
}

// ServeHTTP hands r to a child that is up.
func (w *weighted) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	up := w.up.Load()
	if slices.ContainsFunc(up.children, func(i int) bool { return !w.children[i].Up() }) { // it has not reported yet
		_ = w.choose()
		up = w.up.Load()
	}
	switch {
	case len(up.children) == len(w.children):
	case len(up.children) > 0:
		w.ProbeSoon()
	case w.AwaitUp(r.Context()):
		_ = w.choose() // a child may not have reported yet
		up = w.up.Load()
	}
	if w.stick != nil {
		if t := w.stick.of(r); t != "" {
			for _, i := range up.children {
				if cookieValue(w.names[i]) == t {
					w.children[i].ServeHTTP(rw, r)
					return
				}
			}
		}
	}
	if len(up.children) == 0 {
		if answerEnded(rw, r) {
			return
		}
		failure{Status: http.StatusServiceUnavailable, Service: w.name, Detail: "no available server",
			Remedy: "None of its services is up."}.answer(rw, r)
		return
	}
	i := up.children[up.picker.pick(r)]
	if w.stick != nil {
		w.stick.give(rw, cookieValue(w.names[i]))
	}
	w.children[i].ServeHTTP(rw, r)
}

// failover has one service answer for another.
type failover struct {
	compositeBase
	statuses []statusRange
	limit    int64 // bytes that a body may have for the second try's sake; negative means any
}

// NewFailover answers from main while it is up, else from fallback; where the
// configuration says so, also for answers of main that count as failures.
func NewFailover(name string, c *config.Failover, main, fallback Service) (Service, error) {
	f := &failover{compositeBase: compositeBase{name: name, children: []Service{main, fallback}, reports: c.HealthCheck != nil}, limit: -1}
	if c.Errors != nil {
		var err error
		if f.statuses, err = spansOf(c.Errors.Status); err != nil {
			return nil, err
		}
		if n := c.Errors.MaxRequestBodyBytes; n != nil {
			f.limit = *n
		}
	}
	f.follow(f.anyUp)
	return f, nil
}

// ServeHTTP tries the main service first.
func (f *failover) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	main, fallback := f.children[0], f.children[1]
	if !main.Up() {
		if main.ProbeSoon(); !fallback.Up() {
			f.AwaitUp(r.Context())
		}
	}
	switch {
	case !main.Up():
		fallback.ServeHTTP(w, r)
	case len(f.statuses) == 0:
		main.ServeHTTP(w, r)
	default:
		f.tryMain(w, r)
	}
}
