//go:build linux

package stacktest_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"

	"axion/gateway/provider/docker/dockertest"
	"axion/services/clustertest"
	"axion/web/stacktest"
)

// checkAdvertised reads what the client prints, and fails unless it was sent want alone.
func checkAdvertised(t *testing.T, at, stdout, stderr string, code int, want string) {
	t.Helper()
	var answer struct{ Advertised []string }
	if err := json.Unmarshal([]byte(stdout), &answer); err != nil || code != 0 {
		t.Errorf("at %s: exit code %d: %s", at, code, stderr)
		return
	}
	if len(answer.Advertised) != 1 || answer.Advertised[0] != want {
		t.Errorf("at %s: advertised %v, want %s", at, answer.Advertised, want)
	}
}

// run runs a command in a namespace.
func run(n dockertest.Namespace, name string, args ...string) (stdout, stderr string, code int) {
	return outcome(n.Command(name, args...))
}

// newNamespaces makes two with two links between them. The first link has all kinds of
// addresses, and another name on each side; the second has those of the link alone, and
// one name.
func newNamespaces(t *testing.T) (here, there dockertest.Namespace) {
	t.Helper()
	if os.Geteuid() != 0 {
		clustertest.Missing(t, "the right to make network namespaces", "nothing, but run the tests as root")
	}
	if off, err := os.ReadFile("/proc/sys/net/ipv6/conf/all/disable_ipv6"); err != nil || strings.TrimSpace(string(off)) != "0" {
		clustertest.Missing(t, "IPv6", "nothing, but allow it by net.ipv6.conf.all.disable_ipv6=0")
	}
	here, there = dockertest.NewNamespace(t, "here"), dockertest.NewNamespace(t, "there")
	here.IP(t, "link", "add", "inside", "type", "veth", "peer", "name", "outside", "netns", there.Name())
	here.IP(t, "link", "add", "same", "type", "veth", "peer", "name", "same", "netns", there.Name())
	for n, link := range map[dockertest.Namespace]string{here: "inside", there: "outside"} {
		n.IP(t, "link", "set", link, "addrgenmode", "none", "up")
		n.IP(t, "link", "set", "same", "addrgenmode", "none", "up")
	}
	addresses(t, here, "inside", "198.51.100.1/30", "fd00:a::1/64", "fe80::a1/64")
	addresses(t, there, "outside", "198.51.100.2/30", "fd00:a::2/64", "fe80::a2/64")
	addresses(t, here, "same", "fe80::b1/64")
	addresses(t, there, "same", "fe80::b2/64")
	return here, there
}

func addresses(t *testing.T, n dockertest.Namespace, link string, addrs ...string) {
	t.Helper()
	for _, a := range addrs {
		args := []string{"addr", "add", a, "dev", link}
		if strings.Contains(a, "::") {
			args = append(args, "nodad") // it can be used at once
		}
		n.IP(t, args...)
	}
}

// TestKafkaFromNamespace reaches the broker from another network at each of its
// addresses, twice, the second time after a restart.
func TestKafkaFromNamespace(t *testing.T) {
	t.Parallel()
	here, there := newNamespaces(t)
	client := kafkaClient(t)
	s := stacktest.Launch(t, here.Program(t, t.TempDir(), binary), "--no-builtins", "--kafka", "0.0.0.0:0", "--kafka", "localhost:0")
	_, port, err := net.SplitHostPort(s.Summary.Kafka)
	if err != nil || !strings.HasPrefix(s.Summary.Kafka, "localhost:") || len(s.KafkaListeners) != 2 ||
		s.KafkaListeners[0] != "0.0.0.0:"+port {
		t.Fatalf("got %s, listening on %v", s.Summary.Kafka, s.KafkaListeners)
	}
	if warning := "listens beyond this machine"; strings.Count(s.Stderr.String(), warning) != 1 {
		t.Errorf("stderr lacks %q, or has it twice:\n%s", warning, s.Stderr)
	}
	check := func(n dockertest.Namespace, want map[string]string) {
		t.Helper()
		for at, want := range want {
			at, want = net.JoinHostPort(at, port), net.JoinHostPort(want, port)
			stdout, stderr, code := run(n, client, at, "words")
			checkAdvertised(t, at, stdout, stderr, code, want)
		}
	}
	for range 2 {
		check(there, map[string]string{"198.51.100.1": "198.51.100.1", "fd00:a::1": "fd00:a::1", "fe80::b1%same": "fe80::b1%same",
			"fe80::a1%outside": "198.51.100.1"}) // that zone is none here
		check(here, map[string]string{"127.0.0.1": "localhost", "::1": "localhost", "localhost": "localhost", "198.51.100.1": "198.51.100.1",
			"fe80::a1%inside": "fe80::a1%inside"})
		stdout, stderr, code := run(here, client, s.KafkaListeners[1], "words")
		checkAdvertised(t, "the other listener", stdout, stderr, code, s.KafkaListeners[1])
		_, closed, _ := net.SplitHostPort(s.KafkaListeners[1])
		if stdout, _, code := run(there, client, "198.51.100.1:"+closed); code == 0 {
			t.Errorf("the listener on localhost is reached from elsewhere: %s", stdout)
		}
		restartBroker(t, here, s.Dashboard)
	}
}

