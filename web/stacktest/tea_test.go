package stacktest_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/twmb/franz-go/pkg/kgo"

	"axion/services/bus/nesttest"
	"axion/web/stacktest"
	"axion/web/view"
)

// shop is the tea shop of testdata in a directory of its own: a compose file as a team has
// it, and its services in Node, Python and Go.
type shop struct {
	*stacktest.Process
	dir string
	env []string
}

// openShop copies the shop and installs what its services need. Nothing runs yet.
func openShop(t testing.TB) *shop {
	t.Helper()
	const source = "testdata/tea"
	s := &shop{dir: t.TempDir()}
	if err := os.CopyFS(s.dir, os.DirFS(source)); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(nesttest.Packages(t, source+"/orders"), filepath.Join(s.dir, "orders", "node_modules")); err != nil {
		t.Fatal(err)
	}
	python := stacktest.Python(t, source+"/catalog/requirements.txt")
	s.env = []string{"PATH=" + python + string(os.PathListSeparator) + os.Getenv("PATH")}
	return s
}

// up runs "axion up" in the shop's directory and waits until all of it runs.
func (s *shop) up(t testing.TB) {
	t.Helper()
	s.Process = stacktest.LaunchIn(t, s.dir, s.env, binary, "--data", filepath.Join(s.dir, ".axion"))
	want := map[string]view.ServiceState{"migrate": view.ServiceCompleted}
	for _, name := range []string{"traefik", "kafka", "postgres-catalog", "postgres-orders", "cache", "orders", "catalog", "web"} {
		want[name] = view.ServiceRunning
	}
	var states map[string]view.ServiceState
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("services: %v", states)
		}
	})
	stacktest.Eventually(t, "the services to run", func() bool {
		var list struct{ Items []view.Service }
		s.Get(t, s.Dashboard+"/api/services").Decode(t, http.StatusOK, &list)
		states = statesOf(list.Items)
		return maps.Equal(states, want)
	})
	out, err := exec.Command(binary, "ps", "--json", "--data", filepath.Join(s.dir, ".axion")).Output()
	if err != nil {
		t.Fatal(err)
	}
	var listed []view.Service
	if err := json.Unmarshal(out, &listed); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if got := statesOf(listed); !maps.Equal(got, want) {
		t.Errorf("axion ps has %v, want %v", got, want)
	}
}

// statesOf are the states of services, by name.
func statesOf(all []view.Service) map[string]view.ServiceState {
	states := map[string]view.ServiceState{}
	for _, s := range all {
		states[s.Name] = s.State
	}
	return states
}

// at is an address of the shop as its customers have it.
func (s *shop) at(path string) string {
	return strings.Replace(s.HTTP, "localhost", "tea.localhost", 1) + path
}

// order is one order of tea.
type order struct {
	ID, Grams, Cents int
	Tea              string
}

// orders lists the orders, and how often each tea was ordered.
func (s *shop) orders(t testing.TB) (items []order, counts map[string]int) {
	t.Helper()
	var list struct {
		Items  []order
		Counts map[string]int
	}
	s.Get(t, s.at("/orders")).Decode(t, http.StatusOK, &list)
	return list.Items, list.Counts
}

// try orders tea, and gives an error where it was not confirmed.
func (s *shop) try(tea string) (order, error) {
	var o order
	answer, err := s.Client.Post(s.at("/orders"), "application/json", strings.NewReader(fmt.Sprintf(`{"tea":%q,"grams":250}`, tea)))
	if err != nil {
		return o, err
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return o, err
	}
	if answer.StatusCode != http.StatusCreated {
		return o, fmt.Errorf("%s: %s", answer.Status, text)
	}
	return o, json.Unmarshal(text, &o)
}

// TestTea brings a whole compose file up without a container engine. An order crosses all
// of it, and what was confirmed is there after a kill, which leaves no process.
func TestTea(t *testing.T) {
	t.Parallel()
	s := openShop(t)
	s.up(t)
	placed, err := s.try("assam")
	if err != nil {
		t.Fatal(err)
	}
	if want := (order{ID: 1, Grams: 250, Cents: 1125, Tea: "assam"}); placed != want {
		t.Errorf("ordered %+v, want %+v: 250 g at the catalog's 450 cents", placed, want)
	}
	if items, counts := s.orders(t); !slices.Equal(items, []order{placed}) || counts["assam"] != 1 {
		t.Errorf("there are %+v, counted %v; want the one order", items, counts)
	}
	s.wantTrace(t)
	t.Run("Page", func(t *testing.T) {
		tab := stacktest.OpenTab(t)
		tab.Open(s.at("/"))
		tab.Await("spring: assam, gyokuro, oolong", "250 g assam, 1125 cents")
		tab.AssertNoConsoleErrors()
	})
	s.change(t, "/catalog", "catalog/season.py", "spring", "autumn")         // axion watches
	s.change(t, "/orders", "orders/terms.js", "first flush", "second flush") // "node --watch" does
	confirmed := append(s.killUnderLoad(t), placed)
	s.up(t)
	items, counts := s.orders(t)
	for _, o := range confirmed {
		if !slices.Contains(items, o) {
			t.Errorf("the confirmed order %+v is lost", o)
		}
	}
	if counts["assam"] < len(confirmed) {
		t.Errorf("counted %d, want at least the %d confirmed orders", counts["assam"], len(confirmed))
	}
	events := map[string]bool{}
	s.Records(t, "orders", func(r *kgo.Record) {
		var o order
		if err := json.Unmarshal(r.Value, &o); err != nil {
			t.Error(err)
		}
		events[fmt.Sprint(o.ID)] = true
	})
	for _, o := range confirmed {
		if !events[fmt.Sprint(o.ID)] {
			t.Errorf("the event of the confirmed order %d is lost", o.ID)
		}
	}
}

