package services

import (
	"context"
	"fmt"

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
// is absent; with none of them there is nothing to tell.
func (s *Set) Status(ctx context.Context, httpsPort int) []Status {
	if s.none {
		return nil
	}
	running := map[string]*member{}
	for _, m := range s.members {
		running[m.Name] = m
	}
	var all []Status
	for _, service := range contract.Services() {
		st := Status{
			Name: service.Name, Kind: "service", State: "healthy", URL: contract.PublicURL(service.Host, httpsPort),
		}
		m := running[service.Name]
		if m == nil {
			st.State, st.Detail = "absent", fmt.Sprintf("not started here: your own goes on port %d", service.Port)
		} else {
			st.Address = m.listener.Addr().String()
			if err := m.host.Ready(ctx); err != nil {
				st.State, st.Detail = "unhealthy", err.Error()
			}
		}
		all = append(all, st)
	}
	return all
}

// Token gives a bearer token of the development user; empty without the builtin
// auth service.
func (s *Set) Token(ctx context.Context) (string, error) {
	if s.auth == nil {
		return "", nil
	}
	return s.auth.DevelopmentToken(ctx)
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
