package gateway_test

import (
	"net/http"
	"testing"
)

// TestCircle is of a request that two gateways send to each other: it ends, before it
// has used up their connections, and other requests are served.
func TestCircle(t *testing.T) {
	t.Parallel()
	first := start(t, compose(route("calm", "Host(`calm.localhost`)", upstream(t, "calm"))...))
	second := start(t, compose(route("back", "PathPrefix(`/`)", "http://"+first.http)...))
	first.save(compose(append(route("calm", "Host(`calm.localhost`)", upstream(t, "calm")),
		route("there", "Host(`circle.localhost`)", "http://"+second.http)...)...))
	eventually(t, "the circle is closed", func() bool {
		status, _ := get(t, first.client(), "http://circle.localhost/")
		return status == http.StatusLoopDetected
	})
	status, body := get(t, first.client(), "http://calm.localhost/")
	want(t, "another request's status", status, http.StatusOK)
	want(t, "another request's body", body, "calm")
}
