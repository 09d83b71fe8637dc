package infrastructure

import (
	"math/rand/v2"
	"net"
	"strconv"
)

// What runs has its port below those that a system gives to whoever asks for any
// (Linux's begin at 32768, IANA's at 49152): one that comes back, or that a process
// opens only once it is up, must still be free. Kubernetes has its node ports there.
const (
	firstPort = 30000
	ports     = 32768 - firstPort
)

// listenFree listens on a loopback port: on wanted where that is free, and not 0.
func listenFree(wanted int) (net.Listener, error) {
	if wanted != 0 {
		if l, err := listenOn(wanted); err == nil {
			return l, nil
		}
	}
	for range 100 {
		if l, err := listenOn(firstPort + rand.IntN(ports)); err == nil {
			return l, nil
		}
	}
	return listenOn(0) // any, rather than none
}

func listenOn(port int) (net.Listener, error) {
	return net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
}

// freePort is a port that nobody listens on, for a process to.
func freePort(wanted int) (int, error) {
	l, err := listenFree(wanted)
	if err != nil {
		return 0, err
	}
	return l.Addr().(*net.TCPAddr).Port, l.Close()
}
