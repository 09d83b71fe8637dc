package stacktest_test

import (
	"crypto/tls"
	"encoding/pem"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"

	"axion/services/contract"
	"axion/web/stacktest"
)

// asking are the command lines that ask a running stack.
var asking = [][]string{
	{"routes"}, {"explain", "https://graph.localhost/"}, {"token"}, {"topics"}, {"topics", "dlq", "list"}, {"rebuild", contract.Graph},
}

// TestInstance: a stack that was killed is reported as such, although another answers at
// its addresses now, and answers nobody in its place.
func TestInstance(t *testing.T) {
	t.Parallel()
	first, second := t.TempDir(), t.TempDir()
	s := stacktest.Launch(t, binary, "--data", first)
	s.Kill(t)
	port := func(address string) string {
		_, p, _ := net.SplitHostPort(address[strings.LastIndex(address, "/")+1:])
		return p
	}
	stacktest.Launch(t, binary, "--data", second, "--dashboard", port(s.Dashboard), "--kafka", port(s.Summary.Kafka), "--http", port(s.HTTP),
		"--https", port(s.HTTPS))
	for _, args := range asking {
		stdout, stderr, code := execute(t, first, append(args, "--data", first)...)
		if code != 1 || stdout != "" || !strings.Contains(stderr, "ended by a crash at 20") || !strings.Contains(stderr, "hint: ") {
			t.Errorf("axion %v: got %d, %s%s, want that the stack was killed", args, code, stdout, stderr)
		}
		if _, stderr, code := execute(t, second, append(args, "--data", second)...); code != 0 {
			t.Errorf("axion %v on the second: got %d, %s", args, code, stderr)
		}
	}
	// Started once more the first is found again.
	again := stacktest.Launch(t, binary, "--data", first)
	if _, stderr, code := execute(t, first, "routes", "--data", first); code != 0 || again.Instance == s.Instance {
		t.Errorf("after another start: got %d, %s, and instance %s after %s", code, stderr, again.Instance, s.Instance)
	}
}

// TestSecureCluster: commands reach a cluster of several brokers by SASL and TLS: that of
// the running stack without a flag, and without a stack as `up` does.
func TestSecureCluster(t *testing.T) {
	t.Parallel()
	server := httptest.NewTLSServer(nil) // for its certificate, which is for 127.0.0.1
	t.Cleanup(server.Close)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	save(t, ca, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})))
	cluster, err := kfake.NewCluster(kfake.NumBrokers(2), kfake.EnableSASL(), kfake.Superuser("PLAIN", "me", "sesame"),
		kfake.TLS(&tls.Config{Certificates: server.TLS.Certificates}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	dead, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = dead.Close() // the first of them is down
	brokers := strings.Join(append([]string{dead.Addr().String()}, cluster.ListenAddrs()...), ",")
	secrets := []string{"KAFKA_SASL_MECHANISM=PLAIN", "KAFKA_SASL_USERNAME=me", "KAFKA_SASL_PASSWORD=sesame", "KAFKA_TLS_CA_FILE=" + ca}
	data := t.TempDir()
	s := stacktest.LaunchWith(t, secrets, binary, "--brokers", brokers, "--data", data)
	info, err := os.Stat(filepath.Join(data, "stack.json"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file with the password: got %v, %v, want 0600", info.Mode(), err)
	}
	commands := [][]string{{"topics"}, {"topics", "dlq", "list"}, {"rebuild", contract.Graph}}
	for _, args := range commands {
		if stdout, stderr, code := execute(t, data, append(args, "--data", data)...); code != 0 || stdout == "" {
			t.Errorf("axion %v: got %d, %s%s", args, code, stdout, stderr)
		}
		none := t.TempDir()
		if stdout, stderr, code := executeWith(t, none, secrets, append(args, "--brokers", brokers)...); code != 0 || stdout == "" {
			t.Errorf("axion %v --brokers, without a stack: got %d, %s%s", args, code, stdout, stderr)
		}
	}
	if out, _, _ := execute(t, data, "routes", "--json", "--data", data); strings.Contains(out, "sesame") {
		t.Error("the password is shown")
	}
	if strings.Contains(s.Stderr.String(), "sesame") {
		t.Error("the password is logged")
	}
}
