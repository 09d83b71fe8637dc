package retention

import (
	"cmp"
	"log/slog"
	"slices"
	"sync"
	"time"

	"axion/web/view"
)

// Kinds of problems.
const (
	KindLost      = "records-lost"   // records went before a group had read them
	KindDirectory = "directory-size" // the data directory is large
	KindLow       = "disk-low"       // the disk has little room left
	KindFull      = "disk-full"      // the disk has no room left, for bytes or for files: no records are taken
	KindReadOnly  = "disk-read-only" // the disk may not be written to: no records are taken
)

const (
	// maxProblems bounds the losses that are held: the newest.
	maxProblems = 200
	// lossTime is for how long a loss is a problem after it happened last.
	lossTime = time.Hour
)

// Problem is one that a person should know of.
type Problem struct {
	Kind    string `json:"kind" enum:"records-lost,directory-size,disk-low,disk-full,disk-read-only"`
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

// View is the problem as the page shows it.
func (p Problem) View() view.BrokerProblem {
	return view.BrokerProblem{Kind: p.Kind, Message: p.Message, Hint: p.Hint, Topic: p.Topic, Group: p.Group, At: p.At}
}

// Journal holds the problems, and logs each when it begins. Its methods are
// safe for concurrent use; a nil Journal has no problems.
type Journal struct {
	log  *slog.Logger
	mu   sync.Mutex
	lost map[[2]string]*Problem // by topic and group
	on   map[string]Problem     // by what has them, while they last
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

// What has problems of which there is one at a time.
const (
	ofDisk      = "disk"
	ofDirectory = "directory"
)

// set has something have a problem of its own, which may take the place of another: a
// disk that is full was low before. It logs what is new.
func (j *Journal) set(of string, p Problem) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if before, was := j.on[of]; was && before.Kind == p.Kind {
		p.Since = before.Since
	} else {
		j.log.Warn("broker: "+p.Message, "hint", p.Hint)
	}
	j.on[of] = p
}

// end logs that a problem is over, if there was one.
func (j *Journal) end(of, over string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if _, was := j.on[of]; was {
		delete(j.on, of)
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
	for _, of := range []string{ofDisk, ofDirectory} {
		if p, ok := j.on[of]; ok {
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
