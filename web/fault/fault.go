// Package fault keeps what is broken in the stack on purpose: which faults are
// on, for how long, and how often they hit. Each ends by itself.
//
// The parts break their own things; this package knows them by functions.
package fault

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"
)

// Bounds of what is kept.
const (
	maxActive = 32
	maxRecent = 50
)

// Kinds of faults. What they mean for a part is the part's business.
const (
	RouteDelay      = "route-delay"
	RouteError      = "route-error"
	RouteDrop       = "route-drop"
	TopicDelay      = "topic-delay"
	TopicError      = "topic-error"
	TopicDuplicate  = "topic-duplicate"
	TopicDrop       = "topic-drop"
	CoordinatorLost = "coordinator-lost"
	BrokerRestart   = "broker-restart"
)

// Order is what to break.
type Order struct {
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

// complete fills in the defaults, and says what is wrong with the order.
func (o *Order) complete() error {
	set := func(at *int, usual int) {
		if *at == 0 {
			*at = usual
		}
	}
	set(&o.Percent, 100)
	if o.Kind == BrokerRestart {
		set(&o.Seconds, 1)
	}
	set(&o.Seconds, 60)
	switch o.Kind {
	case RouteDelay, TopicDelay:
		if o.DelayMS+o.JitterMS == 0 {
			return fmt.Errorf("a delay needs delayMs, such as 500")
		}
	case RouteError:
		set(&o.Status, 503)
	case TopicError:
		if o.Code == "" {
			o.Code = "NOT_LEADER_FOR_PARTITION"
		}
	case BrokerRestart:
		o.Target = ""
		if o.Seconds > 60 {
			return fmt.Errorf("the broker can be away for 60 seconds at most")
		}
	}
	if o.Target == "" && o.Kind != CoordinatorLost && o.Kind != BrokerRestart {
		return fmt.Errorf("%s needs a target: %s", o.Kind, map[bool]string{true: "a router or a service", false: "a topic"}[o.route()])
	}
	return nil
}

// route reports whether the gateway is what breaks.
func (o Order) route() bool {
	return o.Kind == RouteDelay || o.Kind == RouteError || o.Kind == RouteDrop
}

// String says what is broken, such as "delay 500 ms on graph@docker".
func (o Order) String() string {
	share, target := "", o.Target
	if o.Percent < 100 {
		share = strconv.Itoa(o.Percent) + " % of "
	}
	if o.Partition != nil {
		target += "/" + strconv.Itoa(int(*o.Partition))
	}
	amount := strconv.Itoa(o.DelayMS)
	if o.JitterMS > 0 {
		amount += " to " + strconv.Itoa(o.DelayMS+o.JitterMS)
	}
	switch o.Kind {
	case RouteDelay, TopicDelay:
		if share != "" {
			return "delay " + amount + " ms for " + share + "requests to " + target
		}
		return "delay " + amount + " ms on " + target
	case RouteError:
		return fmt.Sprintf("error %d for %srequests to %s", o.Status, share, target)
	case RouteDrop:
		return "drop " + share + "requests to " + target
	case TopicError:
		return fmt.Sprintf("error %s for %srequests to %s", o.Code, share, target)
	case TopicDuplicate:
		return "deliver " + share + "records of " + target + " twice"
	case TopicDrop:
		return "lose " + share + "records of " + target
	case CoordinatorLost:
		if target == "" {
			target = "every group"
		}
		return "coordinator lost for " + target
	}
	return "broker restart"
}

// Fault is an order that was carried out.
type Fault struct {
	ID   string `json:"id"`
	Text string `json:"text" doc:"What is broken, for people."`
	Order
	At    time.Time  `json:"at"`
	Until time.Time  `json:"until" doc:"When it ends by itself."`
	Ended *time.Time `json:"ended,omitempty" doc:"When it ended."`
	Why   string     `json:"why,omitempty" doc:"Why it ended, where not by its time."`
	Hits  int64      `json:"hits" doc:"The requests, or records, that it hit so far."`
	// LeftMS is how long it goes on: clocks of browsers differ.
	LeftMS int64 `json:"leftMs" doc:"For how many milliseconds it goes on."`
}

// Broken is what a part has broken.
type Broken interface {
	Hits() int64
	// End ends the fault. Calls after the first do nothing.
	End()
}

// Break breaks what an order says. Its error is for the one who ordered.
type Break func(Order) (Broken, error)

// By lets a part take orders in its own type, which an order fills by its JSON.
func By[O any, B Broken](part func(O) (B, error)) Break {
	return func(o Order) (Broken, error) {
		var own O
		text, err := json.Marshal(o)
		if err == nil {
			err = json.Unmarshal(text, &own)
		}
		if err != nil {
			return nil, fmt.Errorf("pass the order on: %w", err)
		}
		b, err := part(own)
		if err != nil {
			return nil, err
		}
		return b, nil
	}
}
