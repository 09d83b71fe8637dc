// Package peer keeps the other users of this machine away from listeners that are
// for its own user: a loopback address is open to every process of the machine.
//
// On Linux the kernel says, by SOCK_DIAG_BY_FAMILY (sock_diag(7)), to which user the
// socket at the other end of a connection belongs. It is asked once for a connection,
// for exactly its two addresses. A connection from elsewhere has no such socket: other
// machines, and containers with a network of their own, are not this package's matter.
// On other systems, and where the kernel does not say, everybody is let in.
package peer

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"os/user"
	"strconv"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Options of a [Guard].
type Options struct {
	// Users are let in beside the process's own user, root, and the user for whom sudo
	// started the process.
	Users Users
	// Log takes who was refused, once for each user. Nil discards.
	Log *slog.Logger
}

// Guard says whose connections are let in. It is safe for concurrent use.
type Guard struct {
	allowed map[uint32]bool
	log     *slog.Logger
	table   table
	off     error // why nobody is refused; nil where it is in force
	often   rate.Sometimes

	mu       sync.Mutex
	reported map[string]bool
}

// maxReported bounds the users and servers that are reported.
const maxReported = 64

// New makes a guard, and looks whether the kernel answers it. Where that does not,
// though the system's kernels do, the log says so.
func New(o Options) *Guard {
	g := &Guard{
		allowed: map[uint32]bool{0: true}, log: o.Log, table: newTable(), reported: map[string]bool{},
		often: rate.Sometimes{First: 1, Interval: time.Minute},
	}
	if g.log == nil {
		g.log = slog.New(slog.DiscardHandler)
	}
	if uid := os.Geteuid(); uid >= 0 {
		g.allowed[uint32(uid)] = true
	}
	if uid, err := strconv.ParseUint(os.Getenv("SUDO_UID"), 10, 32); err == nil && os.Geteuid() == 0 {
		g.allowed[uint32(uid)] = true
	}
	for _, uid := range o.Users.ids {
		g.allowed[uid] = true
	}
	g.off = Available()
	switch {
	case errors.Is(g.off, ErrSystem) && len(o.Users.ids) > 0:
		g.log.Warn("--allow-user has no effect: " + g.off.Error())
	case g.off != nil && !errors.Is(g.off, ErrSystem):
		g.log.Warn("every user of this machine may connect to the stack: the kernel does not tell whose a connection is",
			"error", g.off, "hint", "run the stack where the other users are trusted; `axion doctor` lists what is open")
	}
	return g
}

// ErrSystem says that this operating system does not say whose a connection is.
var ErrSystem = errors.New("this operating system does not tell to which user a connection belongs")

// Available reports why connections are not distinguished by user here: [ErrSystem],
// or what the kernel answers. Nil: they are.
func Available() error { return available() }

// InForce reports whether anybody is refused.
func (g *Guard) InForce() bool { return g.off == nil }

// RefusedError says that a connection is another user's.
type RefusedError struct {
	// UID is the user's, and Name its name, or the number where it has none.
	UID  uint32
	Name string
}

// Error gives "the connection belongs to user nobody".
func (e *RefusedError) Error() string { return "the connection belongs to user " + e.Name }

// Hint names the flag that lets the user in.
func (e *RefusedError) Hint() string {
	return "start axion with --allow-user " + e.Name + " to let that user in"
}

// Text is what a client of HTTP is sent of a refusal by [Guard.Check].
func Text(refusal error) string {
	var other *RefusedError
	if !errors.As(refusal, &other) {
		return "it is not known to which user of this machine the connection belongs\n"
	}
	return fmt.Sprintf("%s, and these are answered: the user that axion runs as, and root\nhint: %s\n", other.Error(), other.Hint())
}

// errGone says that a connection of this machine has nobody at its other end: who
// opened it cannot be reported any more.
var errGone = errors.New("its other end is closed, or has no owner")

// Kinds of errGone: there is no such socket, or no process has accepted it yet.
var (
	errElsewhere = fmt.Errorf("%w: no such socket", errGone)
	errQueued    = fmt.Errorf("%w: not accepted yet", errGone)
)

