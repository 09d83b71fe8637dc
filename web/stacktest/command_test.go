package stacktest_test

import (
	"bytes"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"axion/services/contract"
	"axion/web/stacktest"
)

// execute runs the program to its end.
func execute(t *testing.T, dir string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	return executeWith(t, dir, nil, args...)
}

// executeWith is execute with env added to the environment, "NAME=value" each.
func executeWith(t *testing.T, dir string, env []string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(t.Context(), binary, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr, cmd.Env = dir, &out, &errs, append(os.Environ(), env...)
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// TestErrors: bad input ends the program with an error that says where, and with
// a hint where there is one, before anything has started.
func TestErrors(t *testing.T) {
	t.Parallel()
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = busy.Close() })
	bad := filepath.Join(t.TempDir(), "compose.yaml")
	save(t, bad, "services:\n  shop:\n    labels: [\n")
	data := t.TempDir()
	stacktest.Launch(t, binary, "--data", data)

	for _, test := range []struct {
		name string
		args []string
		want []string
	}{
		{"BusyPort", []string{"--ports", "auto", "--kafka", busy.Addr().String()}, []string{"error: --kafka: ", busy.Addr().String(), "hint: "}},
		{"BadAddress", []string{"--http", "nonsense"}, []string{"error: --http: "}},
		{"BusySecond", []string{"--ports", "auto", "--kafka", "0", "--kafka", busy.Addr().String()},
			[]string{"error: --kafka: " + busy.Addr().String() + " is in use", "hint: "}},
		{"KafkaTwice", []string{"--ports", "auto", "--kafka", "9555", "--kafka", "0.0.0.0:9555"},
			[]string{"error: --kafka: 0.0.0.0:9555 overlaps --kafka 9555", "hint: leave 9555 out"}},
		{"KafkaEmpty", []string{"--ports", "auto", "--kafka", ""}, []string{`error: --kafka "": no address`, "hint: "}},
		{"Advertise", []string{"--ports", "auto", "--advertise", "nowhere"},
			[]string{`error: --advertise "nowhere": must be host:port`, "hint: "}},
		{"AdvertiseBrokers", []string{"--brokers", "kafka:9092", "--advertise", "kafka:9092"},
			[]string{"error: --advertise kafka:9092: ", "hint: "}},
		{"BrokersEmpty", []string{"--ports", "auto", "--brokers", ""},
			[]string{`error: --brokers "": has an empty address`, "hint: ", "variable"}},
		{"BrokersComma", []string{"--ports", "auto", "--brokers", " , "}, []string{`error: --brokers " , ": has an empty address`, "hint: "}},
		{"ServeBrokersEmpty", []string{"serve", contract.Graph, "--listen", "127.0.0.1:0", "--brokers", "", "--database",
			"postgres://u@127.0.0.1:1/d"},
			[]string{`error: --brokers "": has an empty address`, "hint: "}},
		{"DataInUse", []string{"--ports", "auto", "--data", data}, []string{"error: ", data, "in use", "hint: ", "--data"}},
		{"DataAndEphemeral", []string{"--ephemeral", "--data", data}, []string{"--ephemeral", "--data"}},
		{"Without", []string{"--without", "grph"}, []string{"--without grph", contract.Graph}},
		{"Ports", []string{"--ports", "some"}, []string{"--ports", "auto"}},
		{"MalformedFile", []string{"--ports", "auto", "-f", bad}, []string{"error: ", bad + ":"}},
		{"MissingFile", []string{"--ports", "auto", "-f", "none.yaml"}, []string{"error: ", "none.yaml"}},
		{"UnknownFlag", []string{"--prots", "auto"}, []string{"error: unknown flag: --prots"}},
		{"UnknownCommand", []string{"uo"}, []string{`error: there is no command "axion uo"`, "hint: did you mean axion up?"}},
		{"NotRunning", []string{"routes", "--data", "nowhere"}, []string{"error: no stack is running on nowhere", "hint: "}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			stdout, stderr, code := execute(t, t.TempDir(), test.args...)
			if code != 1 || stdout != "" {
				t.Errorf("got exit code %d and stdout %q, want 1 and nothing", code, stdout)
			}
			for _, want := range test.want {
				if !strings.Contains(stderr, want) {
					t.Errorf("stderr lacks %q:\n%s", want, stderr)
				}
			}
		})
	}
}

// TestCommands asks a running stack.
func TestCommands(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	s := stacktest.Launch(t, binary, "--data", data)
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"version"}, "axion "},
		{[]string{"version", "--json"}, `{"version":`},
		{[]string{"routes", "--data", data}, "Host(`graph.localhost`)"},
		{[]string{"routes", "--json", "--data", data}, `"name":"axion-graph@docker"`},
	} {
		stdout, stderr, code := execute(t, data, test.args...)
		if code != 0 || !strings.Contains(stdout, test.want) {
			t.Errorf("axion %v: got %d, %s%s, want %s", test.args, code, stdout, stderr, test.want)
		}
	}
	token, stderr, code := execute(t, data, "token", "--data", data)
	if code != 0 {
		t.Fatalf("axion token: %s", stderr)
	}
	s.Do(t, "GET", s.URL(contract.GraphHost, "/api/projects"), strings.TrimSpace(token), nil).Decode(t, 200, nil)
}

// TestNoBuiltinsTopics: without the builtins none of their topics is made, at a
// second start neither, and a service of the user's own makes what it needs.
func TestNoBuiltinsTopics(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	topics := func() string {
		stdout, stderr, code := execute(t, data, "topics", "--json", "--data", data)
		if code != 0 {
			t.Fatalf("axion topics: %s", stderr)
		}
		return strings.TrimSpace(stdout)
	}
	for range 2 {
		s := stacktest.Launch(t, binary, "--no-builtins", "--data", data)
		if got := topics(); got != `{"items":[]}` {
			t.Errorf("got %s, want no topics", got)
		}
		s.Get(t, s.Dashboard+"/api/topics").Decode(t, 200, nil)
		s.Get(t, s.Dashboard+"/api/map").Decode(t, 200, nil)
		if got := topics(); got != `{"items":[]}` {
			t.Errorf("after the dashboard has looked: got %s, want no topics", got)
		}
		s.Stop(t)
	}
	s := stacktest.Launch(t, binary, "--no-builtins", "--data", data)
	client := s.Kafka(t, kgo.AllowAutoTopicCreation())
	if err := client.ProduceSync(t.Context(), &kgo.Record{Topic: "mine", Value: []byte("x")}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	if got := topics(); !strings.Contains(got, `"name":"mine"`) || strings.Contains(got, "axion.") {
		t.Errorf("got %s, want mine alone", got)
	}
}

// TestNoBuiltinsBrokers makes no topics on a cluster that is not its own either.
func TestNoBuiltinsBrokers(t *testing.T) {
	t.Parallel()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	s := stacktest.Launch(t, binary, "--no-builtins", "--brokers", cluster.ListenAddrs()[0])
	var topics struct{ Items []struct{ Name string } }
	s.Get(t, s.Dashboard+"/api/topics").Decode(t, 200, &topics)
	if len(topics.Items) != 0 || len(s.KafkaListeners) != 0 {
		t.Errorf("got topics %v and listeners %v, want none", topics.Items, s.KafkaListeners)
	}
}
