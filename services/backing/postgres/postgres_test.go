package postgres

import (
	"compress/gzip"
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"

	"axion/services/clustertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// options are those of a new server, with a user and database of its own.
func options(t *testing.T) Options {
	t.Helper()
	if len(onMachine(t.Context())) == 0 {
		clustertest.Missing(t, "postgres", "postgresql")
	}
	port, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	return Options{
		DataDir: filepath.Join(t.TempDir(), "data"), Port: int(port),
		Environment: map[string]string{"POSTGRES_USER": "tea", "POSTGRES_PASSWORD": "lea'ves \"", "POSTGRES_DB": "cata-log"},
	}
}

// start runs a prepared server until the test ends or stop is called.
func start(t *testing.T, s *Server) (stop func()) {
	t.Helper()
	cmd := s.Command()
	cmd.Stdout, cmd.Stderr = t.Output(), t.Output()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	stopped := false
	stop = func() {
		if !stopped {
			stopped = true
			_ = cmd.Process.Signal(syscall.SIGINT)
			<-ended
		}
	}
	t.Cleanup(stop)
	if err := s.await(t.Context(), ended); err != nil {
		t.Fatal(err)
	}
	return stop
}

func query(t *testing.T, s *Server, sql string) string {
	t.Helper()
	c, err := pgx.Connect(t.Context(), s.url(s.Database()))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close(context.WithoutCancel(t.Context())) }()
	var out string
	if err := c.QueryRow(t.Context(), sql).Scan(&out); err != nil {
		t.Fatal(err)
	}
	return out
}

// write makes a file and returns its path.
func write(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestServer: scripts run once, by name, on the database that is asked for, and what a
// client writes is there after a second start.
func TestServer(t *testing.T) {
	t.Parallel()
	o := options(t)
	folder := t.TempDir()
	write(t, filepath.Join(folder, "10.sql"), "CREATE TABLE a (t text);\n\\set x 1\nINSERT INTO a VALUES ('one');\n")
	write(t, filepath.Join(folder, "30.sh"), `psql -c "UPDATE a SET t = t || ' $POSTGRES_DB $EXTRA'"`)
	write(t, filepath.Join(folder, "readme"), "no script")
	packed, err := os.Create(filepath.Join(folder, "20.sql.gz"))
	if err != nil {
		t.Fatal(err)
	}
	z := gzip.NewWriter(packed)
	_, _ = z.Write([]byte("UPDATE a SET t = t || ' two'"))
	if err := errors.Join(z.Close(), packed.Close()); err != nil {
		t.Fatal(err)
	}
	o.Scripts, o.Environment["EXTRA"] = []string{folder}, "extra"
	o.Arguments = []string{"-c", "max_connections=17"}
	s, err := Prepare(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	stop := start(t, s)
	if got := query(t, s, "SELECT t FROM a"); got != "one two cata-log extra" {
		t.Errorf("the scripts left %q", got)
	}
	if got := query(t, s, "SHOW max_connections"); got != "17" {
		t.Errorf("max_connections is %s, want that of the arguments", got)
	}
	if err := s.exec(t.Context(), s.Database(), "INSERT INTO a VALUES ('kept')"); err != nil {
		t.Fatal(err)
	}
	if _, err := pgx.Connect(t.Context(), strings.Replace(s.url("postgres"), "lea", "no", 1)); err == nil {
		t.Error("a wrong password is accepted")
	}
	stop()
	if s, err = Prepare(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	start(t, s)
	if got := query(t, s, "SELECT count(*)::text FROM a"); got != "2" {
		t.Errorf("got %s rows after a second start, want 2", got)
	}
}

// TestCreateFails: what could not be made whole leaves nothing behind, and is made once
// the cause is gone.
func TestCreateFails(t *testing.T) {
	t.Parallel()
	o := options(t)
	script := write(t, filepath.Join(t.TempDir(), "a.sql"), "SELEC 1;\n")
	o.Scripts = []string{script}
	_, err := Prepare(t.Context(), o)
	var with interface{ Hint() string }
	if err == nil || !strings.Contains(err.Error(), script) || !errors.As(err, &with) {
		t.Fatalf("got %v, want an error with a hint that names %s", err, script)
	}
	if !strings.Contains(err.Error(), "line 1: ERROR:  syntax error") {
		t.Errorf("got %v, want psql's line of the error", err)
	}
	if left, _ := os.ReadDir(filepath.Dir(o.DataDir)); len(left) > 0 {
		t.Errorf("it left %v", left)
	}
	write(t, script, "SELECT 1;\n")
	s, err := Prepare(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	start(t, s)
}

func TestRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*Options)
		want   string
	}{
		"NoPassword":  {func(o *Options) { delete(o.Environment, "POSTGRES_PASSWORD") }, "POSTGRES_PASSWORD is not set"},
		"OtherMajor":  {func(o *Options) { data(t, o, "PG_VERSION", "9\n") }, "is of PostgreSQL 9"},
		"NotAVersion": {func(o *Options) { data(t, o, "PG_VERSION", "9.6\n") }, "9.6"},
		"OtherData":   {func(o *Options) { data(t, o, "mine", "x") }, "is not empty"},
		"NoScript":    {func(o *Options) { o.Scripts = []string{"/none/a.sql"} }, "/none/a.sql"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := options(t)
			c.change(&o)
			_, err := Prepare(t.Context(), o)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v, want %q", err, c.want)
			}
			if _, ok := errors.AsType[hintError](err); !ok && name != "NotAVersion" {
				t.Errorf("%v has no hint", err)
			}
		})
	}
}

