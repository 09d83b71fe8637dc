// Package fault keeps the faults that are injected into the stack: which are on, for
// how long, and how often they hit. Each ends by itself.
//
// The gateway and the broker inject their own; this package knows them by functions.
package fault

import (
	"fmt"
	"strconv"
	"time"

	"axion/web/view"
)

// Bounds of what is kept.
const (
	maxActive = 32
	maxRecent = 50
)

// complete fills the defaults in, and says what is wrong with the spec.
func complete(o *view.FaultSpec) error {
	set := func(at *int, usual int) {
		if *at == 0 {
			*at = usual
		}
	}
	set(&o.Percent, 100)
	if o.Kind == view.FaultBrokerRestart {
		set(&o.Seconds, 1)
	}
	set(&o.Seconds, 60)
	switch o.Kind {
	case view.FaultRouteDelay, view.FaultTopicDelay:
		if o.DelayMS+o.JitterMS == 0 {
			return fmt.Errorf("a delay needs delayMs, such as 500")
		}
	case view.FaultRouteError:
		set(&o.Status, 503)
	case view.FaultTopicError:
		if o.Code == "" {
			o.Code = "NOT_LEADER_FOR_PARTITION"
		}
	case view.FaultBrokerRestart:
		o.Target = ""
		if o.Seconds > 60 {
			return fmt.Errorf("the broker can be away for 60 seconds at most")
		}
	}
	if o.Target == "" && o.Kind != view.FaultCoordinatorLost && o.Kind != view.FaultBrokerRestart {
		return fmt.Errorf("%s needs a target: %s", o.Kind, map[bool]string{true: "a router or a service", false: "a topic"}[isRoute(o.Kind)])
	}
	return nil
}

// isRoute reports whether faults of the kind are the gateway's.
func isRoute(kind string) bool {
	return kind == view.FaultRouteDelay || kind == view.FaultRouteError || kind == view.FaultRouteDrop
}

// describe says what a fault does, such as "delay 500 ms on graph@docker".
func describe(o view.FaultSpec) string {
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
	case view.FaultRouteDelay, view.FaultTopicDelay:
		if share != "" {
			return "delay " + amount + " ms for " + share + "requests to " + target
		}
		return "delay " + amount + " ms on " + target
	case view.FaultRouteError:
		return fmt.Sprintf("error %d for %srequests to %s", o.Status, share, target)
	case view.FaultRouteDrop:
		return "drop " + share + "requests to " + target
	case view.FaultTopicError:
		return fmt.Sprintf("error %s for %srequests to %s", o.Code, share, target)
	case view.FaultTopicDuplicate:
		return "deliver " + share + "records of " + target + " twice"
	case view.FaultTopicDrop:
		return "lose " + share + "records of " + target
	case view.FaultCoordinatorLost:
		if target == "" {
			target = "every group"
		}
		return "coordinator lost for " + target
	}
	return "broker restart"
}

// Fault is a fault that was injected.
type Fault struct {
	ID   string `json:"id"`
	Text string `json:"text" doc:"What the fault does, for people."`
	view.FaultSpec
	At    time.Time  `json:"at"`
	Until time.Time  `json:"until" doc:"When it ends by itself."`
	Ended *time.Time `json:"ended,omitempty" doc:"When it ended."`
	Why   string     `json:"why,omitempty" doc:"Why it ended, where not by its time."`
	Hits  int64      `json:"hits" doc:"The requests, or records, that it hit so far."`
	// LeftMS is how long it goes on: clocks of browsers differ.
	LeftMS int64 `json:"leftMs" doc:"For how many milliseconds it goes on."`
}

// Injector injects the fault that a spec describes. Its error is for the one who asked.
type Injector = func(view.FaultSpec) (view.FaultHandle, error)
