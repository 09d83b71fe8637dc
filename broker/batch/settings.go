package batch

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// maxAfter is Kafka's default message.timestamp.after.max.ms.
const maxAfter = 3_600_000

// Settings remembers topics' rules: asking the broker for each request would cost
// more than to check it. It is safe for concurrent use.
type Settings struct {
	// Load asks for a topic's own settings, by name; ok is false where there is no
	// such topic. It is required.
	Load func(topic string) (settings map[string]*string, ok bool)

	mu     sync.RWMutex
	rules  map[string]Rules
	forgot uint64 // how often Forget was called
}

// Rules are those of a topic.
func (s *Settings) Rules(topic string) (r Rules, ok bool) {
	s.mu.RLock()
	r, ok = s.rules[topic]
	forgot := s.forgot
	s.mu.RUnlock()
	if ok {
		return r, true
	}
	settings, ok := s.Load(topic)
	r = rulesOf(settings)
	if !ok {
		return r, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.forgot == forgot { // else it may be what the settings were before
		if s.rules == nil {
			s.rules = make(map[string]Rules)
		}
		s.rules[topic] = r
	}
	return r, true
}

// Forget is called when settings or topics may have changed.
func (s *Settings) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.rules)
	s.forgot++
}

// rulesOf reads a topic's own settings. Without its own max.message.bytes, the
// broker's counts, which is for the broker to check.
func rulesOf(settings map[string]*string) Rules {
	text := func(name string) string {
		if v := settings[name]; v != nil {
			return *v
		}
		return ""
	}
	number := func(name string, otherwise int64) int64 {
		if n, err := strconv.ParseInt(text(name), 10, 64); err == nil {
			return n
		}
		return otherwise
	}
	return Rules{
		MaxBytes:      int(number("max.message.bytes", math.MaxInt32)),
		Compacted:     slices.Contains(strings.Split(text("cleanup.policy"), ","), "compact"),
		LogAppendTime: text("message.timestamp.type") == "LogAppendTime",
		Before:        number("message.timestamp.before.max.ms", math.MaxInt64),
		After:         number("message.timestamp.after.max.ms", maxAfter),
	}
}
