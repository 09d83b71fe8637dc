package clustertest

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver
)

// Variables that put the tests of a process on parts that run already. The
// helpers of the suites honour them; see [RerunOnCluster].
const (
	BrokersEnv  = "AXION_TEST_BROKERS"  // addresses by commas, of several clusters by semicolons; emptied for each test
	DatabaseEnv = "AXION_TEST_DATABASE" // URL of a database whose user may make others
)

const password = "p@ss/word:#1" // one that a URL must encode

// StartPostgres runs a server until the test ends, and returns the URL of its
// database postgres, whose user may make others.
func StartPostgres(t testing.TB) string {
	t.Helper()
	return NewPostgres(t).URL
}

// Postgres is a server of PostgreSQL's that the test may stop and start again.
type Postgres struct {
	// URL is that of its database postgres, whose user may make others. It stays.
	URL string

	start func() *process
	now   *process
}

// Stop ends the server at once: those who are connected are cut off.
func (p *Postgres) Stop() { p.now.stop() }

// Start starts the server again, with all that it had committed.
func (p *Postgres) Start() { p.now = p.start() }

// NewPostgres starts a server, until the test ends.
func NewPostgres(t testing.TB) *Postgres {
	t.Helper()
	initdb, server := postgresTool(t, "initdb"), postgresTool(t, "postgres")
	dir, port := folder(t), freePort(t)
	secret := filepath.Join(dir, "password")
	if err := os.WriteFile(secret, []byte(password), 0o600); err != nil {
		t.Fatal(err)
	}
	unprivileged := unprivileged(t, dir, secret)
	data := filepath.Join(dir, "data")
	cmd := exec.Command(initdb, "-D", data, "-U", "axion", "-A", "scram-sha-256", "--pwfile", secret, "-E", "UTF8", "--no-sync")
	unprivileged(cmd)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}
	u := url.URL{
		Scheme: "postgres", User: url.UserPassword("axion", password),
		Host: "127.0.0.1:" + strconv.Itoa(port), Path: "/postgres",
	}
	p := &Postgres{URL: u.String(), start: func() *process {
		return launch(t, "QUIT", "ready to accept connections", unprivileged, server,
			"-D", data, "-p", strconv.Itoa(port), "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-F")
	}}
	p.Start()
	return p
}

// postgresTool finds one of PostgreSQL's programs, which Debian keeps off the
// path.
func postgresTool(t testing.TB, name string) string {
	t.Helper()
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/" + name)
	if err != nil || len(found) == 0 {
		Missing(t, "PostgreSQL", "postgresql")
	}
	return found[len(found)-1]
}

var databases atomic.Int64

// NewDatabase makes an empty database on the server at a URL, and returns its
// URL.
func NewDatabase(t testing.TB, server string) string {
	t.Helper()
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("pgx", server)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	name := fmt.Sprintf("test_%d_%d_%d", os.Getpid(), databases.Add(1), time.Now().UnixNano())
	if _, err := db.ExecContext(ctx, "CREATE DATABASE "+name); err != nil {
		t.Fatalf("make a database: %v", err)
	}
	u.Path = "/" + name
	return u.String()
}

// Database is the URL of an empty database on the server that [DatabaseEnv]
// names; empty, for SQLite, where it names none.
func Database(t testing.TB) string {
	t.Helper()
	server := os.Getenv(DatabaseEnv)
	if server == "" {
		return ""
	}
	return NewDatabase(t, server)
}
