package rule

import (
	"slices"

	"axion/gateway/hostname"
)

// Hosts lists, sorted and in lower case, the hosts that are spelled out in the
// rule and can match. all says that others can match as well: there is no Host,
// or a HostRegexp, a wildcard or a negation admits them. They are found once, and must
// not be changed.
func (r *Rule) Hosts() (hosts []string, all bool) {
	r.naming.Do(func() {
		names := r.root.names(nil)
		slices.Sort(names)
		names = slices.Compact(names)
		names = slices.DeleteFunc(names, func(h string) bool { return !r.root.host(h).possible })
		r.hosts, r.others = slices.Clip(names), r.root.open()
	})
	return r.hosts, r.others
}

// Domains lists, sorted and in lower case, the values of the rule's Hosts that are not
// negated, wildcards included: by these Traefik says which routers share a host, and
// which have none.
func (r *Rule) Domains() []string {
	list := domains(r.root, nil)
	slices.Sort(list)
	return slices.Compact(list)
}

func domains(n node, to []string) []string {
	switch n := n.(type) {
	case all:
		for _, part := range n {
			to = domains(part, to)
		}
	case anyOf:
		for _, part := range n {
			to = domains(part, to)
		}
	case leaf:
		if n.negated {
			return to
		}
		switch h := n.matcher.(type) {
		case exactHost:
			to = append(to, string(h))
		case hostSuffix:
			to = append(to, "*"+string(h))
		case anyHost:
			to = append(to, "*")
		}
	}
	return to
}

// AllowsHost reports whether the rule asks for this host: some request with it
// can match, and by a Host or HostRegexp that is not negated. A rule that takes
// any host, such as PathPrefix(`/api`) or Host(`*`), asks for none.
func (r *Rule) AllowsHost(host string) bool {
	h, err := hostname.Name(host)
	return err == nil && r.root.host(h).named
}
