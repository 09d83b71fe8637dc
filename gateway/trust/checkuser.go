package trust

import (
	"errors"
	"maps"
	"slices"
	"strings"

	"axion/gateway/listen/peer"
)

// checkUsers says whether the other users of this machine are kept out of the stack.
func (m *machine) checkUsers(s Stack) Check {
	c := Check{Name: "other users", State: fine,
		Detail: "refused by all that a stack listens on, but the gateway's entrypoints and deployed projects"}
	err := peer.Available()
	if m.system != "linux" {
		err = peer.ErrSystem
	}
	if err == nil {
		return c
	}
	var open []string
	for _, what := range slices.Sorted(maps.Keys(s.Own)) {
		open = append(open, what+" "+strings.TrimPrefix(s.Own[what], "http://"))
	}
	if len(open) == 0 {
		open = []string{"Kafka broker", "dashboard", "OTLP receiver"}
	}
	c.State = warning
	c.Detail = "every user of this machine may connect to: " + strings.Join(open, ", ") + ", and each service's own port: " + err.Error()
	c.Fix = "run the stack where no other user is logged in, such as in a virtual machine of its own"
	if !errors.Is(err, peer.ErrSystem) {
		c.Fix = "run it on a kernel with sock_diag, to which it may open netlink sockets (sudo modprobe tcp_diag, where that is missing); " +
			"or where no other user is logged in"
	}
	return c
}
