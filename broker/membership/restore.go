package membership

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// sessionName is the file that kfake writes in its clean stop, and reads and removes
// when it starts.
const sessionName = "session_state.json"

// The states of a classic group as kfake numbers them.
const (
	stateStable    = 1
	statePreparing = 2
)

// What kfake keeps in that file, as of the version in go.mod.
type (
	session struct {
		ShutdownAt     time.Time                  `json:"shutdownAt"`
		ClassicGroups  map[string]classicSession  `json:"classicGroups,omitempty"`
		ConsumerGroups map[string]consumerSession `json:"consumerGroups,omitempty"`
		ShareGroups    map[string]shareSession    `json:"shareGroups,omitempty"`
	}
	classicSession struct {
		Leader  string          `json:"leader"`
		Members []classicMember `json:"members"`
		State   int8            `json:"state,omitempty"`
	}
	classicMember struct {
		ID                 string    `json:"id"`
		InstanceID         *string   `json:"instance,omitempty"`
		ClientID           string    `json:"clientID"`
		ClientHost         string    `json:"clientHost"`
		Protocols          []string  `json:"protocols"`
		Assignment         []byte    `json:"assignment,omitempty"`
		SessionTimeoutMs   int32     `json:"sessionTimeoutMs"`
		RebalanceTimeoutMs int32     `json:"rebalanceTimeoutMs"`
		LastHeartbeat      time.Time `json:"lastHeartbeat"`
	}
	consumerSession struct {
		PartitionEpochs       map[topicID]map[int32]owner `json:"partitionEpochs"`
		TargetAssignmentEpoch int32                       `json:"targetAssignmentEpoch"`
		Members               []consumerMember            `json:"members"`
	}
	owner struct {
		Member string `json:"member"`
		Epoch  int32  `json:"epoch"`
	}
	consumerMember struct {
		ID                   string                      `json:"id"`
		InstanceID           *string                     `json:"instance,omitempty"`
		ClientID             string                      `json:"clientID"`
		ClientHost           string                      `json:"clientHost"`
		Epoch                int32                       `json:"epoch"`
		PrevEpoch            int32                       `json:"prevEpoch"`
		Topics               []string                    `json:"topics"`
		Reconciled           assignment                  `json:"reconciled"`
		PendingRevoke        assignment                  `json:"pendingRevoke"`
		Target               assignment                  `json:"target"`
		PartAssignmentEpochs map[topicID]map[int32]int32 `json:"partAssignmentEpochs,omitempty"`
		Rack                 *string                     `json:"rack,omitempty"`
		Assignor             string                      `json:"assignor"`
		RebalanceTimeoutMs   int32                       `json:"rebalanceTimeoutMs"`
		LastHeartbeat        time.Time                   `json:"lastHeartbeat"`
	}
)

// Restore begins a journal in dir, which no broker has open, and leaves kfake the
// members that were noted there: those of its last clean stop where there was one,
// else those of the journal. They have their whole session timeout from now on, as in
// Kafka. The placeholders and the replaced among those that it returns are to leave at
// once. Of a second call, because the broker had to be opened anew, earlier is what the
// first returned.
func Restore(dir string, earlier []Member, replaced Replaced) (*Journal, []Member, error) {
	all, err := readJournal(dir)
	if err != nil {
		return nil, nil, err
	}
	path := filepath.Join(dir, sessionName)
	data, err := os.ReadFile(path)
	switch {
	case err == nil:
		members := all.keep(data, replaced)
		if earlier != nil {
			members = earlier
		}
		j, err := openJournal(dir, all)
		return j, members, err
	case !errors.Is(err, os.ErrNotExist):
		return nil, nil, fmt.Errorf("read the members of groups: %w", err)
	}
	s, members := all.session(time.Now(), replaced)
	// The journal first: without the other file, the next start makes that again.
	j, err := openJournal(dir, all)
	if err != nil || len(all) == 0 {
		return j, nil, err
	}
	if data, err = json.Marshal(s); err == nil {
		err = replace(path, data)
	}
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("restore the members of groups: %w", err), j.Close())
	}
	return j, members, nil
}

// keep drops the members that kfake's own file does not have, and returns those in it
// that are replaced.
func (all groups) keep(data []byte, replaced Replaced) (members []Member) {
	var s session
	if json.Unmarshal(data, &s) != nil {
		clear(all) // kfake takes none either
		return nil
	}
	there := make(map[Member]bool)
	add := func(m Member, instance *string, clientID string) {
		there[m] = true
		if m.Static, m.Replaced = instance != nil, replaced.has(m.Group, clientID); m.Replaced {
			members = append(members, m)
		}
	}
	for name, g := range s.ClassicGroups {
		for _, m := range g.Members {
			add(Member{Group: name, ID: m.ID}, m.InstanceID, m.ClientID)
		}
	}
	for name, g := range s.ConsumerGroups {
		for _, m := range g.Members {
			add(Member{Group: name, ID: m.ID, Modern: true}, m.InstanceID, m.ClientID)
		}
	}
	for name, g := range s.ShareGroups {
		all.apply(g.entry(name))
	}
	for name, g := range all {
		if _, ok := s.ShareGroups[name]; !ok {
			g.starts = nil
		}
		maps.DeleteFunc(g.members, func(id string, _ *member) bool { return !there[Member{Group: name, ID: id, Modern: g.modern}] })
		if len(g.members) == 0 && len(g.starts) == 0 {
			delete(all, name)
		}
	}
	return members
}