// wantTrace checks that the event on Kafka is of the trace that the gateway began.
func (s *shop) wantTrace(t testing.TB) {
	t.Helper()
	record := s.Record(t, "orders", "ORDER_PLACED")
	if string(record.Key) != "assam" {
		t.Errorf("the event's key is %q", record.Key)
	}
	parts := strings.Split(stacktest.Header(record, "traceparent"), "-")
	if len(parts) != 4 {
		t.Fatalf("the event's traceparent is %q", stacktest.Header(record, "traceparent"))
	}
	stacktest.Eventually(t, "the request's trace", func() bool {
		answer := s.Get(t, s.Dashboard+"/api/traces/"+parts[1])
		return answer.Status == http.StatusOK && bytes.Contains(answer.Body, []byte("POST tea.localhost/orders"))
	})
}

// change changes a text in a file of a service while clients ask for a path of it, and
// checks that the service comes to answer with the new one and that no request failed.
func (s *shop) change(t testing.TB, path, file, from, to string) {
	t.Helper()
	file = filepath.Join(s.dir, file)
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	live := make(chan struct{})
	var once sync.Once
	var load sync.WaitGroup
	for range 8 {
		load.Go(func() {
			for after := 0; after < 20; {
				body, err := s.ask(path)
				if err != nil {
					t.Errorf("while %s changed: %v", file, err)
					return
				}
				select {
				case <-live:
					after++
				default:
				}
				if bytes.Contains(body, []byte(to)) {
					once.Do(func() { close(live) })
				}
			}
		})
	}
	if err := os.WriteFile(file, bytes.ReplaceAll(text, []byte(from), []byte(to)), 0o644); err != nil {
		t.Error(err)
	}
	load.Wait()
}

// ask gets a path of the shop; an answer that is not 200 is an error.
func (s *shop) ask(path string) ([]byte, error) {
	answer, err := s.Client.Get(s.at(path))
	if err != nil {
		return nil, err
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", answer.Status, body)
	}
	return body, err
}

// killUnderLoad kills the program while it takes orders, checks that no process is left,
// and gives the orders that were confirmed.
func (s *shop) killUnderLoad(t testing.TB) []order {
	t.Helper()
	var mu sync.Mutex
	var confirmed []order
	enough := make(chan struct{})
	var load sync.WaitGroup
	for range 4 {
		load.Go(func() {
			for {
				o, err := s.try("assam")
				if err != nil {
					return
				}
				mu.Lock()
				if confirmed = append(confirmed, o); len(confirmed) == 50 {
					close(enough)
				}
				mu.Unlock()
			}
		})
	}
	done := make(chan struct{})
	go func() { load.Wait(); close(done) }()
	select {
	case <-enough:
	case <-done:
		t.Fatal("the load ended before the kill")
	}
	started := stacktest.Descendants(s.Cmd.Process.Pid)
	if !slices.ContainsFunc(started, func(p stacktest.Proc) bool { return strings.Contains(p.Command, "main.js") }) {
		t.Errorf("orders is not among the processes %v", started)
	}
	s.Kill(t)
	<-done
	for _, p := range started {
		stacktest.Eventually(t, "the end of "+p.Command, func() bool { return !p.Runs() })
	}
	return confirmed
}

// TestTeaLoader: compose's own loader reads the file, whatever axion adds to it.
func TestTeaLoader(t *testing.T) {
	t.Parallel()
	options, err := cli.NewProjectOptions([]string{"testdata/tea/compose.yaml"}, cli.WithProfiles([]string{"*"}))
	if err != nil {
		t.Fatal(err)
	}
	project, err := options.LoadProject(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if project.Name != "tea" || len(project.Services) != 10 {
		t.Errorf("read %d services of %s", len(project.Services), project.Name)
	}
	if command := project.Services["orders"].Extensions["x-axion"].(map[string]any)["command"]; command != "node --watch main.js" {
		t.Errorf("the command of orders is %v", command)
	}
}
