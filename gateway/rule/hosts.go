package rule

import (
	"slices"

	"axion/gateway/hostname"
)

// Hosts lists, sorted and in lower case, the hosts that are spelled out in the
// rule and can match. all says that others can match as well: there is no Host,
// or a HostRegexp, a wildcard or a negation admits them.
func (r *Rule) Hosts() (hosts []string, all bool) {
	names := r.root.names(nil)
	slices.Sort(names)
	names = slices.Compact(names)
	hosts = slices.DeleteFunc(names, func(h string) bool { return !r.root.host(h).possible })
	return hosts, r.root.open()
}

// AllowsHost reports whether the rule asks for this host: some request with it
// can match, and by a Host or HostRegexp that is not negated. A rule that takes
// any host, such as PathPrefix(`/api`) or Host(`*`), asks for none.
func (r *Rule) AllowsHost(host string) bool {
	h, err := hostname.Name(host)
	return err == nil && r.root.host(h).named
}
