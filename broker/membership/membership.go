// Package membership keeps the members of consumer groups over a kill of the broker.
//
// Apache Kafka replays them from __consumer_offsets: after a restart a member goes on
// with its id, generation and assignment, and nothing is rebalanced. kfake
// (v0.0.0-20260918) writes them down in its clean stop only. After a kill it knows no
// member: all are refused, join again, and commit, under their new generation, what
// they had at hand from the one before. So commits went back. The [Journal] notes the
// members from what the broker answers them, and [Restore] makes of it the file that a
// clean stop would have left.
package membership

import (
	"encoding/json"
	"maps"
	"slices"
)

// Client is who sent a request.
type Client struct {
	// ID is the client id of the request's header, and Host where it comes from.
	ID, Host string
	// Local clients live in this process, and end with it: they are not restored.
	Local bool
}

// Member names a member of a group.
type Member struct {
	Group, ID string
	// Modern is of the protocol of KIP-848.
	Modern bool
	// Static members have an instance id, and are meant to come back.
	Static bool
	// Placeholder stands for members that are not restored: once it leaves, their
	// partitions are given to others.
	Placeholder bool
	// Replaced members are those whose place others take: they leave at once, unless static.
	Replaced bool
}

// Replaced reports whether others take the place of a group's members of a client id. Nil
// reports none.
type Replaced func(group, clientID string) bool

func (r Replaced) has(group, clientID string) bool { return r != nil && r(group, clientID) }

// topicID is a topic's id as kfake writes it.
type topicID [16]byte

// assignment is a set of partitions.
type assignment map[topicID][]int32

// member is what the journal knows of one.
type member struct {
	ID       string  `json:"id"`
	Instance *string `json:"instance,omitempty"`
	ClientID string  `json:"client,omitempty"`
	Host     string  `json:"host,omitempty"`
	Local    bool    `json:"local,omitempty"`
	// Rebalance is how long it may take to join again, in milliseconds.
	Rebalance int32 `json:"rebalance,omitempty"`

	// Of a classic member: what it offers, its session timeout in milliseconds, the
	// generation it has joined, and its part in the one that was last assigned.
	Protocols  []string `json:"protocols,omitempty"`
	Session    int32    `json:"session,omitempty"`
	Generation int32    `json:"gen,omitempty"`
	Assignment []byte   `json:"assignment,omitempty"`
	Assigned   int32    `json:"assigned,omitempty"`

	// Of a modern one.
	Epoch    int32                       `json:"epoch,omitempty"`
	Previous int32                       `json:"previous,omitempty"`
	Topics   []string                    `json:"topics,omitempty"`
	Regex    bool                        `json:"regex,omitempty"` // it subscribes by one, which kfake does not restore
	Rack     *string                     `json:"rack,omitempty"`
	Assignor string                      `json:"assignor,omitempty"`
	Owned    assignment                  `json:"owned,omitempty"`
	Pending  assignment                  `json:"pending,omitempty"` // to be given up
	Since    map[topicID]map[int32]int32 `json:"since,omitempty"`   // the epoch that brought a partition
}

// group is what the journal knows of one.
type group struct {
	modern     bool
	generation int32
	leader     string
	short      bool // a member of this generation has left
	members    map[string]*member
	// Of a share group.
	starts       Starts
	acknowledged Acknowledged
}

// groups are all, by name.
type groups map[string]*group

// entry is one line of the journal.
type entry struct {
	Group  string `json:"g"`
	Modern bool   `json:"modern,omitempty"`
	// Generation and Leader are of a rebalance; Keep are then all its members.
	Generation int32    `json:"gen,omitempty"`
	Leader     string   `json:"leader,omitempty"`
	Keep       []string `json:"keep,omitempty"`
	Short      bool     `json:"short,omitempty"`
	// Assign is what the leader of Generation has assigned.
	Assign map[string][]byte `json:"assign,omitempty"`
	// Member is how one is now, and Replaces the one that a static member had been
	// before it came back. Gone are those that left.
	Member   *member  `json:"m,omitempty"`
	Replaces string   `json:"replaces,omitempty"`
	Gone     []string `json:"gone,omitempty"`
	// Starts are those of a share group. Without any it is forgotten. Acknowledged is
	// what is so beside what was, or, where it resets, alone.
	Share        bool         `json:"share,omitempty"`
	Starts       Starts       `json:"starts,omitempty"`
	Acknowledged Acknowledged `json:"acks,omitempty"`
	Resets       bool         `json:"resets,omitempty"`
}

// apply takes an entry in.
func (all groups) apply(e entry) {
	g := all[e.Group]
	if g == nil || g.modern != e.Modern {
		g = &group{modern: e.Modern, members: make(map[string]*member)}
		all[e.Group] = g
	}
	if e.Leader != "" {
		g.short = e.Short || g.short && g.generation == e.Generation
		g.generation, g.leader = e.Generation, e.Leader
	}
	if e.Keep != nil {
		maps.DeleteFunc(g.members, func(id string, _ *member) bool { return !slices.Contains(e.Keep, id) })
	}
	if e.Member != nil {
		g.members[e.Member.ID] = e.Member
	}
	for id, part := range e.Assign {
		if m := g.members[id]; m != nil && e.Generation == g.generation && m.Assigned != e.Generation {
			m.Assignment, m.Assigned = part, e.Generation
		}
	}
	delete(g.members, e.Replaces)
	for _, id := range e.Gone {
		g.short = g.short || g.members[id] != nil
		delete(g.members, id)
	}
	if e.Share {
		g.share(e)
	}
	if len(g.members) == 0 && len(g.starts) == 0 {
		delete(all, e.Group)
	}
}

// entries come to the same groups.
func (all groups) entries() []entry {
	var list []entry
	for _, name := range slices.Sorted(maps.Keys(all)) {
		g := all[name]
		if len(g.starts) > 0 {
			list = append(list, entry{Group: name, Share: true, Starts: g.starts, Acknowledged: g.acknowledged, Resets: true})
		}
		for _, id := range slices.Sorted(maps.Keys(g.members)) {
			e := entry{Group: name, Modern: g.modern, Generation: g.generation, Leader: g.leader, Short: g.short}
			e.Member = g.members[id]
			list = append(list, e)
		}
	}
	return list
}

// clone is a copy that shares nothing that changes.
func (m *member) clone() *member {
	data, err := json.Marshal(m)
	c := new(member)
	if err == nil {
		err = json.Unmarshal(data, c)
	}
	if err != nil {
		panic("membership: copy a member: " + err.Error()) // plain data
	}
	return c
}

func (id topicID) MarshalText() ([]byte, error) { return appendBase64(nil, id), nil }

func (id *topicID) UnmarshalText(text []byte) error { return decodeBase64(id, text) }
