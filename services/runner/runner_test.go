package runner

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"

	"axion/services/process"
	"axion/web/view"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "child" {
		if err := child(os.Args[2]); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// child is what the services of the tests do.
func child(what string) error {
	if what == "listen" { // at a port, or at its own
		port := os.Getenv("PORT")
		if len(os.Args) > 3 {
			port = os.Args[3]
		}
		return http.ListenAndServe("127.0.0.1:"+port, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, os.Getenv("OTEL_SERVICE_NAME"))
		}))
	}
	ctx := context.Background()
	db, err := pgx.Connect(ctx, os.Getenv("DATABASE_URL"))
	if err != nil {
		return err
	}
	if what == "migrate" {
		_, err := db.Exec(ctx, "CREATE TABLE IF NOT EXISTS visits (n int); INSERT INTO visits VALUES (1)")
		return err
	}
	return http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var n int
		if err := db.QueryRow(ctx, "SELECT count(*) FROM visits").Scan(&n); err != nil {
			w.WriteHeader(http.StatusInternalServerError)
		}
		_, _ = fmt.Fprintf(w, "%d %s", n, os.Getenv("OTHER_URL"))
	}))
}

// noGroup ends nothing: tests do.
type noGroup struct{}

func (noGroup) OnStop(func(context.Context) error) {}
func (noGroup) AllowStop(time.Duration)            {}

// stack is a runner on a compose file.
type stack struct {
	*Runner
	t   *testing.T
	dir string

	mu sync.Mutex
	at map[string][]string
}

func start(t *testing.T, dir, text string, change func(*Options)) *stack {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "compose.yaml")
	if err := os.WriteFile(file, []byte(strings.ReplaceAll(text, "PROGRAM", program)), 0o600); err != nil {
		t.Fatal(err)
	}
	s := &stack{t: t, dir: dir, at: map[string][]string{}}
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	o := Options{
		Files: []string{file}, DataDir: filepath.Join(dir, ".axion"), Log: log, Kafka: "localhost:9092", FreePorts: true,
		Relocate: func(service string, addresses []string) error {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.at[service] = addresses
			return nil
		},
	}
	if err := os.MkdirAll(o.DataDir, 0o700); err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(&o)
	}
	if s.Runner, err = Open(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	s.Run(noGroup{})
	t.Cleanup(func() { s.Close(context.Background()) })
	return s
}

func (s *stack) await(what string, is func(map[string]view.Service) bool) map[string]view.Service {
	s.t.Helper()
	timer := time.NewTimer(time.Minute)
	defer timer.Stop()
	for {
		changed := s.Changed()
		all := map[string]view.Service{}
		for _, service := range s.Services() {
			all[service.Name] = service
		}
		if is(all) {
			return all
		}
		select {
		case <-changed:
		case <-timer.C:
			s.t.Fatalf("no %s: %+v", what, all)
		}
	}
}

func get(t *testing.T, url string) string {
	t.Helper()
	answer, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close(); http.DefaultClient.CloseIdleConnections() }()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

const shop = `
services:
  db:
    image: postgres
    environment: {POSTGRES_PASSWORD: leaves, POSTGRES_DB: shop}
    healthcheck: {test: [CMD-SHELL, pg_isready]}
  migrate:
    x-axion: {command: PROGRAM child migrate}
    environment: {DATABASE_URL: "postgres://postgres:leaves@db:5432/shop"}
    depends_on: {db: {condition: service_healthy}}
  api:
    x-axion: {command: PROGRAM child serve}
    environment: {PORT: 3000, DATABASE_URL: "postgres://postgres:leaves@db/shop", OTHER_URL: "http://other:3000/x"}
    depends_on: {migrate: {condition: service_completed_successfully}}
    healthcheck: {test: [CMD, none/curl, "http://localhost:3000/"]}
  other:
    x-axion: {command: PROGRAM child serve}
    environment: {PORT: 3000, DATABASE_URL: "postgres://postgres:leaves@db/shop"}
    deploy: {replicas: 2}
    depends_on: {api: {condition: service_healthy}, kafka: {condition: service_healthy}}
  kafka: {image: apache/kafka}
`

// TestProject: all of a project comes up in its order, its parts reach each other, and the
// second start finds the data of the first.
func TestProject(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for want := 1; want <= 2; want++ {
		s := start(t, dir, shop, nil)
		all := s.await("running services", func(all map[string]view.Service) bool {
			return all["other"].State == view.ServiceRunning && all["api"].State == view.ServiceRunning
		})
		if all["migrate"].State != view.ServiceCompleted || all["kafka"].State != view.ServiceRunning || all["db"].State != view.ServiceRunning {
			t.Errorf("got %+v", all)
		}
		variables, err := s.Environment("db")
		if err != nil {
			t.Fatal(err)
		}
		client := map[string]string{}
		for _, v := range variables {
			client[v.Name] = v.Value
		}
		if at := client["PGHOST"] + ":" + client["PGPORT"]; at != all["db"].Ports[0].Address || client["PGPASSWORD"] != "leaves" ||
			client["PGUSER"] != "postgres" || client["PGDATABASE"] != "shop" {
			t.Errorf("clients of the database get %v", client)
		}
		body := get(t, "http://"+all["api"].Ports[0].Address)
		if body != fmt.Sprintf("%d http://%s/x", want, all["other"].Ports[0].Address) {
			t.Errorf("the answer is %q, want the %d. visit and the address %s", body, want, all["other"].Ports[0].Address)
		}
		s.mu.Lock()
		if len(s.at["other"]) != 2 || len(s.at["api"]) != 1 || "http://"+s.at["api"][0] == "" {
			t.Errorf("the gateway was told %v", s.at)
		}
		s.mu.Unlock()
		s.Close(t.Context())
		if _, err := http.Get("http://" + all["api"].Ports[0].Address); err == nil {
			t.Error("api outlives the runner")
		}
	}
}

// TestWatch: a changed file starts the service anew; one that git ignores does not. The
// cache runs in this process where no server is there.
func TestWatch(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range map[string]string{"a.txt": "first", ".gitignore": "*.log\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	lines := make(chan string, 100)
	s := start(t, dir, `
services:
  cache: {image: "redis:7", command: redis-server --requirepass steep}
  a:
    x-axion: {command: "cat a.txt; echo; exec sleep 1000", watch: ["*.txt"], directory: .}
    depends_on: {cache: {condition: service_healthy}}
`, func(o *Options) {
		o.Line = func(service string, l process.Line) {
			if service == "a" {
				lines <- l.Text
			}
		}
	})
	if got := <-lines; got != "first" {
		t.Errorf("it writes %q", got)
	}
	first := s.await("a", func(all map[string]view.Service) bool { return all["a"].State == view.ServiceRunning })
	if first["cache"].State != view.ServiceRunning {
		t.Errorf("the cache is %+v", first["cache"])
	}
	for _, name := range []string{"a.log", "a.txt"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("second"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if got := <-lines; got != "second" {
		t.Errorf("it writes %q", got)
	}
	second := s.await("a new process", func(all map[string]view.Service) bool {
		return all["a"].State == view.ServiceRunning && all["a"].Instances[0].PID != first["a"].Instances[0].PID
	})
	if got, want := happened(second["a"]), "started, restarted a.txt changed"; got != want {
		t.Errorf("the events of a are %q, want %q", got, want)
	}
	data, err := os.ReadFile(filepath.Join(dir, ".axion", "logs", "a.log"))
	if err != nil || strings.Count(string(data), "first") != 1 || strings.Count(string(data), "second") != 1 {
		t.Errorf("the log is %q, %v", data, err)
	}
}
