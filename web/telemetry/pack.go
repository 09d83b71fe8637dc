package telemetry

import (
	"encoding/json"
	"strings"
)

// packed is a span as it is kept. What is not needed to list and to find it is in one
// text, and no pointer leads from there: the collector, which would follow those of
// every kept span again and again, passes it by.
type packed struct {
	name, service string
	start, end    int64 // Unix time in nanoseconds
	root, failed  bool
	words         string // what [Filter.Text] is looked for in, in lower case
	text          string // the span, as JSON
}

// maxWord bounds what can be found of one attribute, in bytes.
const maxWord = 4 << 10

// separator is between words, so that none is found across two of them.
const separator = "\x00"

func pack(s *Span) (packed, error) {
	text, err := json.Marshal(s)
	if err != nil {
		return packed{}, err
	}
	words := append(make([]string, 0, 4+len(s.Attributes)), s.Name, s.Service, s.TraceID, s.Error[:min(len(s.Error), maxWord)])
	for _, v := range s.Attributes {
		if word, ok := v.(string); ok {
			words = append(words, word[:min(len(word), maxWord)])
		}
	}
	return packed{
		name: s.Name, service: s.Service, start: s.Start.UnixNano(), end: s.End.UnixNano(), root: s.ParentID == "", failed: s.Error != "",
		words: strings.ToLower(strings.Join(words, separator)), text: string(text),
	}, nil
}

// span is what was packed. Its numbers are each a [json.Number].
func (p *packed) span() (s Span) {
	numbers := json.NewDecoder(strings.NewReader(p.text))
	numbers.UseNumber()
	_ = numbers.Decode(&s) // it is what pack has written
	return s
}

// size is about what a span takes in memory, in bytes, with its trace: most have few.
func (p *packed) size() int { return 400 + len(p.words) + len(p.text) }
