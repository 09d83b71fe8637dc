package topics

import (
	"encoding/json"
	"fmt"
	"maps"
	"sync"
)

// Offsets are a position in a topic: by partition, the offset of the first record after
// it. A partition that is missing is wholly after it.
type Offsets map[int32]int64

// ParseOffsets reads the text of [Offsets.String]; "" is the beginning of a topic.
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

// Before is the position that is before both.
func (o Offsets) Before(other Offsets) Offsets {
	before := Offsets{}
	for id, at := range o {
		if to, ok := other[id]; ok {
			before[id] = min(at, to)
		}
	}
	return before
}

// Progress is a reader's position in a topic. It is safe for concurrent use.
type Progress struct {
	mu sync.Mutex
	at Offsets
}

// Set sets the offset of the next record of a partition.
func (p *Progress) Set(partition int32, next int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.at == nil {
		p.at = Offsets{}
	}
	p.at[partition] = next
}

// Offsets returns the position.
func (p *Progress) Offsets() Offsets {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.at)
}
