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

	"axion/services/bus/groups"
	"axion/services/contract"
	"axion/services/host"
	"axion/web/view"
)

// serviceStatus is how one service is, while it is being found out.
type serviceStatus struct{ view.Part }

// Status asks every builtin whether it can do its work. One that is not run here
// is absent, unless a process of the user's own is in its place: on its port, or in its
// consumer group. With none of
// them there is nothing to report.
func (s *Builtins) Status(ctx context.Context, httpsPort int) []view.Part {
	if s.noBuiltins {
		return nil
	}
	running := map[string][]*instance{}
	for _, m := range s.instances {
		running[m.Name] = append(running[m.Name], m)
	}
	services := contract.Services()
	all := make([]view.Part, len(services))
	var asking sync.WaitGroup
	for i, service := range services {
		st := &serviceStatus{view.Part{
			Name: service.Name, Kind: view.KindService, State: view.StateHealthy, URL: contract.PublicURL(service.Host, httpsPort),
			Port:     service.Port,
			Consumes: contract.Consumes(service.Name), Produces: contract.Produces(service.Name),
		}}
		asking.Go(func() { s.checkService(ctx, st, running[service.Name]); all[i] = st.Part })
	}
	asking.Wait() // side by side: a broker that is away keeps each of them waiting
	return all
}

// checkService asks the instances of one service, or looks for who is in their place.
func (s *Builtins) checkService(ctx context.Context, st *serviceStatus, instances []*instance) {
	if len(instances) > 0 {
		st.Version = s.version
		st.checkInstances(ctx, instances, databaseName(s.database))
		return
	}
	st.probeExternal(ctx, s.client, s.replacementAddresses(st.Name), probeTimeout)
	if !st.External {
		st.probeConsumerGroup(ctx, s.groupMembers)
	}
}

// checkInstances says how a service is whose instances run here: as well as the one that is
// the least.
func (st *serviceStatus) checkInstances(ctx context.Context, instances []*instance, store string) {
	st.Address = instances[0].listener.Addr().String()
	if len(instances) > 1 {
		st.Detail = strconv.Itoa(len(instances)) + " instances"
	}
	depends := make([][]host.Dependency, len(instances))
	var asking sync.WaitGroup
	for n, m := range instances {
		asking.Go(func() { depends[n] = m.host.Dependencies(ctx) })
	}
	asking.Wait()
	for n, m := range instances {
		i := view.Instance{Address: m.listener.Addr().String(), StartedAt: m.started, PortChanged: m.portChanged}
		if m.portChanged && st.Detail == "" {
			st.Detail = "port " + strconv.Itoa(st.Port) + " is taken: it moved to " + strconv.Itoa(portOf(m.listener))
		}
		for _, d := range depends[n] {
			dependency := view.Dependency{Name: d.Name, State: view.StateHealthy}
			switch d.Name {
			case "database":
				dependency.Name = store
			case "bus":
				dependency.Name = "broker"
			}
			switch {
			case d.Err == nil:
			case d.Optional:
				dependency.State, dependency.Detail = view.StateUnhealthy, d.Err.Error()
				if st.State == view.StateHealthy {
					st.Detail = dependency.Name + ": " + dependency.Detail
				}
			default:
				dependency.State, dependency.Detail = view.StateUnhealthy, d.Err.Error()
				st.State, st.Detail = view.StateUnhealthy, i.Address+": "+dependency.Name+": "+dependency.Detail
			}
			i.Depends = append(i.Depends, dependency)
		}
		st.Instances = append(st.Instances, i)
		st.addProblems(m.host.Damage())
	}
}

// addProblems adds problems; those of a database that instances share are reported once.
func (st *serviceStatus) addProblems(problems []error) {
	for _, err := range problems {
		problem := view.PartProblem{Message: err.Error()}
		var hinter interface{ Hint() string }
		if errors.As(err, &hinter) {
			problem.Hint = hinter.Hint()
		}
		if !slices.Contains(st.Problems, problem) {
			st.Problems = append(st.Problems, problem)
		}
	}
}

// databaseName is the name of the database at a URL, which is empty for files.
func databaseName(url string) string {
	if url == "" {
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

// probeTimeout bounds the question whether a user's own service is up.
const probeTimeout = 300 * time.Millisecond

// probeExternal says how the processes are that take a builtin's place: absent unless
// one of their addresses takes the question for /health. One that answers nothing in the
// given time, as in a debugger, is unhealthy, and so is one of another user of this
// machine, who is sent nothing.
func (st *serviceStatus) probeExternal(ctx context.Context, client *http.Client, addresses []string, timeout time.Duration) {
	st.State = view.StateAbsent
	if len(addresses) == 0 {
		st.Detail = "not started here: start yours by axion serve " + st.Name + ", or say where it is by --without " + st.Name + "=ADDRESS"
		return
	}
	st.Detail = "not started here: your own goes on " + strings.Join(addresses, ", ")
	for _, address := range addresses {
		if st.probeAddress(ctx, client, address, timeout); st.State == view.StateHealthy {
			return
		}
	}
}

// probeAddress asks the process at one address.
func (st *serviceStatus) probeAddress(ctx context.Context, client *http.Client, address string, timeout time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/health", nil)
	if err != nil {
		return
	}
	res, err := client.Do(req)
	var refused interface{ Hint() string }
	if errors.As(err, &refused) {
		st.State, st.Detail = view.StateUnhealthy, "not asked: "+errors.Unwrap(err).Error()
	}
	if errors.Is(err, context.DeadlineExceeded) {
		st.Address, st.External = address, true
		st.State, st.Detail = view.StateUnhealthy, "yours: /health does not answer in "+timeout.String()
	}
	if err != nil {
		return
	}
	_ = res.Body.Close()
	st.Address, st.External = address, true
	if st.State, st.Detail = view.StateHealthy, "yours"; res.StatusCode != http.StatusOK {
		st.State, st.Detail = view.StateUnhealthy, "yours: /health answers "+res.Status
	}
}

// probeConsumerGroup reports a process in a builtin's place that listens on Kafka alone, as
// NestJS's microservices do: it is in the service's consumer group.
func (st *serviceStatus) probeConsumerGroup(ctx context.Context, groupMembers func(context.Context, string) (int, error)) {
	if groupMembers == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	group := groups.Name(st.Name)
	if n, err := groupMembers(ctx, group); err == nil && n > 0 {
		st.State, st.External = view.StateHealthy, true
		st.Detail = fmt.Sprintf("yours: %d in consumer group %s", n, group)
	}
}
