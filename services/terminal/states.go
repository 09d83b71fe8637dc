package terminal

import (
	"strings"
	"time"

	"axion/web/view"
)

const (
	// settleTime is how long a change may lead to others before it is shown.
	settleTime = 50 * time.Millisecond
	// detailTime is between two details of the same state, such as how much is fetched.
	detailTime = 2 * time.Second
)

// byAxion is the provider of services that are part of axion.
const byAxion = "axion"

// shown is what was shown of a service.
type shown struct {
	state  view.ServiceState
	detail string
	at     time.Time
}

// stateLine is what a service does, as JSON.
type stateLine struct {
	Service string            `json:"service"`
	Time    time.Time         `json:"time"`
	State   view.ServiceState `json:"state"`
	Detail  string            `json:"detail,omitempty"`
	Hint    string            `json:"hint,omitempty"`
}

// states writes what services do, where that has changed, and returns when to look again; 0
// for not before a change.
func (p *Printer) states(services []view.Service, now time.Time) (again time.Duration) {
	if p.flags.Quiet {
		return 0
	}
	var b strings.Builder
	for _, s := range services {
		was := p.known[s.Name]
		if was.state == s.State && was.detail == s.Detail {
			continue
		}
		if wait := was.at.Add(detailTime).Sub(now); was.state == s.State && wait > 0 {
			again = wait
			continue
		}
		text, at := p.state(s, was.state), now
		if p.json {
			text = object(stateLine{s.Name, now.UTC(), s.State, s.Detail, s.Hint})
		}
		if text == "" {
			at = time.Time{}
		}
		p.known[s.Name] = shown{s.State, s.Detail, at}
		b.WriteString(text)
	}
	p.write(b.String())
	return again
}

// state is what a service does as it is shown: nothing where the log says it, or it says
// nothing that is new.
func (p *Printer) state(s view.Service, was view.ServiceState) string {
	text, style := string(s.State), dim
	switch s.State {
	case view.ServiceFailed, view.ServiceRestarting:
		return "" // the log says why
	case view.ServiceStopped:
		if was == "" || was == view.ServiceWaiting || s.Provider == byAxion {
			return "" // it did not run
		}
	case view.ServiceStarting:
		if s.Detail == "" {
			return ""
		}
		text = s.Detail
	case view.ServiceWaiting:
		text = s.Detail
	case view.ServiceRunning:
		style = green
		if text = "running" + at(s.Ports); s.Provider == byAxion {
			text = "running: axion itself" // nothing is started for it
		}
	case view.ServiceCompleted:
	case view.ServiceUnhealthy:
		style = yellow
		text += ": " + s.Detail
	}
	if text == "" {
		return ""
	}
	line := p.prefix(s.Name, "›") + paint(p.color, style, clean(text, false)) + "\n"
	if s.Hint != "" {
		line += p.prefix(s.Name, "›") + paint(p.color, cyan, "hint: ") + clean(s.Hint, false) + "\n"
	}
	return line
}

// at lists where a service listens.
func at(ports []view.ServicePort) string {
	all := make([]string, 0, len(ports))
	for _, p := range ports {
		all = append(all, p.Address)
	}
	if len(all) == 0 {
		return ""
	}
	return " at " + strings.Join(all, ", ")
}