// restartBroker takes the broker away and ends that, by the dashboard of a stack in a
// namespace.
func restartBroker(t *testing.T, n dockertest.Namespace, dashboard string) {
	t.Helper()
	var session struct{ Token string }
	var fault struct{ ID string }
	curl := func(to any, args ...string) {
		t.Helper()
		stdout, stderr, code := run(n, "curl", append([]string{"-sS", "--fail"}, args...)...)
		if code != 0 {
			t.Fatalf("curl %v: %d %s", args, code, stderr)
		}
		if err := json.Unmarshal([]byte(stdout), to); to != nil && err != nil {
			t.Fatalf("curl %v: %v: %s", args, err, stdout)
		}
	}
	if _, err := exec.LookPath("curl"); err != nil {
		clustertest.Missing(t, "curl", "curl")
	}
	curl(&session, dashboard+"/api/session")
	token := "X-Axion-Token: " + session.Token
	curl(&fault, "-H", token, "--json", `{"kind":"broker-restart","seconds":60}`, dashboard+"/api/faults")
	curl(nil, "-H", token, "-X", "DELETE", dashboard+"/api/faults/"+fault.ID)
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
	n := dockertest.NewNamespace(t, "engine")
	e := dockertest.StartIn(t, n)
	e.Build(t, "axion/web/stacktest/kafkaclient", "kafkaclient:test")
	e.Network(t, "front")
	e.Network(t, "back")
	s := stacktest.LaunchWith(t, []string{"DOCKER_HOST=" + e.Host}, n.Program(t, t.TempDir(), binary), "--docker", "--kafka", "0.0.0.0:0")
	_, port, err := net.SplitHostPort(s.Summary.Kafka)
	if err != nil {
		t.Fatal(err)
	}
	for _, network := range []string{"front", "back", "front"} {
		at := net.JoinHostPort(e.Gateway(t, network), port)
		stdout, stderr, code := e.Execute(t, "kafkaclient:test", network, at, "words")
		checkAdvertised(t, at, stdout, stderr, code, at)
	}
	stdout, stderr, code := e.Execute(t, "kafkaclient:test", "host", "localhost:"+port, "words")
	checkAdvertised(t, "localhost", stdout, stderr, code, "localhost:"+port)
}

// TestKafkaAdvertised: --advertise is sent to all, but for those of a listener on
// localhost beside others.
func TestKafkaAdvertised(t *testing.T) {
	t.Parallel()
	client := kafkaClient(t)
	s := stacktest.Launch(t, binary, "--no-builtins", "--kafka", "localhost:0", "--kafka", "0.0.0.0:0", "--advertise", "kafka.invalid:443")
	if s.Summary.Kafka != s.KafkaListeners[0] {
		t.Errorf("kafka: got %s, want %s", s.Summary.Kafka, s.KafkaListeners[0])
	}
	stdout, stderr, code := outcome(exec.Command(client, s.Summary.Kafka, "words"))
	checkAdvertised(t, s.Summary.Kafka, stdout, stderr, code, s.KafkaListeners[0])
	_, port, _ := net.SplitHostPort(s.KafkaListeners[1])
	stdout, stderr, code = outcome(exec.Command(client, "127.0.0.1:"+port))
	checkAdvertised(t, port, stdout, stderr, code, "kafka.invalid:443")
}
