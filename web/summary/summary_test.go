package summary_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	"axion/web/summary"
	"axion/web/view"
)

var full = summary.Summary{
	ReadyMS: 163, HTTP: "http://localhost:8080", HTTPS: "https://localhost:8443", Kafka: "localhost:9092",
	Dashboard: "http://127.0.0.1:8900", CA: "/home/me/ca.pem", Token: "tok", User: "dev@axion.localhost", Password: "pw",
	Auth:  "http://127.0.0.1:3010",
	Links: []summary.Link{{Name: "graph-service", URL: "https://graph.localhost:8443"}},
}

func TestPrint(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		summary summary.Summary
		want    string
	}{
		"Full": {full, `axion 1.2.3 is ready in 163ms

  dashboard       http://127.0.0.1:8900
  graph-service   https://graph.localhost:8443
  user            dev@axion.localhost, password pw
  gateway         http://localhost:8080   https://localhost:8443
  kafka           localhost:9092
  authority       /home/me/ca.pem

`},
		"Listeners": {summary.Summary{Kafka: "localhost:2", KafkaListeners: []string{"0.0.0.0:2", "127.0.0.1:3"}}, `axion 1.2.3 is ready in 0s

  kafka   localhost:2   (listens on 0.0.0.0:2, 127.0.0.1:3)

`},
		"ListenerItself": {summary.Summary{Kafka: "localhost:2", KafkaListeners: []string{"localhost:2"}}, `axion 1.2.3 is ready in 0s

  kafka   localhost:2

`},
		"Bare": {summary.Summary{ReadyMS: 1500, Dashboard: "http://127.0.0.1:1", Kafka: "localhost:2"}, `axion 1.2.3 is ready in 1.5s

  dashboard   http://127.0.0.1:1
  kafka       localhost:2

`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			if err := tt.summary.Print(&out, "axion", "1.2.3"); err != nil || out.String() != tt.want {
				t.Errorf("got %v:\n%s\nwant:\n%s", err, out.String(), tt.want)
			}
			if strings.Contains(out.String(), "tok") {
				t.Error("the token is shown")
			}
		})
	}
	t.Run("ErrWrite", func(t *testing.T) {
		t.Parallel()
		if err := full.Print(broken{}, "axion", "1"); !errors.Is(err, os.ErrClosed) {
			t.Errorf("got %v, want the writer's error", err)
		}
	})
}

// TestServices: the services of a compose file have a line each, with a route's URL or an address.
func TestServices(t *testing.T) {
	t.Parallel()
	s := summary.Summary{HTTP: "http://localhost:80", HTTPS: "https://localhost:8443"}
	s.AddServices([]view.Service{
		{Name: "kafka", Reason: "the broker stands in for kafka"},
		{Name: "db", Reason: "a server is started", Ports: []view.ServicePort{{Address: "127.0.0.1:5432"}, {Address: "127.0.0.1:1"}}},
		{Name: "orders", Reason: "x-axion gives a command", Command: []string{"node", "a\nb" + strings.Repeat("x", 99)},
			Ports: []view.ServicePort{{Address: "127.0.0.1:3000"}}},
		{Name: "web", Reason: "x-axion gives a command", Command: []string{"go", "run", "."}},
		{Name: "mongo", Reason: "nothing here provides it", Hint: "start it on 27017"},
	}, []view.Route{
		{Service: "orders@docker", Rule: "PathPrefix(`/o`)"},
		{Service: "orders@docker", Rule: "Host(`tea.localhost`) && PathPrefix(`/orders`)", TLS: true},
		{Service: "web@docker", Rule: "Host(`tea.localhost`) || Host(`b.localhost`)"},
	})
	var out bytes.Buffer
	if err := s.Print(&out, "axion", "1.2.3"); err != nil {
		t.Fatal(err)
	}
	want := `axion 1.2.3 is ready in 0s

  kafka     (the broker stands in for kafka)
  db        127.0.0.1:5432   (a server is started)
  orders    https://tea.localhost:8443/orders   (node a b` + strings.Repeat("x", 82) + `…)
  web       http://tea.localhost:80/   (go run .)
  mongo     (nothing here provides it; start it on 27017)
  gateway   http://localhost:80   https://localhost:8443

`
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, os.ErrClosed }

func TestPrintJSON(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	filled := full
	filled.Data, filled.PID, filled.Version, filled.Instance, filled.Variables = "/d", 7, "1.2.3", "one",
		map[string]string{"KAFKA_SASL_PASSWORD": "secret"}
	if err := filled.PrintJSON(&out); err != nil {
		t.Fatal(err)
	}
	if strings.Count(out.String(), "\n") != 1 || !strings.HasSuffix(out.String(), "\n") {
		t.Errorf("not one line: %q", out.String())
	}
	var got map[string]any
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"ready_ms": 163.0, "http": "http://localhost:8080", "https": "https://localhost:8443", "kafka": "localhost:9092",
		"dashboard": "http://127.0.0.1:8900", "ca": "/home/me/ca.pem", "token": "tok",
		"user": "dev@axion.localhost", "password": "pw",
		"data": "/d", "pid": 7.0, "version": "1.2.3", "instance": "one",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

type hinted struct{ error }

func (hinted) Hint() string { return "do this" }

func TestPrintError(t *testing.T) {
	t.Parallel()
	for want, err := range map[string]error{
		"error: broken\n":                       errors.New("broken"),
		"error: start: broken\nhint: do this\n": fmt.Errorf("start: %w", hinted{errors.New("broken")}),
	} {
		var out bytes.Buffer
		summary.PrintError(&out, err)
		if out.String() != want {
			t.Errorf("got %q, want %q", out.String(), want)
		}
	}
}

func TestVersionCommand(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		args []string
		want string
	}{{nil, "axion 1.2.3\n"}, {[]string{"--json"}, `{"version":"1.2.3"}` + "\n"}} {
		cmd := summary.VersionCommand("axion", "1.2.3")
		var out bytes.Buffer
		cmd.SetOut(&out)
		cmd.SetArgs(tt.args)
		if err := cmd.Execute(); err != nil || out.String() != tt.want {
			t.Errorf("%q: got %q, %v, want %q", tt.args, out.String(), err, tt.want)
		}
	}
}
