package gateway

import "time"

// SetDrain replaces how long Close lets requests go on.
func (g *Gateway) SetDrain(d time.Duration) { g.drain = d }
