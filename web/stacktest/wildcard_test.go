package stacktest_test

import (
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"axion/web/stacktest"
)

// TestWildcard: a stack that listens on all addresses is named by some that can be
// connected to, wherever it is named.
func TestWildcard(t *testing.T) {
	t.Parallel()
	for name, all := range map[string]string{"NoHost": ":0", "IPv4": "0.0.0.0:0", "IPv6": "[::]:0"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data := t.TempDir()
			args := []string{"--data", data}
			for _, flag := range []string{"http", "https", "kafka", "dashboard", "otlp-http", "otlp-grpc"} {
				args = append(args, "--"+flag, all)
			}
			s := stacktest.Launch(t, binary, args...)
			for _, text := range []string{s.Summary.HTTP, s.Summary.HTTPS, s.Summary.Dashboard, s.Summary.OTLPHTTP,
				s.Summary.OTLPGRPC, "//" + s.Summary.Kafka} {
				u, err := url.Parse(text)
				if err != nil {
					t.Fatal(err)
				}
				if name := u.Hostname(); name != "localhost" && name != "127.0.0.1" {
					t.Errorf("%s: want an address of this machine alone", text)
				}
				c, err := net.Dial("tcp", u.Host)
				if err != nil {
					t.Fatal(err)
				}
				_ = c.Close()
			}
			stored, err := os.ReadFile(filepath.Join(data, "stack.json"))
			if err != nil {
				t.Fatal(err)
			}
			doctor, _, _ := execute(t, data, "doctor", "--data", data)
			env, _, _ := execute(t, data, "env", "--data", data)
			if !strings.Contains(doctor, s.Dashboard+" answers 200") {
				t.Errorf("doctor did not reach the stack: %s", doctor)
			}
			get := func(path string) string {
				a := s.Get(t, s.Dashboard+path)
				if a.Status != http.StatusOK {
					t.Errorf("%s: got %d", path, a.Status)
				}
				return string(a.Body)
			}
			listeners := strings.NewReplacer(`"0.0.0.0:`, "", `"[::]:`, "") // of Kafka, which are listed beside its address
			for where, text := range map[string]string{
				"stack.json": listeners.Replace(string(stored)), "doctor": doctor, "env": env, "the System page": listeners.Replace(get("/api/system")),
			} {
				if strings.Contains(text, "[::]") || strings.Contains(text, "0.0.0.0") {
					t.Errorf("%s has an address that none can be connected to: %s", where, text)
				}
			}
		})
	}
}
