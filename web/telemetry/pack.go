package telemetry

import (
	"encoding/json"
	"strings"
	"sync"
	"unicode/utf8"
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

// buffers are those that spans are packed in.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

func pack(s *Span) (packed, error) {
	buffer := buffers.Get().(*[]byte)
	defer buffers.Put(buffer)
	words := appendWord((*buffer)[:0], s.Name)
	for _, word := range [...]string{s.Service, s.TraceID, s.Error} {
		words = appendWord(append(words, separator...), word)
	}
	for _, v := range s.Attributes {
		if word, ok := v.(string); ok {
			words = appendWord(append(words, separator...), word)
		}
	}
	size := len(words)
	all, err := appendSpan(words, s)
	*buffer = all[:0]
	if err != nil {
		return packed{}, err
	}
	return packed{
		name: s.Name, service: s.Service, start: s.Start.UnixNano(), end: s.End.UnixNano(), root: s.ParentID == "", failed: s.Error != "",
		words: string(all[:size]), text: string(all[size:]),
	}, nil
}

// appendWord appends the beginning of a text in lower case.
func appendWord(to []byte, word string) []byte {
	word = word[:min(len(word), maxWord)]
	start := len(to)
	for i := range len(word) {
		c := word[i]
		if c >= utf8.RuneSelf {
			return append(to[:start], strings.ToLower(word)...)
		}
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		to = append(to, c)
	}
	return to
}

// span is what was packed. Its numbers are each a [json.Cursor].
func (p *packed) span() (s Span) {
	numbers := json.NewDecoder(strings.NewReader(p.text))
	numbers.UseNumber()
	_ = numbers.Decode(&s) // it is what pack has written
	return s
}

// size is about what a span takes in memory, in bytes, with its trace: most have few.
func (p *packed) size() int { return 400 + len(p.words) + len(p.text) }
