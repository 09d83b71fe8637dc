package retention

import (
	"cmp"
	"log/slog"
	"slices"
	"sync"
	"time"
)

// Kinds of problems.
const (
	KindLost      = "records-lost"   // records went before a group had read them
	KindDirectory = "directory-size" // the data directory is large
	KindLow       = "disk-low"       // the disk has little room left
	KindFull      = "disk-full"      // the disk has no room left: no records are taken
)

const (
	// maxProblems bounds the losses that are held: the newest.
	maxProblems = 200
	// lossTime is for how long a loss is a problem after it happened last.
	lossTime = time.Hour
)

// Problem is one that a person should know of.
type Problem struct {
	Kind    string `json:"kind" enum:"records-lost,directory-size,disk-low,disk-full"`
	Message string `json:"message"`
	// Hint says what helps.
	Hint string `json:"hint,omitempty"`
	// Topic, Group and Records are of losses alone: Records is how many went
	// since Since.
	Topic   string    `json:"topic,omitempty"`
	Group   string    `json:"group,omitempty"`
	Records int64     `json:"records,omitempty"`
	Since   time.Time `json:"since"`
	At      time.Time `json:"at" doc:"The last time that it happened."`
}

// Journal holds the problems, and logs each when it begins. Its methods are
// safe for concurrent use; a nil Journal has no problems.
type Journal struct {
	log  *slog.Logger
	mu   sync.Mutex
	lost map[[2]string]*Problem // by topic and group
	on   map[string]Problem     // by kind, while they last
}

// NewJournal returns one that logs to log.
func NewJournal(log *slog.Logger) *Journal {
	return &Journal{log: log, lost: map[[2]string]*Problem{}, on: map[string]Problem{}}
}

const lossHint = "raise the topic's retention.ms or retention.bytes, or --kafka-retention and --kafka-retention-bytes"

// logLoss warns that records went which a group had not read.
func (j *Journal) logLoss(topic, group string, records int64) {
	j.log.Warn("broker: "+lostMessage(topic, group, records), "topic", topic, "group", group, "records", records, "hint", lossHint)
}

// lose notes that records went which a group had not read.
func (j *Journal) lose(topic, group string, records int64, now time.Time) {
	j.mu.Lock()
	defer j.mu.Unlock()
	key := [2]string{topic, group}
	p := j.lost[key]
	if p == nil {
		p = &Problem{Kind: KindLost, Topic: topic, Group: group, Hint: lossHint, Since: now}
		j.lost[key] = p
	}
	p.Records += records
	p.At, p.Message = now, lostMessage(topic, group, p.Records)
	if len(j.lost) > maxProblems {
		j.forget()
	}
}

// forget drops the oldest loss.
func (j *Journal) forget() {
	var oldest *Problem
	for _, p := range j.lost {
		if oldest == nil || p.At.Before(oldest.At) {
			oldest = p
		}
	}
	delete(j.lost, [2]string{oldest.Topic, oldest.Group})
}

// set begins or ends a problem, and logs both.
func (j *Journal) set(on bool, p Problem, over string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	before, was := j.on[p.Kind]
	switch {
	case on && was:
		p.Since = before.Since
		j.on[p.Kind] = p
	case on:
		j.on[p.Kind] = p
		j.log.Warn("broker: "+p.Message, "hint", p.Hint)
	case was:
		delete(j.on, p.Kind)
		j.log.Info("broker: " + over)
	}
}

// Problems are those that last, then the losses, the newest first.
func (j *Journal) Problems() []Problem {
	list := []Problem{}
	if j == nil {
		return list
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, kind := range []string{KindFull, KindLow, KindDirectory} {
		if p, ok := j.on[kind]; ok {
			list = append(list, p)
		}
	}
	at := len(list)
	for key, p := range j.lost {
		if time.Since(p.At) > lossTime {
			delete(j.lost, key)
			continue
		}
		list = append(list, *p)
	}
	slices.SortFunc(list[at:], func(a, b Problem) int {
		return cmp.Or(b.At.Compare(a.At), cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Group, b.Group))
	})
	return list
}
