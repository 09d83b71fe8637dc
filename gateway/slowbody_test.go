package gateway_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestBodyTooSlow answers 408 where a body does not come in time, whoever reads it.
func TestBodyTooSlow(t *testing.T) {
	t.Parallel()
	plain := serve(t, reader)
	h2c := httptest.NewUnstartedServer(http.HandlerFunc(reader))
	h2c.Config.Protocols = &http.Protocols{}
	h2c.Config.Protocols.SetUnencryptedHTTP2(true)
	h2c.Start()
	t.Cleanup(h2c.Close)
	hosts := map[string][]string{
		"plain": nil, "h2c": nil,
		"buffering": {"buffering.maxrequestbodybytes=1000000"}, "retry": {"retry.attempts=2", "retry.status=500-599"},
		"auth": {"forwardauth.address=" + plain, "forwardauth.forwardbody=true"},
	}
	var labels []string
	for name, settings := range hosts {
		url, extra := plain, []string{}
		if name == "h2c" {
			url = "h2c" + strings.TrimPrefix(h2c.URL, "http")
		}
		for _, s := range settings {
			labels = append(labels, "http.middlewares."+name+"."+s)
			extra = []string{"middlewares=" + name}
		}
		labels = append(labels, route(name, "Host(`"+name+".localhost`)", url, extra...)...)
	}
	s := start(t, withEntries(labels, entry(t, "ep", brief+"readtimeout=300ms")))
	at := s.entrypoint("ep")
	for name := range hosts {
		for _, body := range []string{"Content-Length: 100\r\n\r\nabc", "Content-Length: 100000\r\n\r\nabc",
			"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"} {
			t.Run(name+"/"+body[:19], func(t *testing.T) {
				t.Parallel()
				w := dialWire(t, at)
				_, _ = io.WriteString(w, "POST / HTTP/1.1\r\nHost: "+name+".localhost\r\n"+body)
				res, err := http.ReadResponse(w.in, nil)
				if err != nil {
					t.Fatal(err)
				}
				_, _ = io.Copy(io.Discard, res.Body)
				want(t, "status", res.StatusCode, http.StatusRequestTimeout)
				want(t, "the connection ends", res.Close, true)
			})
		}
	}
}
