package proxy_test

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"axion/gateway/proxy"
	"axion/gateway/selfaddr"
)

// A connection back to the gateway is not made, over any protocol, the second time
// either.
func TestLoop(t *testing.T) {
	t.Parallel()
	at := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("the server was reached") })
	own := selfaddr.Set{{Name: "entrypoint web", Network: "tcp", Addr: netip.MustParseAddrPort(strings.TrimPrefix(at, "http://"))}}
	for _, scheme := range []string{"http://", "https://", "h2c://"} {
		_, front := balance(t, proxy.Options{Control: own.Control}, servers(scheme+strings.TrimPrefix(at, "http://")))
		for range 2 {
			if status, _ := fetch(t, front.URL); status != http.StatusLoopDetected {
				t.Errorf("%s: got %d, want %d", scheme, status, http.StatusLoopDetected)
			}
		}
	}
}
