package commandline_test

import (
	"bytes"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"go.uber.org/goleak"

	"axion/services/commandline"
	"axion/web/summary"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// nothing is what a command does.
func nothing(*cobra.Command, []string) error { return nil }

// newRoot returns commands as main has them.
func newRoot() *cobra.Command {
	root := &cobra.Command{Use: "axion", Args: cobra.NoArgs, RunE: nothing, SilenceErrors: true, SilenceUsage: true}
	root.PersistentFlags().Bool("no-color", false, "")
	up := &cobra.Command{Use: "up", Args: cobra.NoArgs, RunE: nothing}
	up.Flags().String("brokers", "", "")
	up.Flags().StringArray("without", nil, "do not start `SERVICE`")
	dlq := &cobra.Command{Use: "dlq"}
	dlq.AddCommand(&cobra.Command{Use: "list [SERVICE]", RunE: nothing, ValidArgs: []string{"graph-service"}})
	topics := &cobra.Command{Use: "topics [TOPIC...]", RunE: nothing, Args: cobra.ArbitraryArgs}
	topics.AddCommand(dlq)
	run := &cobra.Command{Use: "run -- COMMAND", RunE: nothing}
	run.Flags().String("service", "", "as `SERVICE`")
	run.Flags().Int("port", 0, "")
	root.AddCommand(up, topics, run, &cobra.Command{Use: "restart SERVICE...", RunE: nothing},
		&cobra.Command{Use: "env [SERVICE]", RunE: nothing}, &cobra.Command{Use: "explain URL", RunE: nothing},
		&cobra.Command{Use: "secret", Hidden: true, RunE: nothing})
	return root
}

// execute runs a command line.
func execute(root *cobra.Command, args ...string) (string, error) {
	var out, errs bytes.Buffer
	root.SetOut(&out)
	root.SetErr(&errs)
	root.SetArgs(args)
	err := root.Execute()
	return out.String(), err
}

// TestSuggest: what is unknown has the nearest as its hint.
func TestSuggest(t *testing.T) {
	t.Parallel()
	// The nearest begins with the same two letters here.
	nearest := func(word string, known []string) string {
		for _, k := range known {
			if len(word) > 1 && strings.HasPrefix(k, word[:2]) {
				return k
			}
		}
		return ""
	}
	for line, want := range map[string]string{
		"upp":              `there is no command "axion upp"; did you mean axion up?`,
		"sec":              `there is no command "axion sec"; axion --help lists the commands`,
		"topics dlq lisst": `there is no command "axion topics dlq lisst"; did you mean axion topics dlq list?`,
		"topics dlq":       "",
		"topics orders":    "",
		"up --broker x":    "unknown flag: --broker; did you mean --brokers?",
		"up --no-colour":   "unknown flag: --no-colour; did you mean --no-color?",
		"up --zzz":         "unknown flag: --zzz; axion up --help lists the flags",
		"up -x":            "unknown shorthand flag: 'x' in -x; axion up --help lists the flags",
		"run --port x": `invalid argument "x" for "--port" flag: strconv.ParseInt: parsing "x": invalid syntax; ` +
			"axion run --help lists the flags",
	} {
		root := newRoot()
		commandline.Suggest(root, nearest)
		_, err := execute(root, strings.Fields(line)...)
		got := ""
		if hinted, ok := errors.AsType[interface {
			error
			Hint() string
		}](err); ok {
			got = err.Error() + "; " + hinted.Hint()
		}
		if got != want || got == "" && err != nil {
			t.Errorf("%s:\ngot  %s, %v\nwant %s", line, got, err, want)
		}
	}
}

// dashboard answers as the running stack's does.
func dashboard(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte(map[string]string{
			"/api/services": `{"items":[{"name":"orders"},{"name":"catalog"},{"name":"cache"}]}`,
			"/api/topics":   `{"items":[{"name":"orders.v1"}]}`,
			"/api/routes": "{\"items\":[{\"rule\":\"Host(`tea.localhost`) && PathPrefix(`/orders`)\",\"tls\":true}," +
				"{\"rule\":\"Host(`tea.localhost`)\"},{\"rule\":\"PathPrefix(`/`)\"}]}",
		}[r.URL.Path]))
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// TestComplete: names of the running stack are completed where a usage has their kind.
func TestComplete(t *testing.T) {
	t.Parallel()
	at := dashboard(t)
	for line, want := range map[string]string{
		"restart ":              "cache catalog orders",
		"restart ca":            "cache catalog",
		"restart cache ":        "catalog orders",
		"env ":                  "cache catalog orders",
		"env orders ":           "",
		"run --service ":        "cache catalog orders",
		"topics o":              "orders.v1",
		"topics orders.v1 ":     "",
		"explain ":              "http://tea.localhost:81/ https://tea.localhost:444/orders",
		"up --without ":         "auth-service",
		"topics dlq list graph": "graph-service",
	} {
		root := newRoot()
		commandline.Complete(root, commandline.Stack{
			Running: func() (summary.Summary, error) {
				return summary.Summary{HTTP: "http://localhost:81", HTTPS: "https://localhost:444", Dashboard: at}, nil
			},
			Builtins: []string{"auth-service"},
		})
		if got := completed(t, root, line); got != want {
			t.Errorf("%s: got %q, want %q", line, got, want)
		}
	}
}

// completed completes a command line.
func completed(t *testing.T, root *cobra.Command, line string) string {
	t.Helper()
	out, err := execute(root, append([]string{"__completeNoDesc"}, strings.Split(line, " ")...)...)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Fields(out)
	if lines[len(lines)-1] != ":4" {
		t.Errorf("%s: files are completed too: %s", line, out)
	}
	return strings.Join(lines[:len(lines)-1], " ")
}

// TestVersion: the flag prints what the command does.
func TestVersion(t *testing.T) {
	t.Parallel()
	root := newRoot()
	root.AddCommand(summary.VersionCommand("axion", "1.2.3"))
	commandline.Setup(root, commandline.Options{Version: "1.2.3", Nearest: func(string, []string) string { return "" }})
	for _, arg := range []string{"--version", "version"} {
		if got, err := execute(root, arg); err != nil || got != "axion 1.2.3\n" {
			t.Errorf("%s: got %q, %v", arg, got, err)
		}
	}
}

// TestCompleteNothing: without a stack, or one that is silent or another's, nothing is completed,
// and nobody waits.
func TestCompleteNothing(t *testing.T) {
	t.Parallel()
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = silent.Close() }()
	at := dashboard(t)
	refused := func(net.Conn) error { return errors.New("another's") }
	runningAt := func(dashboard string) func() (summary.Summary, error) {
		return func() (summary.Summary, error) { return summary.Summary{Dashboard: dashboard}, nil }
	}
	for name, s := range map[string]commandline.Stack{
		"none":    {Running: func() (summary.Summary, error) { return summary.Summary{}, errors.New("no stack is running") }},
		"gone":    {Running: runningAt("http://127.0.0.1:1")},
		"silent":  {Running: runningAt("http://" + silent.Addr().String())},
		"another": {Running: runningAt(at), Check: refused},
	} {
		for _, line := range []string{"restart ", "topics o", "explain "} {
			root := newRoot()
			commandline.Complete(root, s)
			began := time.Now()
			if got := completed(t, root, line); got != "" || time.Since(began) > 30*time.Second {
				t.Errorf("%s: %s: got %q after %s", name, line, got, time.Since(began))
			}
		}
	}
}
