package view

import "time"

// ServiceState says what a service of the user's compose file is doing.
type ServiceState string

// States of a service.
const (
	ServiceWaiting    ServiceState = "waiting" // for what it depends on, or for the user to start it
	ServiceStarting   ServiceState = "starting"
	ServiceRunning    ServiceState = "running"
	ServiceUnhealthy  ServiceState = "unhealthy"
	ServiceRestarting ServiceState = "restarting"
	ServiceStopped    ServiceState = "stopped"
	ServiceCompleted  ServiceState = "completed"
	ServiceFailed     ServiceState = "failed"
)

// Service is one service of the user's compose file.
type Service struct {
	Name     string       `json:"name"`
	Provider string       `json:"provider" enum:"axion,provided,process,container,yours"`
	Reason   string       `json:"reason"` // why it is provided so
	State    ServiceState `json:"state"`
	// Detail is one line for a person: what it waits for, or why it does not run.
	Detail string `json:"detail,omitempty"`
	Hint   string `json:"hint,omitempty"`
	// Notes are what differs from what the file asks for.
	Notes   []string `json:"notes,omitempty"`
	Image   string   `json:"image,omitempty"`
	Command []string `json:"command,omitempty"`
	// Directory is where its command runs; empty for one that runs no command here.
	Directory string `json:"directory,omitempty"`
	Proposal  string `json:"proposal,omitempty"` // a command that waits for a yes
	File      string `json:"file"`
	Line      int    `json:"line"`
	// Instances run, or ran last.
	Instances []ServiceInstance `json:"instances"`
	Ports     []ServicePort     `json:"ports"`
	Rewrites  []Rewrite         `json:"rewrites"`
	// Events are its latest changes, oldest first.
	Events []ServiceEvent `json:"events,omitempty"`
}

// ServiceEventKind says what happened to a service.
type ServiceEventKind string

// Kinds of events.
const (
	ServiceStarted         ServiceEventKind = "started"
	ServiceWasRestarted    ServiceEventKind = "restarted"
	ServiceWasStopped      ServiceEventKind = "stopped"
	ServiceEnded           ServiceEventKind = "completed"
	ServiceCrashed         ServiceEventKind = "crashed" // it is started again
	ServiceEventFailed     ServiceEventKind = "failed"
	ServiceBecameUnhealthy ServiceEventKind = "unhealthy"
	ServiceBecameHealthy   ServiceEventKind = "healthy"
)

// ServiceEvent is something that happened to a service.
type ServiceEvent struct {
	At   time.Time        `json:"at"`
	Kind ServiceEventKind `json:"kind" enum:"started,restarted,stopped,completed,crashed,failed,unhealthy,healthy"`
	// Detail is the cause, for a person: who asked for it, which file changed, how it ended.
	Detail string `json:"detail,omitempty"`
	// Times is how often a service has crashed so in a row, with a restart after each; 0 is once.
	Times int `json:"times,omitempty"`
}

// ServiceInstance is one process of a service.
type ServiceInstance struct {
	PID       int       `json:"pid"` // 0 while none runs
	StartedAt time.Time `json:"startedAt,omitzero"`
	Restarts  int       `json:"restarts"`
	ExitCode  int       `json:"exitCode"` // of the last end; -1 by a signal
	Signal    string    `json:"signal,omitempty"`
	NextStart time.Time `json:"nextStart,omitzero"` // of one that has ended and is started again
	// LastLines are what one that has failed wrote at its end.
	LastLines []string `json:"lastLines,omitempty"`
	CPU       float64  `json:"cpu"`    // share of one core, with all that it has started
	Memory    uint64   `json:"memory"` // bytes that are resident, with all that it has started
}

// ServicePort is where a service listens for a port of its container.
type ServicePort struct {
	Port    int    `json:"port"` // that others call it at in a container
	Address string `json:"address"`
	// Published are further addresses that the file publishes it at.
	Published []string `json:"published,omitempty"`
}

// Rewrite is a variable in which a service's name was made an address.
type Rewrite struct {
	Variable string `json:"variable"`
	From     string `json:"from"`
	To       string `json:"to"`
	Service  string `json:"service"` // that is meant
}
