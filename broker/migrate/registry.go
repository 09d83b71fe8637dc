package migrate

import (
	"sync"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// registry holds the classic members of consumer groups, and which groups are known to be
// of the consumer protocol. It is safe for concurrent use.
type registry struct {
	mu       sync.Mutex
	members  map[memberKey]*member
	consumer map[string]bool // groups of the consumer protocol
}

// memberKey names a member.
type memberKey struct{ group, id string }

// member is a member, or nil.
func (r *registry) member(group, id string) *member {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.members[memberKey{group, id}]
}

// static is the id of the static member that comes back, if it is here.
func (r *registry) static(req *kmsg.JoinGroupRequest) string {
	if req.InstanceID == nil {
		return ""
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for key, m := range r.members {
		if key.group == req.Group && m.instance != nil && *m.instance == *req.InstanceID {
			return key.id
		}
	}
	return ""
}

// named is the member that a request to leave names by its id or by its instance, or nil.
func (r *registry) named(group string, who kmsg.LeaveGroupRequestMember) *member {
	if who.MemberID != "" || who.InstanceID == nil {
		return r.member(group, who.MemberID)
	}
	join := kmsg.NewPtrJoinGroupRequest()
	join.Group, join.InstanceID = group, who.InstanceID
	return r.member(group, r.static(join))
}

// add adds a member, or replaces it.
func (r *registry) add(m *member) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.members[memberKey{m.group, m.id}] = m
}

// drop removes a member, unless another has replaced it.
func (r *registry) drop(m *member) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if key := (memberKey{m.group, m.id}); r.members[key] == m {
		delete(r.members, key)
	}
}

// note notes that a group is one of the consumer protocol.
func (r *registry) note(group string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.consumer[group] = true
}

// forget drops what is known of groups that are to be deleted, or are gone.
func (r *registry) forget(groups []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, group := range groups {
		delete(r.consumer, group)
	}
}

// isKnown reports whether a group is known to be one of the consumer protocol.
func (r *registry) isKnown(group string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.consumer[group]
}
