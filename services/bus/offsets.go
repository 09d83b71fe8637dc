package bus

import (
	"encoding/json"
	"fmt"
	"maps"
	"sync"
)

// Offsets are a place in a topic: by partition, the offset of the first record behind
// it. A partition that is missing is wholly behind it.
type Offsets map[int32]int64

// ParseOffsets reads what [Offsets.String] gave; "" is the beginning of a topic.
func ParseOffsets(text string) (Offsets, error) {
	o := Offsets{}
	if text == "" {
		return o, nil
	}
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		return nil, fmt.Errorf("offsets %q: %w", text, err)
	}
	return o, nil
}

// String is a JSON object of offsets by partition.
func (o Offsets) String() string {
	text, err := json.Marshal(o)
	if err != nil { // numbers always marshal
		return "{}"
	}
	return string(text)
}

// Before is the place that comes before both.
func (o Offsets) Before(other Offsets) Offsets {
	before := Offsets{}
	for id, at := range o {
		if to, ok := other[id]; ok {
			before[id] = min(at, to)
		}
	}
	return before
}

// progress is where somebody is in a topic, for several goroutines.
type progress struct {
	mu sync.Mutex
	at Offsets
}

// move notes an offset; next is the one behind it.
func (p *progress) move(partition int32, next int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.at == nil {
		p.at = Offsets{}
	}
	p.at[partition] = next
}

func (p *progress) offsets() Offsets {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.at)
}
