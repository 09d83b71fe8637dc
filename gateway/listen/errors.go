package listen

import (
	"fmt"
	"net"
	"strconv"
)

// Busy says that another process has the port. Addr is the address that was
// asked for, "127.0.0.1:9092"; Err is the system's error.
type Busy struct {
	Addr string
	Port int
	Err  error
}

// Error gives "127.0.0.1:9092 is in use".
func (e *Busy) Error() string { return e.Addr + " is in use" }

// Unwrap gives the system's error.
func (e *Busy) Unwrap() error { return e.Err }

// Hint suggests a port that was free a moment ago.
func (e *Busy) Hint() string {
	if port := NearestFreePort(e.Port); port > 0 {
		return fmt.Sprintf("end the process that uses port %d, or use another one, such as %d", e.Port, port)
	}
	return fmt.Sprintf("end the process that uses port %d, or use another one", e.Port)
}

// Denied says that this user may not open the port, as with ports below 1024 on
// most systems.
type Denied struct {
	Addr string
	Port int
	Err  error
}

// Error gives "127.0.0.1:80 needs a permission that this user lacks".
func (e *Denied) Error() string { return e.Addr + " needs a permission that this user lacks" }

// Unwrap gives the system's error.
func (e *Denied) Unwrap() error { return e.Err }

// Hint suggests a port that needs no permission.
func (e *Denied) Hint() string {
	if port := NearestFreePort(e.Port); port > 0 {
		return "use a port from 1024 on, such as " + strconv.Itoa(port)
	}
	return "use a port from 1024 on"
}

// Absent says that no interface of this machine has the address.
type Absent struct {
	Addr string
	Err  error
}

// Error gives "10.0.0.9:9092 is no address of this machine".
func (e *Absent) Error() string { return e.Addr + " is no address of this machine" }

// Unwrap gives the system's error.
func (e *Absent) Unwrap() error { return e.Err }

// Hint names addresses that every machine has.
func (e *Absent) Hint() string {
	return "use localhost, 0.0.0.0 for every address of this machine, or one that `ip addr` lists"
}

// freeSpan is how many ports above the wanted one Free looks at.
const freeSpan = 100

// NearestFreePort suggests a loopback port above near that no one listens on: the next
// one, or for a privileged port its customary stand-in, 8080 for 80 and 8443
// for 443. It is 0 when none is found. Another process may take the port
// before it is used: this is for messages, and port 0 is for listening.
func NearestFreePort(near int) int {
	first := near + 1
	switch {
	case near == 80:
		first = 8080
	case near < 1024:
		first = near + 8000
	}
	for port := first; port < first+freeSpan && port <= 65535; port++ {
		if l, err := Listen(net.JoinHostPort("localhost", strconv.Itoa(port))); err == nil {
			_ = l.Close()
			return port
		}
	}
	return 0
}
