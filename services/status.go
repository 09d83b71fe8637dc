package services

import (
	"context"
	"net"
	"net/http"
	"strconv"
	"time"

	"axion/services/auth"
	"axion/services/contract"
)

// Status is how one service is, in the words of the dashboard.
type Status struct {
	Name    string `json:"name"`
	Kind    string `json:"kind"`
	State   string `json:"state"` // healthy, unhealthy or absent
	Detail  string `json:"detail,omitempty"`
	Address string `json:"address,omitempty"`
	URL     string `json:"url"`
}

// Status asks every builtin whether it can do its work. One that is not run here
// is absent, unless a process of the user's own is in its place. With none of
// them there is nothing to tell.
func (s *Set) Status(ctx context.Context, httpsPort int) []Status {
	if s.none {
		return nil
	}
	running := map[string][]*member{}
	for _, m := range s.members {
		running[m.Name] = append(running[m.Name], m)
	}
	var all []Status
	for _, service := range contract.Services() {
		st := Status{
			Name: service.Name, Kind: "service", State: "healthy", URL: contract.PublicURL(service.Host, httpsPort),
		}
		if instances := running[service.Name]; len(instances) == 0 {
			st.foreign(ctx, service.Port)
		} else {
			st.ask(ctx, instances)
		}
		all = append(all, st)
	}
	return all
}

// ask tells how a service is whose instances run here: as well as the one that is
// the least.
func (st *Status) ask(ctx context.Context, instances []*member) {
	st.Address = instances[0].listener.Addr().String()
	if len(instances) > 1 {
		st.Detail = strconv.Itoa(len(instances)) + " instances"
	}
	for _, m := range instances {
		if err := m.host.Ready(ctx); err != nil {
			st.State, st.Detail = "unhealthy", m.listener.Addr().String()+": "+err.Error()
		}
	}
}

// probeTime bounds the question whether a user's own service is up.
const probeTime = 300 * time.Millisecond

// foreign tells how the process is that takes a builtin's place: absent unless
// its port answers /health.
func (st *Status) foreign(ctx context.Context, port int) {
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	st.State, st.Detail = "absent", "not started here: your own goes on port "+strconv.Itoa(port)
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/health", nil)
	if err != nil {
		return
	}
	req.Close = true
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return
	}
	_ = res.Body.Close()
	st.Address = address
	if st.State, st.Detail = "healthy", "yours"; res.StatusCode != http.StatusOK {
		st.State, st.Detail = "unhealthy", "yours: /health answers "+res.Status
	}
}

// Token gives a bearer token of the development user; empty without the builtin
// auth service.
func (s *Set) Token(ctx context.Context) (string, error) {
	if s.auth == nil {
		return "", nil
	}
	return s.auth.DevelopmentToken(ctx)
}

// User is how the development user signs in; empty without the builtin auth
// service.
func (s *Set) User() string {
	if s.AuthURL() == "" {
		return ""
	}
	return auth.DevelopmentEmail + ", password " + auth.DevelopmentPassword
}

// AuthURL is the builtin identity provider's direct address; empty without it.
func (s *Set) AuthURL() string {
	for _, m := range s.members {
		if m.Name == contract.Auth {
			return "http://" + m.listener.Addr().String()
		}
	}
	return ""
}
