//go:build linux

package stacktest_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"

	"axion/gateway/provider/docker/dockertest"
	"axion/services/clustertest"
	"axion/web/stacktest"
)

// told reads what the client says, and fails unless it was told of want alone.
func told(t *testing.T, at, stdout, stderr string, code int, want string) {
	t.Helper()
	var answer struct{ Told []string }
	if err := json.Unmarshal([]byte(stdout), &answer); err != nil || code != 0 {
		t.Errorf("at %s: exit code %d: %s", at, code, stderr)
		return
	}
	if len(answer.Told) != 1 || answer.Told[0] != want {
		t.Errorf("at %s: told %v, want %s", at, answer.Told, want)
	}
}

// namespace is a network namespace beside this machine's, as another machine is.
type namespace struct{ name string }

func (n namespace) ip(t *testing.T, args ...string) {
	t.Helper()
	ip(t, append([]string{"-n", n.name}, args...)...)
}

func ip(t *testing.T, args ...string) {
	t.Helper()
	if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
		t.Fatalf("ip %s: %v: %s", strings.Join(args, " "), err, out)
	}
}

// run runs a command there.
func (n namespace) run(args ...string) (stdout, stderr string, code int) {
	var out, errs bytes.Buffer
	cmd := exec.Command("ip", append([]string{"netns", "exec", n.name}, args...)...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil && !errors.As(err, new(*exec.ExitError)) {
		return "", err.Error(), -1
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// newNamespace makes one, with two links to it. The first has all kinds of addresses
// (here the first of each net, there the second), and another name on each side; the
// second has those of the link alone, and one name.
func newNamespace(t *testing.T) (n namespace, first, second string) {
	t.Helper()
	if os.Geteuid() != 0 {
		clustertest.Missing(t, "the right to make network namespaces", "nothing, but run the tests as root")
	}
	if _, err := exec.LookPath("ip"); err != nil {
		clustertest.Missing(t, "ip", "iproute2")
	}
	if off, err := os.ReadFile("/proc/sys/net/ipv6/conf/all/disable_ipv6"); err != nil || strings.TrimSpace(string(off)) != "0" {
		clustertest.Missing(t, "IPv6", "nothing, but allow it by net.ipv6.conf.all.disable_ipv6=0")
	}
	id := fmt.Sprintf("%x", os.Getpid()&0xffffff)
	n = namespace{"axion" + id}
	first, second = "axa"+id, "axb"+id
	if out, err := exec.Command("ip", "netns", "add", n.name).CombinedOutput(); err != nil {
		clustertest.Missing(t, "the right to make network namespaces ("+strings.TrimSpace(string(out))+")", "nothing, but allow it")
	}
	t.Cleanup(func() {
		_ = exec.Command("ip", "link", "del", first).Run() // with its namespace it may be gone
		_ = exec.Command("ip", "link", "del", second).Run()
		if out, err := exec.Command("ip", "netns", "del", n.name).CombinedOutput(); err != nil {
			t.Errorf("delete the namespace: %v: %s", err, out)
		}
	})
	n.ip(t, "link", "set", "lo", "up")
	ip(t, "link", "add", first, "type", "veth", "peer", "name", "there", "netns", n.name)
	ip(t, "link", "add", second, "type", "veth", "peer", "name", second, "netns", n.name)
	for _, link := range []string{first, second} {
		ip(t, "link", "set", link, "addrgenmode", "none", "up")
	}
	for _, link := range []string{"there", second} {
		n.ip(t, "link", "set", link, "addrgenmode", "none", "up")
	}
	here := func(link string, addrs ...string) { address(t, func(args ...string) { ip(t, args...) }, link, addrs) }
	there := func(link string, addrs ...string) { address(t, func(args ...string) { n.ip(t, args...) }, link, addrs) }
	here(first, "198.51.100.1/30", "fd00:a::1/64", "fe80::a1/64")
	there("there", "198.51.100.2/30", "fd00:a::2/64", "fe80::a2/64")
	here(second, "fe80::b1/64")
	there(second, "fe80::b2/64")
	return n, first, second
}

func address(t *testing.T, ip func(...string), link string, addrs []string) {
	t.Helper()
	for _, a := range addrs {
		args := []string{"addr", "add", a, "dev", link}
		if strings.Contains(a, "::") {
			args = append(args, "nodad")
		}
		ip(args...)
	}
}

// TestKafkaFromNamespace reaches the broker from another network at each of its
// addresses, twice, the second time after a restart.
func TestKafkaFromNamespace(t *testing.T) {
	t.Parallel()
	n, _, second := newNamespace(t)
	client := kafkaClient(t)
	s := stacktest.Launch(t, binary, "--no-builtins", "--kafka", "0.0.0.0:0", "--kafka", "localhost:0")
	_, port, err := net.SplitHostPort(s.Summary.Kafka)
	if err != nil || !strings.HasPrefix(s.Summary.Kafka, "localhost:") || len(s.KafkaListeners) != 2 || s.KafkaListeners[0] != "0.0.0.0:"+port {
		t.Fatalf("got %s, listening on %v", s.Summary.Kafka, s.KafkaListeners)
	}
	if warning := "listens beyond this machine"; strings.Count(s.Stderr.String(), warning) != 1 {
		t.Errorf("stderr lacks %q, or has it twice:\n%s", warning, s.Stderr)
	}
	ask := func() {
		t.Helper()
		for at, want := range map[string]string{
			"198.51.100.1":       "198.51.100.1",
			"fd00:a::1":          "fd00:a::1",
			"fe80::a1%there":     "198.51.100.1", // the zone's name means nothing there
			"fe80::b1%" + second: "fe80::b1%" + second,
		} {
			at, want = net.JoinHostPort(at, port), net.JoinHostPort(want, port)
			stdout, stderr, code := n.run(client, at, "words")
			told(t, at, stdout, stderr, code, want)
		}
		// On this machine at the same time.
		for at, want := range map[string]string{"127.0.0.1:" + port: "localhost:" + port, "[::1]:" + port: "localhost:" + port,
			s.KafkaListeners[1]: s.KafkaListeners[1], "198.51.100.1:" + port: "198.51.100.1:" + port} {
			stdout, stderr, code := outcome(exec.Command(client, at, "words"))
			told(t, at, stdout, stderr, code, want)
		}
		// The other listener is for this machine alone.
		_, closed, _ := net.SplitHostPort(s.KafkaListeners[1])
		if _, stderr, code := n.run(client, "198.51.100.1:"+closed); code == 0 {
			t.Errorf("the listener on localhost is reached from elsewhere: %s", stderr)
		}
	}
	ask()
	faults := newScript(t, s.Stack)
	id := faults.breaks(t, map[string]any{"kind": "broker-restart", "seconds": 60})
	if status, body := faults.send(t, http.MethodDelete, "/api/faults/"+id, nil); status/100 != 2 {
		t.Fatalf("end the fault: %d %s", status, body)
	}
	ask()
}

// outcome runs a command to its end.
func outcome(cmd *exec.Cmd) (stdout, stderr string, code int) {
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil && !errors.As(err, new(*exec.ExitError)) {
		return "", err.Error(), -1
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// TestKafkaFromContainer reaches the broker from containers of the engine that
// --docker follows, by their bridge's address; a second bridge has another.
func TestKafkaFromContainer(t *testing.T) {
	t.Parallel()
	e := dockertest.Start(t)
	e.Build(t, "axion/web/stacktest/kafkaclient", "kafkaclient:test")
	e.Network(t, "front")
	e.Network(t, "back")
	s := stacktest.LaunchWith(t, []string{"DOCKER_HOST=" + e.Host}, binary, "--docker", "--kafka", "0.0.0.0:0")
	_, port, err := net.SplitHostPort(s.Summary.Kafka)
	if err != nil {
		t.Fatal(err)
	}
	for _, network := range []string{"front", "back", "front"} {
		at := net.JoinHostPort(e.Gateway(t, network), port)
		stdout, stderr, code := e.Execute(t, "kafkaclient:test", network, at, "words")
		told(t, at, stdout, stderr, code, at)
	}
	stdout, stderr, code := e.Execute(t, "kafkaclient:test", "host", "localhost:"+port, "words")
	told(t, "localhost", stdout, stderr, code, "localhost:"+port)
}

// TestKafkaAdvertised: --advertise is told to all, but for those of a listener on
// localhost beside others.
func TestKafkaAdvertised(t *testing.T) {
	t.Parallel()
	client := kafkaClient(t)
	s := stacktest.Launch(t, binary, "--no-builtins", "--kafka", "localhost:0", "--kafka", "0.0.0.0:0", "--advertise", "kafka.invalid:443")
	if s.Summary.Kafka != s.KafkaListeners[0] {
		t.Errorf("kafka: got %s, want %s", s.Summary.Kafka, s.KafkaListeners[0])
	}
	stdout, stderr, code := outcome(exec.Command(client, s.Summary.Kafka, "words"))
	told(t, s.Summary.Kafka, stdout, stderr, code, s.KafkaListeners[0])
	_, port, _ := net.SplitHostPort(s.KafkaListeners[1])
	stdout, stderr, code = outcome(exec.Command(client, "127.0.0.1:"+port))
	told(t, port, stdout, stderr, code, "kafka.invalid:443")
}