// Check reports whether the user at the other end of a connection may be let in: a
// [*RefusedError] where it is another one. A connection of this machine whose owner
// cannot be known is refused too. It blocks for half a second at most.
func (g *Guard) Check(c net.Conn) error {
	remote, ok := address(c.RemoteAddr())
	local, too := address(c.LocalAddr())
	if g.off != nil || !ok || !too {
		return nil
	}
	s, err := g.table.find(remote, local)
	switch {
	case errors.Is(err, errGone) && !ours(remote.Addr()):
		return nil // from elsewhere
	case err != nil:
		return err
	case reset(c):
		return errGone // its addresses may be those of another by now
	case g.allowed[s.uid]:
		return nil
	}
	return &RefusedError{UID: s.uid, Name: name(s.uid)}
}

// address is an address of TCP, IPv4 as such.
func address(a net.Addr) (netip.AddrPort, bool) {
	t, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.AddrPort{}, false
	}
	at := t.AddrPort()
	return netip.AddrPortFrom(at.Addr().Unmap(), at.Port()), at.IsValid()
}

// ours reports whether an address is this machine's: what comes from it must have a
// socket here.
func ours(a netip.Addr) bool {
	if a.IsLoopback() {
		return true
	}
	all, err := net.InterfaceAddrs()
	if err != nil {
		return true // rather than let in whom nobody knows
	}
	for _, one := range all {
		if n, ok := one.(*net.IPNet); ok {
			if own, ok := netip.AddrFromSlice(n.IP); ok && own.Unmap() == a.WithZone("") {
				return true
			}
		}
	}
	return false
}

// LogRefusal logs a refusal at an address: one of each user, and few of those that have none.
func (g *Guard) LogRefusal(err error, at string) {
	var other *RefusedError
	var server *ServerError
	switch {
	case errors.As(err, &other):
		if g.first(strconv.FormatUint(uint64(other.UID), 10)) {
			g.log.Warn("connection refused: it belongs to another user of this machine", "user", other.Name, "uid", other.UID,
				"address", at, "hint", other.Hint())
		}
	case errors.As(err, &server):
		if g.first(server.Error()) {
			g.log.Warn("nothing is sent to a server of another user of this machine", "user", server.Name, "uid", server.UID,
				"address", server.Address, "hint", server.Hint())
		}
	case errors.Is(err, errGone):
		g.log.Debug("connection refused", "address", at, "error", err)
	default:
		g.often.Do(func() {
			g.log.Warn("connection refused: the kernel did not tell whose it is", "address", at, "error", err)
		})
	}
}

// first reports whether something is reported for the first time, and may be.
func (g *Guard) first(what string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.reported[what] || len(g.reported) >= maxReported {
		return false
	}
	g.reported[what] = true
	return true
}

// name is that of a user, or the number of one that has none.
func name(uid uint32) string {
	number := strconv.FormatUint(uint64(uid), 10)
	if u, err := user.LookupId(number); err == nil {
		return u.Username
	}
	return number
}

// Users are names of users on a command line, which may be numbers. It implements
// [github.com/spf13/pflag.Value]; each value adds one. The zero value is nobody.
type Users struct {
	names []string
	ids   []uint32
}

// String gives the names.
func (u *Users) String() string {
	if len(u.names) == 0 {
		return ""
	}
	return fmt.Sprint(u.names)
}

// Type is what the usage text calls a value.
func (*Users) Type() string { return "NAME" }

// Set adds a user. One that this machine does not have is an error with a hint.
func (u *Users) Set(text string) error {
	number := text
	if found, err := user.Lookup(text); err == nil {
		number = found.Uid
	}
	id, err := strconv.ParseUint(number, 10, 32)
	if err != nil {
		return &unknownError{text}
	}
	u.names, u.ids = append(u.names, text), append(u.ids, uint32(id))
	return nil
}

// unknownError says that there is no user of that name.
type unknownError struct{ name string }

func (e *unknownError) Error() string { return fmt.Sprintf("this machine has no user %q", e.name) }

// Hint is the hint shown with the error.
func (*unknownError) Hint() string {
	return "give the name that `id -un` prints for that user, or its number, which `id -u` prints"
}
