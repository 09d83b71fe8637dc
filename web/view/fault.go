package view

// Kinds of faults. The part that a fault is injected into defines what its kind does.
const (
	FaultRouteDelay      = "route-delay"
	FaultRouteError      = "route-error"
	FaultRouteDrop       = "route-drop"
	FaultTopicDelay      = "topic-delay"
	FaultTopicError      = "topic-error"
	FaultTopicDuplicate  = "topic-duplicate"
	FaultTopicDrop       = "topic-drop"
	FaultCoordinatorLost = "coordinator-lost"
	FaultBrokerRestart   = "broker-restart"
)

// FaultSpec says which fault to inject. The gateway takes those of routes, the broker the
// others; each reads the fields that its kinds need.
type FaultSpec struct {
	Kind      string `json:"kind" enum:"route-delay,route-error,route-drop,topic-delay,topic-error,topic-duplicate,topic-drop,coordinator-lost,broker-restart" doc:"What happens."`
	Target    string `json:"target,omitempty" maxLength:"249" doc:"A router, or a service (Traefik's or that of the compose file) for all its routers; a topic; a consumer group, or empty for all. The restart has none."`
	Partition *int32 `json:"partition,omitempty" minimum:"0" maximum:"999" doc:"The topic's only partition that is hit; all by default."`
	Percent   int    `json:"percent,omitempty" minimum:"1" maximum:"100" default:"100" doc:"The share of requests, or of records, that is hit."`
	DelayMS   int    `json:"delayMs,omitempty" minimum:"0" maximum:"60000" doc:"How much a delay adds, in milliseconds."`
	JitterMS  int    `json:"jitterMs,omitempty" minimum:"0" maximum:"60000" doc:"Up to how much more, by chance."`
	Status    int    `json:"status,omitempty" minimum:"400" maximum:"599" doc:"The HTTP status of route-error; 503 by default."`
	Code      string `json:"code,omitempty" maxLength:"64" doc:"The Kafka error of topic-error; NOT_LEADER_FOR_PARTITION by default, which clients retry."`
	Seconds   int    `json:"seconds,omitempty" minimum:"1" maximum:"3600" doc:"When the fault ends by itself, 60 by default. For so long the broker is away at its restart: 1 by default, and 60 at most."`
}

// FaultHandle is a fault that was injected. Its methods are safe for concurrent use.
type FaultHandle interface {
	// Hits is how many requests, or records, the fault has hit.
	Hits() int64
	// End ends the fault. Calls after the first do nothing.
	End()
}