// session is what kfake is to read, and the members in it. Those that are not
// restored are forgotten.
func (all groups) session(now time.Time, replaced Replaced) (session, []Member) {
	s := session{
		ShutdownAt: now, ClassicGroups: make(map[string]classicSession),
		ConsumerGroups: make(map[string]consumerSession), ShareGroups: make(map[string]shareSession),
	}
	var members []Member
	for _, name := range slices.Sorted(maps.Keys(all)) {
		g := all[name]
		if len(g.starts) > 0 {
			s.ShareGroups[name] = g.shareSession()
			continue
		}
		before := len(g.members)
		maps.DeleteFunc(g.members, func(_ string, m *member) bool { return m.Local })
		if len(g.members) == 0 || g.modern && g.regex() {
			delete(all, name)
			continue
		}
		for _, id := range slices.Sorted(maps.Keys(g.members)) {
			m := g.members[id]
			members = append(members, Member{
				Group: name, ID: id, Modern: g.modern, Static: m.Instance != nil, Replaced: replaced.has(name, m.ClientID),
			})
		}
		if !g.modern {
			s.ClassicGroups[name] = g.classic(now, before == len(g.members))
			continue
		}
		s.ConsumerGroups[name] = g.consumer(now)
		members = append(members, Member{Group: name, ID: PlaceholderID, Modern: true, Placeholder: true})
	}
	return s, members
}

// classic is a group of the classic protocol. Where it was not stable, or has lost
// members, it is rebalanced.
func (g *group) classic(now time.Time, whole bool) classicSession {
	s := classicSession{Leader: g.leader, State: stateStable}
	if !whole || g.short || g.members[g.leader] == nil {
		s.State = statePreparing
	}
	for _, id := range slices.Sorted(maps.Keys(g.members)) {
		m := g.members[id]
		if m.Generation != g.generation || m.Assigned != g.generation {
			s.State = statePreparing
		}
		s.Members = append(s.Members, classicMember{
			ID: id, InstanceID: m.Instance, ClientID: m.ClientID, ClientHost: m.Host, Protocols: m.Protocols, Assignment: m.Assignment,
			SessionTimeoutMs: m.Session, RebalanceTimeoutMs: m.Rebalance, LastHeartbeat: now,
		})
	}
	return s
}

// PlaceholderID is a member that never was. What was being reassigned at the kill is
// not known: that a member leaves has kfake reassign, and as it was where it can be.
const PlaceholderID = "axion-restored"

func (g *group) regex() bool {
	for _, m := range g.members {
		if m.Regex {
			return true
		}
	}
	return false
}

// consumer is a group of the protocol of KIP-848.
func (g *group) consumer(now time.Time) consumerSession {
	s := consumerSession{PartitionEpochs: make(map[topicID]map[int32]owner)}
	byEpoch := slices.SortedFunc(maps.Values(g.members), func(a, b *member) int { return int(b.Epoch) - int(a.Epoch) })
	for _, m := range byEpoch {
		// A member that was fenced is still noted with what others have by now.
		free := func(t topicID, p int32) bool { return s.PartitionEpochs[t][p] == owner{} }
		m.Owned, m.Pending = m.Owned.filter(free), m.Pending.filter(free)
		for _, part := range []assignment{m.Owned, m.Pending} {
			for t, parts := range part {
				if s.PartitionEpochs[t] == nil {
					s.PartitionEpochs[t] = make(map[int32]owner)
				}
				for _, p := range parts {
					s.PartitionEpochs[t][p] = owner{Member: m.ID, Epoch: m.Epoch}
				}
			}
		}
		s.TargetAssignmentEpoch = max(s.TargetAssignmentEpoch, m.Epoch)
		s.Members = append(s.Members, consumerMember{
			ID: m.ID, InstanceID: m.Instance, ClientID: m.ClientID, ClientHost: m.Host, Epoch: m.Epoch, PrevEpoch: m.Previous,
			Topics: m.Topics, Reconciled: m.Owned, PendingRevoke: m.Pending, Target: m.Owned, PartAssignmentEpochs: m.Since,
			Rack: m.Rack, Assignor: m.Assignor, RebalanceTimeoutMs: m.Rebalance, LastHeartbeat: now,
		})
	}
	s.Members = append(s.Members, consumerMember{
		ID: PlaceholderID, Reconciled: assignment{}, PendingRevoke: assignment{}, Target: assignment{}, LastHeartbeat: now,
	})
	return s
}
