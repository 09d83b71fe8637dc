package services

import (
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"axion/services/contract"
	"axion/services/host"
)

// TestDefaultAddress: a process in a builtin's place that says nothing is looked for at
// localhost, which is found where it listens on ::1 alone too, as Node's does at times.
func TestDefaultAddress(t *testing.T) {
	t.Parallel()
	if got, want := defaultAddress(contract.Codegen), "localhost:3002"; got != want {
		t.Fatalf("got %s, want %s", got, want)
	}
	six, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		t.Skipf("no IPv6 here: %v", err)
	}
	server := &httptest.Server{Listener: six, Config: &http.Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})}}
	server.Start()
	t.Cleanup(server.Close)
	_, port, _ := net.SplitHostPort(six.Addr().String())
	st := serviceStatus{}
	st.Name = contract.Codegen
	st.probeAddress(t.Context(), host.Client(nil), net.JoinHostPort("localhost", port), probeTimeout)
	if st.Address != "localhost:"+port {
		t.Errorf("got %+v, want it found", st)
	}
}
