package web

import (
	"context"

	"axion/web/live"
	"axion/web/traffic"
	"axion/web/view"
)

// traffic measures what flows between the parts while a page is open.
func (o Options) traffic() *traffic.Monitor {
	return traffic.New(traffic.Options{
		Metrics: o.Metrics, Spans: o.Traces, Routes: o.trafficRoutes,
		Parts: func(ctx context.Context) []traffic.Part {
			ctx, cancel := context.WithTimeout(ctx, live.PollTimeout)
			defer cancel()
			return o.trafficParts(ctx)
		},
	})
}

func (o Options) trafficParts(ctx context.Context) []traffic.Part {
	var parts []traffic.Part
	for _, p := range o.system(ctx).Parts {
		parts = append(parts, traffic.Part{Name: p.Name, Kind: string(p.Kind), State: string(p.State), Detail: p.Detail})
	}
	for _, s := range o.Services() {
		if state, ok := trafficStates[s.State]; ok && s.Provider != "axion" {
			if s.Provider == "yours" && s.State == view.ServiceWaiting {
				state = view.StateAbsent
			}
			parts = append(parts, traffic.Part{Name: s.Name, Kind: string(view.KindService), State: string(state), Detail: s.Detail})
		}
	}
	return parts
}

// trafficStates are the states of parts for those of the compose file's services. What is
// complete takes part in nothing.
var trafficStates = map[view.ServiceState]view.State{
	view.ServiceWaiting: view.StateStarting, view.ServiceStarting: view.StateStarting, view.ServiceRestarting: view.StateUnhealthy,
	view.ServiceRunning: view.StateHealthy, view.ServiceUnhealthy: view.StateUnhealthy, view.ServiceFailed: view.StateUnhealthy,
	view.ServiceStopped: view.StateAbsent,
}

// trafficRoutes says which compose service is behind which of the gateway's.
func (o Options) trafficRoutes() []traffic.Route {
	var routes []traffic.Route
	for _, r := range o.Routes() {
		to := traffic.Route{Service: r.Service, Name: r.Origin.Service}
		if to.Name == o.Name { // the dashboard itself
			to.Name, to.HideWhenIdle = string(view.KindDashboard), true
		}
		for _, server := range r.Servers {
			to.Known, to.Checked = true, to.Checked || server.Checked
			to.Up = to.Up || server.Status == view.ServerUp
		}
		routes = append(routes, to)
	}
	return routes
}
