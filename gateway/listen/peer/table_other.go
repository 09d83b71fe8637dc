//go:build !linux

package peer

import (
	"net"
	"net/netip"
)

// table has nobody to ask here.
type table struct{}

type socket struct{ uid uint32 }

func newTable() table { return table{} }

func (*table) find(_, _ netip.AddrPort) (socket, error) { return socket{}, ErrSystem }

func (*table) server(_, _ netip.AddrPort) (socket, error) { return socket{}, ErrSystem }

func reset(net.Conn) bool { return false }

func available() error { return ErrSystem }