// data puts a file into the data directory.
func data(t *testing.T, o *Options, name, text string) {
	t.Helper()
	if err := os.MkdirAll(o.DataDir, 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(o.DataDir, name), text)
}

// TestWithoutPassword: trust is asked for by name.
func TestWithoutPassword(t *testing.T) {
	t.Parallel()
	o := options(t)
	o.Environment = map[string]string{"POSTGRES_HOST_AUTH_METHOD": "trust"}
	s, err := Prepare(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	start(t, s)
	if got := query(t, s, "SELECT current_user::text"); got != "postgres" {
		t.Errorf("the user is %s", got)
	}
}

// TestOtherVersion: what is here is taken where the major version cannot be had, and
// said.
func TestOtherVersion(t *testing.T) {
	t.Parallel()
	o := options(t)
	o.Major = 8
	s, err := Prepare(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(s.Note, "PostgreSQL 8 is asked for") {
		t.Errorf("the note is %q", s.Note)
	}
}

// TestFetchRefused: a repository that is not there, or has no sum of what it has, ends the
// fetch, and leaves nothing in the cache.
func TestFetchRefused(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := "http://" + l.Addr().String()
	_ = l.Close()
	b := Binaries{Cache: t.TempDir(), Repository: closed}
	if _, err := b.fetch(t.Context(), 16); err == nil || !strings.Contains(err.Error(), "refused") {
		t.Errorf("got %v, want that the connection was refused", err)
	}
	left, _ := filepath.Glob(filepath.Join(b.Cache, "*"))
	if len(left) != 1 || !strings.HasSuffix(left[0], ".lock") {
		t.Errorf("the cache has %v", left)
	}
	if _, err := b.fetch(t.Context(), 3); err == nil || !strings.Contains(err.Error(), "no PostgreSQL 3") {
		t.Errorf("got %v", err)
	}
}

// TestStop: the port is the one asked for, and free after the stop.
func TestStop(t *testing.T) {
	t.Parallel()
	o := options(t)
	s, err := Prepare(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	stop := start(t, s)
	t.Logf("up in %s", time.Since(began))
	stop()
	l, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(o.Port))
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
	if _, err := exec.LookPath(filepath.Join(s.binary, "postgres")); err != nil {
		t.Error(err)
	}
}
