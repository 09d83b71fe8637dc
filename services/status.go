package services

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"axion/services/bus"
	"axion/services/contract"
	"axion/services/host"
)

// Status is how one service is, in the words of the dashboard.
type Status struct {
	Name    string `json:"name"`
	Kind    string `json:"kind"`
	State   string `json:"state"` // healthy, unhealthy or absent
	Detail  string `json:"detail,omitempty"`
	Address string `json:"address,omitempty"`
	URL     string `json:"url"`
	Version string `json:"version,omitempty"`
	// Port is where it goes by itself, and where a process of the user's own is
	// looked for.
	Port int `json:"port"`
	// Yours says that a process of the user's own is in its place.
	Yours     bool       `json:"yours,omitempty"`
	Instances []Instance `json:"instances,omitempty"`
	// Problems are what a person should see to, though the service may work.
	Problems []Problem `json:"problems,omitempty"`
	// Consumes and Produces are topics.
	Consumes []string `json:"consumes"`
	Produces []string `json:"produces"`
}

// Instance is one of those that run here. It is never restarted by itself: a
// builtin that fails ends the stack.
type Instance struct {
	Address   string       `json:"address"`
	StartedAt time.Time    `json:"startedAt"`
	Moved     bool         `json:"moved,omitempty"` // the service's port was taken
	Depends   []Dependency `json:"depends"`
}

// Problem is one of a service's database.
type Problem struct {
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
}

// Dependency is something that an instance cannot work without.
type Dependency struct {
	Name   string `json:"name"` // "SQLite", "PostgreSQL", "storage", "broker", or a service that it asks
	State  string `json:"state"`
	Detail string `json:"detail,omitempty"` // why it cannot be used
}

// Status asks every builtin whether it can do its work. One that is not run here
// is absent, unless a process of the user's own is in its place: on its port, or in its
// consumer group. With none of
// them there is nothing to tell.
func (s *Set) Status(ctx context.Context, httpsPort int) []Status {
	if s.none {
		return nil
	}
	running := map[string][]*member{}
	for _, m := range s.members {
		running[m.Name] = append(running[m.Name], m)
	}
	services := contract.Services()
	all := make([]Status, len(services))
	var asking sync.WaitGroup
	for i, service := range services {
		all[i] = Status{
			Name: service.Name, Kind: "service", State: "healthy", URL: contract.PublicURL(service.Host, httpsPort), Port: service.Port,
			Consumes: contract.Consumes(service.Name), Produces: contract.Produces(service.Name),
		}
		asking.Go(func() { s.ask(ctx, &all[i], running[service.Name]) })
	}
	asking.Wait() // side by side: a broker that is away keeps each of them waiting
	return all
}

// ask asks the instances of one service, or looks for who is in their place.
func (s *Set) ask(ctx context.Context, st *Status, instances []*member) {
	if len(instances) > 0 {
		st.Version = s.version
		st.ask(ctx, instances, s.storeName())
		return
	}
	st.foreign(ctx, s.client, s.replaced(st.Name), probeTime)
	if !st.Yours {
		st.reading(ctx, s.readers)
	}
}

// ask tells how a service is whose instances run here: as well as the one that is
// the least.
func (st *Status) ask(ctx context.Context, instances []*member, store string) {
	st.Address = instances[0].listener.Addr().String()
	if len(instances) > 1 {
		st.Detail = strconv.Itoa(len(instances)) + " instances"
	}
	depends := make([][]host.Dependency, len(instances))
	var asking sync.WaitGroup
	for n, m := range instances {
		asking.Go(func() { depends[n] = m.host.Depends(ctx) })
	}
	asking.Wait()
	for n, m := range instances {
		i := Instance{Address: m.listener.Addr().String(), StartedAt: m.started, Moved: m.moved}
		if m.moved && st.Detail == "" {
			st.Detail = "port " + strconv.Itoa(st.Port) + " is taken: it moved to " + strconv.Itoa(portOf(m.listener))
		}
		for _, d := range depends[n] {
			told := Dependency{Name: d.Name, State: "healthy"}
			switch d.Name {
			case "database":
				told.Name = store
			case "bus":
				told.Name = "broker"
			}
			switch {
			case d.Err == nil:
			case d.Partly:
				told.State, told.Detail = "unhealthy", d.Err.Error()
				if st.State == "healthy" {
					st.Detail = told.Name + ": " + told.Detail
				}
			default:
				told.State, told.Detail = "unhealthy", d.Err.Error()
				st.State, st.Detail = "unhealthy", i.Address+": "+told.Name+": "+told.Detail
			}
			i.Depends = append(i.Depends, told)
		}
		st.Instances = append(st.Instances, i)
		st.tell(m.host.Damage())
	}
}

// tell adds problems; those of a database that instances share are told once.
func (st *Status) tell(problems []error) {
	for _, err := range problems {
		told := Problem{Message: err.Error()}
		var mender interface{ Mend() string }
		if errors.As(err, &mender) {
			told.Hint = mender.Mend()
		}
		if !slices.Contains(st.Problems, told) {
			st.Problems = append(st.Problems, told)
		}
	}
}

// storeName is what the services keep their data in.
func (s *Set) storeName() string {
	if s.database == "" {
		return "SQLite"
	}
	return "PostgreSQL"
}

func portOf(l net.Listener) int {
	if a, ok := l.Addr().(*net.TCPAddr); ok {
		return a.Port
	}
	return 0
}

// probeTime bounds the question whether a user's own service is up.
const probeTime = 300 * time.Millisecond

// foreign tells how the processes are that take a builtin's place: absent unless
// one of their addresses takes the question for /health. One that answers nothing in the
// given time, as in a debugger, is unhealthy, and so is one of another user of this
// machine, who is sent nothing.
func (st *Status) foreign(ctx context.Context, client *http.Client, addresses []string, patience time.Duration) {
	st.State = "absent"
	if len(addresses) == 0 {
		st.Detail = "not started here: start yours by axion serve " + st.Name + ", or say where it is by --without " + st.Name + "=ADDRESS"
		return
	}
	st.Detail = "not started here: your own goes on " + strings.Join(addresses, ", ")
	for _, address := range addresses {
		if st.ping(ctx, client, address, patience); st.State == "healthy" {
			return
		}
	}
}

// ping asks the process at one address.
func (st *Status) ping(ctx context.Context, client *http.Client, address string, patience time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/health", nil)
	if err != nil {
		return
	}
	res, err := client.Do(req)
	var refused interface{ Mend() string }
	if errors.As(err, &refused) {
		st.State, st.Detail = "unhealthy", "not asked: "+errors.Unwrap(err).Error()
	}
	if errors.Is(err, context.DeadlineExceeded) {
		st.Address, st.Yours = address, true
		st.State, st.Detail = "unhealthy", "yours: /health does not answer in "+patience.String()
	}
	if err != nil {
		return
	}
	_ = res.Body.Close()
	st.Address, st.Yours = address, true
	if st.State, st.Detail = "healthy", "yours"; res.StatusCode != http.StatusOK {
		st.State, st.Detail = "unhealthy", "yours: /health answers "+res.Status
	}
}

// reading tells of a process in a builtin's place that listens on Kafka alone, as
// NestJS's microservices do: it is in the service's consumer group.
func (st *Status) reading(ctx context.Context, readers func(context.Context, string) (int, error)) {
	if readers == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	group := bus.Group(st.Name)
	if n, err := readers(ctx, group); err == nil && n > 0 {
		st.State, st.Yours = "healthy", true
		st.Detail = fmt.Sprintf("yours: %d in consumer group %s", n, group)
	}
}
