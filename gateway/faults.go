package gateway

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"axion/gateway/config"
	"axion/gateway/fault"
	"axion/web/view"
)

// Break has requests fail on purpose until the fault's End is called. The error
// says that no router, and no service of one, has the target's name.
func (g *Gateway) Break(spec view.FaultSpec) (view.FaultHandle, error) {
	f := fault.Fault{Kind: spec.Kind, Target: spec.Target, Percent: spec.Percent, DelayMS: spec.DelayMS, JitterMS: spec.JitterMS,
		Status: spec.Status}
	known := map[string]bool{}
	for _, r := range g.table.Load().Routers {
		if r.Ready {
			known[r.Name], known[r.Config.Service], known[r.Config.Origin.Service] = true, true, true
		}
	}
	// A name may leave out its provider, as in labels.
	if !known[f.Target] && !strings.Contains(f.Target, "@") && known[f.Target+"@docker"] {
		f.Target += "@docker"
	}
	if !known[f.Target] || f.Target == "" {
		hint := "the dashboard's Routes page lists them"
		if near := config.Nearest(f.Target, slices.Sorted(maps.Keys(known))); near != "" {
			hint = "did you mean " + near + "?"
		}
		return nil, fmt.Errorf("no router or service %q answers requests: %s", f.Target, hint)
	}
	return g.faults.Add(f), nil
}
