package membership

import (
	"maps"
	"slices"
)

// Starts are the offsets where a share group goes on, by topic and partition: all
// before them is acknowledged.
type Starts map[string]map[int32]int64

// Acknowledged are the records of a share group that are dealt with, accepted or
// rejected, by topic and partition, as ranges of offsets, both ends of which are in.
type Acknowledged map[string]map[int32][]offsetRange

// offsetRange is from its first to its last offset.
type offsetRange [2]int64

// maxAcknowledged bounds the offsets of one range: more are not acquired at a time.
const maxAcknowledged = 100_000

// The types of acknowledgements (KIP-932) that leave a record to be delivered.
const (
	released = 2
	renewed  = 4
)

// Add takes in a range of offsets by its types: one for all, or one for each. Without any
// they are accepted.
func (a Acknowledged) Add(topic string, partition int32, first, last int64, types []int8) {
	if topic == "" || last < first || last-first > maxAcknowledged {
		return
	}
	if len(types) <= 1 {
		if len(types) == 0 || types[0] != released && types[0] != renewed {
			a.add(topic, partition, offsetRange{first, last})
		}
		return
	}
	for i := 0; i < len(types) && first+int64(i) <= last; {
		end := i + 1
		for end < len(types) && types[end] == types[i] {
			end++
		}
		if types[i] != released && types[i] != renewed {
			a.add(topic, partition, offsetRange{first + int64(i), min(first+int64(end)-1, last)})
		}
		i = end
	}
}

// add takes in a range, and joins those that meet.
func (a Acknowledged) add(topic string, partition int32, r offsetRange) {
	if a[topic] == nil {
		a[topic] = make(map[int32][]offsetRange)
	}
	all := append(slices.Clone(a[topic][partition]), r)
	slices.SortFunc(all, func(a, b offsetRange) int { return int(min(max(a[0]-b[0], -1), 1)) })
	joined := all[:1]
	for _, r := range all[1:] {
		if end := &joined[len(joined)-1][1]; r[0] <= *end+1 {
			*end = max(*end, r[1])
		} else {
			joined = append(joined, r)
		}
	}
	a[topic][partition] = joined
}

// behind is what of it is not before where the group goes on.
func (a Acknowledged) behind(starts Starts) Acknowledged {
	left := make(Acknowledged)
	for topic, partitions := range a {
		for id, ranges := range partitions {
			start, ok := starts[topic][id]
			for _, r := range ranges {
				if ok && r[1] >= start {
					left.add(topic, id, offsetRange{max(r[0], start), r[1]})
				}
			}
		}
	}
	return left
}

// Share notes where a share group goes on, and what behind that is acknowledged since the
// last note. kfake forgets it: it would begin anew, at the end by default, and what was
// written meanwhile would be nobody's. Resets says that nothing is acknowledged behind
// where it goes on.
func (j *Journal) Share(name string, starts Starts, since Acknowledged, resets bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	var old Starts
	if g := j.groups[name]; g != nil {
		old = g.starts
	}
	since = since.behind(starts)
	if len(since) > 0 || resets || !maps.EqualFunc(old, starts, maps.Equal) {
		j.note(entry{Group: name, Share: true, Starts: starts, Acknowledged: since, Resets: resets})
	}
}

// share takes in an entry of a share group.
func (g *group) share(e entry) {
	all := g.acknowledged
	if all == nil || e.Resets {
		all = make(Acknowledged)
	}
	for topic, partitions := range g.starts { // one that is back is of a topic made anew
		for id, start := range partitions {
			if now, ok := e.Starts[topic][id]; ok && now < start {
				delete(all[topic], id)
			}
		}
	}
	for topic, partitions := range e.Acknowledged {
		for id, ranges := range partitions {
			for _, r := range ranges {
				all.add(topic, id, r)
			}
		}
	}
	g.starts, g.acknowledged = e.Starts, all.behind(e.Starts)
}

// The states of a record of a share group as kfake numbers them.
const (
	recordAccepted = 2
	recordRejected = 3
)

type (
	shareSession struct {
		Partitions map[string]map[int32]sharePartition `json:"partitions"`
	}
	sharePartition struct {
		Start   int64                 `json:"spso"`
		Records map[int64]shareRecord `json:"records,omitempty"`
	}
	shareRecord struct {
		State    int8  `json:"s"`
		Delivery int32 `json:"dc"`
	}
)

// entry is what kfake has written.
func (s shareSession) entry(name string) entry {
	e := entry{Group: name, Share: true, Starts: make(Starts), Acknowledged: make(Acknowledged), Resets: true}
	for topic, parts := range s.Partitions {
		e.Starts[topic] = make(map[int32]int64)
		for p, part := range parts {
			e.Starts[topic][p] = part.Start
			for _, offset := range slices.Sorted(maps.Keys(part.Records)) {
				if state := part.Records[offset].State; state == recordAccepted || state == recordRejected {
					e.Acknowledged.add(topic, p, offsetRange{offset, offset})
				}
			}
		}
	}
	return e
}

// shareSession is a share group.
func (g *group) shareSession() shareSession {
	s := shareSession{Partitions: make(map[string]map[int32]sharePartition)}
	for topic, parts := range g.starts {
		s.Partitions[topic] = make(map[int32]sharePartition)
		for p, start := range parts {
			part := sharePartition{Start: start, Records: make(map[int64]shareRecord)}
			for _, r := range g.acknowledged[topic][p] {
				for offset := r[0]; offset <= r[1]; offset++ {
					part.Records[offset] = shareRecord{State: recordAccepted, Delivery: 1}
				}
			}
			s.Partitions[topic][p] = part
		}
	}
	return s
}
