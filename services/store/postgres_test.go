package store_test

import (
	"context"
	"database/sql"
	"errors"
	"io"
	"net"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"go.uber.org/goleak"

	"axion/services/clustertest"
	"axion/services/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func connect(t *testing.T, databaseURL, service string, sets ...store.Migrations) *sql.DB {
	t.Helper()
	db, err := store.Connect(t.Context(), databaseURL, service, sets...)
	if err != nil {
		t.Fatalf("Connect: %v", err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// TestPostgres uses one server for all that PostgreSQL does otherwise.
func TestPostgres(t *testing.T) {
	t.Parallel()
	server := clustertest.StartPostgres(t)
	notes := store.Migrations{Name: "notes", FS: fstest.MapFS{
		"00001_init.sql": {Data: []byte(
			"-- +goose Up\nCREATE TABLE notes (seq INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, name TEXT UNIQUE, data BLOB);")},
		"00002_more.sql": {Data: []byte("-- +goose Up\nALTER TABLE notes ADD COLUMN done BOOLEAN NOT NULL DEFAULT FALSE;")},
	}}
	t.Run("Types", func(t *testing.T) {
		db := connect(t, clustertest.NewDatabase(t, server), "graph-service", notes)
		at := time.Now().UnixNano()
		if _, err := db.Exec(`INSERT INTO notes (at, name, data) VALUES ($2, $1, $3)`, "why?", at, []byte{0, 1, 0xff}); err != nil {
			t.Fatal(err)
		}
		var gotAt int64
		var data []byte
		err := db.QueryRow(`SELECT at, data FROM notes WHERE name = 'why?' AND name = $1`, "why?").Scan(&gotAt, &data)
		if err != nil || gotAt != at || !slices.Equal(data, []byte{0, 1, 0xff}) {
			t.Errorf("got %d, %v, %v; want what was stored", gotAt, data, err)
		}
	})
	t.Run("Parameters", func(t *testing.T) { testParameters(t, connect(t, clustertest.NewDatabase(t, server), "graph-service")) })
	t.Run("SchemaEach", func(t *testing.T) {
		database := clustertest.NewDatabase(t, server)
		for _, service := range []string{"graph-service", "auth-service"} {
			if _, err := connect(t, database, service, notes).Exec(`INSERT INTO notes (at, name) VALUES (0, 'x')`); err != nil {
				t.Errorf("%s: %v", service, err)
			}
		}
		var n int
		if err := connect(t, database, "other").QueryRow(`SELECT count(*) FROM graph_service.notes`).Scan(&n); err != nil || n != 1 {
			t.Errorf("rows: got %d, %v; want 1", n, err)
		}
	})
	t.Run("OpenedAtOnce", func(t *testing.T) {
		database := clustertest.NewDatabase(t, server)
		var group sync.WaitGroup
		for range 4 {
			group.Go(func() {
				db, err := store.Connect(t.Context(), database, "graph-service", notes)
				if err != nil {
					t.Errorf("Connect: %v", err)
					return
				}
				_ = db.Close()
			})
		}
		group.Wait()
	})
	t.Run("Tx", func(t *testing.T) { testTx(t, connect(t, clustertest.NewDatabase(t, server), "graph-service", notes)) })
	t.Run("TxOrder", func(t *testing.T) { testTxOrder(t, clustertest.NewDatabase(t, server), notes) })
	t.Run("Lock", func(t *testing.T) {
		database := clustertest.NewDatabase(t, server)
		testLock(t, connect(t, database, "graph-service"), connect(t, database, "graph-service"))
		testTryLock(t, connect(t, database, "graph-service"), connect(t, database, "graph-service"))
	})
	t.Run("LockDies", func(t *testing.T) {
		database := clustertest.NewDatabase(t, server)
		dead, db := connect(t, database, "graph-service"), connect(t, database, "graph-service")
		if _, err := store.Lock(t.Context(), dead, "x"); err != nil {
			t.Fatal(err)
		}
		hold, err := store.TryLock(t.Context(), dead, "y")
		if err != nil || hold == nil || hold.Check(t.Context()) != nil {
			t.Fatalf("got %v, %v, want the lock", hold, err)
		}
		// As a killed process's connections do.
		if _, err := db.Exec(`SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'`); err != nil {
			t.Fatal(err)
		}
		if hold.Check(t.Context()) == nil {
			t.Error("a lock that is lost counts as held")
		}
		hold.Unlock()
		unlock, err := store.Lock(t.Context(), db, "x")
		if err != nil {
			t.Fatal(err)
		}
		unlock()
	})
	t.Run("Cut", func(t *testing.T) { testCut(t, clustertest.NewDatabase(t, server), notes) })
	t.Run("ErrNewerSchema", func(t *testing.T) {
		url := clustertest.NewDatabase(t, server)
		one := migrations("one", "CREATE TABLE a (id INTEGER);")
		if _, err := connect(t, url, "graph-service",
			one).Exec("INSERT INTO migrations_one (version_id, is_applied) VALUES (7, TRUE)"); err != nil {
			t.Fatal(err)
		}
		_, err := store.Connect(t.Context(), url, "graph-service", migrations("other", "CREATE TABLE other (id INTEGER);"), one)
		wantNewer(t, err, "schema graph_service")
		var there bool
		if err := connect(t, url, "graph-service").QueryRow("SELECT to_regclass('other') IS NOT NULL").Scan(&there); err != nil || there {
			t.Errorf("got %t, %v, want that nothing was changed", there, err)
		}
	})
	t.Run("ErrOlderSchema", func(t *testing.T) {
		url := clustertest.NewDatabase(t, server)
		connect(t, url, "graph-service", upTo(1))
		_, err := store.Connect(t.Context(), url, "graph-service", migrations("other", "CREATE TABLE other (id INTEGER);"), squashed)
		wantOlder(t, err, "schema graph_service")
		var there bool
		if err := connect(t, url, "graph-service").QueryRow("SELECT to_regclass('other') IS NOT NULL").Scan(&there); err != nil || there {
			t.Errorf("got %t, %v, want that nothing was changed", there, err)
		}
		connect(t, url, "other-service", upTo(2))
		wantTables(t, connect(t, url, "other-service", squashed))
	})
	t.Run("ErrMigration", func(t *testing.T) {
		_, err := store.Connect(t.Context(), clustertest.NewDatabase(t, server), "graph-service", migrations("bad", "CREATE NONSENSE;"))
		if err == nil || !strings.Contains(err.Error(), "graph_service") || !strings.Contains(err.Error(), "migrations bad") {
			t.Errorf("got %v, want an error that names the schema and the set", err)
		}
	})
	t.Run("ErrPassword", func(t *testing.T) {
		u, err := url.Parse(server)
		if err != nil {
			t.Fatal(err)
		}
		u.User = url.UserPassword("axion", "wrong-s3cret")
		_, err = store.Connect(t.Context(), u.String(), "graph-service")
		wantURLError(t, err, "s3cret")
	})
}

// pipe is a way to a server that can be cut.
type pipe struct {
	url string

	mu    sync.Mutex
	conns []net.Conn
}

func newPipe(t *testing.T, database string) *pipe {
	t.Helper()
	u, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	to := u.Host
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	u.Host = l.Addr().String()
	p := &pipe{url: u.String()}
	var copies sync.WaitGroup
	copies.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", to)
			if err != nil {
				_ = client.Close()
				continue
			}
			p.mu.Lock()
			p.conns = append(p.conns, client, server)
			p.mu.Unlock()
			copies.Go(func() { _, _ = io.Copy(client, server) })
			copies.Go(func() { _, _ = io.Copy(server, client) })
		}
	})
	t.Cleanup(func() { _ = l.Close(); p.cut(); copies.Wait() })
	return p
}

// cut ends all connections, as a server does that is killed.
func (p *pipe) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.conns {
		_ = c.Close()
	}
	p.conns = nil
}

// testCut cuts the connection in the midst of a query, of rows and of a transaction:
// each is an outage. A context's end is none.
func testCut(t *testing.T, database string, sets ...store.Migrations) {
	p := newPipe(t, database)
	db := connect(t, p.url, "graph-service", sets...)
	for name, ask := range map[string]func(tx *sql.Tx) error{
		"query": func(tx *sql.Tx) error {
			p.cut()
			_, err := tx.Exec(`INSERT INTO notes (at) VALUES (1)`)
			return err
		},
		"next query": func(tx *sql.Tx) error {
			p.cut()
			_, _ = tx.Exec(`INSERT INTO notes (at) VALUES (1)`)
			var one int
			return tx.QueryRow(`SELECT 1`).Scan(&one)
		},
		"rows": func(tx *sql.Tx) error {
			rows, err := tx.Query(`SELECT g, repeat('x', 10000) FROM generate_series(1, 10000) g`) // more than is buffered
			if err != nil {
				return err
			}
			defer func() { _ = rows.Close() }()
			p.cut()
			for rows.Next() {
				continue
			}
			return rows.Err()
		},
		"commit": func(*sql.Tx) error { p.cut(); return nil },
	} {
		if err := store.Tx(t.Context(), db, ask); err == nil || !store.IsOutage(err) {
			t.Errorf("%s: got %v, want an outage", name, err)
		}
	}
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := conn.ExecContext(ctx, `SELECT pg_sleep(60)`); err == nil || store.IsOutage(err) {
		t.Errorf("a context that has ended: got %v, want no outage", err)
	}
}

// testTxOrder numbers rows from two handles at once: none becomes visible after
// one with a higher number.
func testTxOrder(t *testing.T, database string, sets ...store.Migrations) {
	const each = 100
	done := make(chan error, 2)
	for range 2 {
		db := connect(t, database, "graph-service", sets...)
		go func() {
			for range each {
				err := store.Tx(context.Background(), db, func(tx *sql.Tx) error {
					_, err := tx.Exec(`INSERT INTO notes (at) VALUES (0)`)
					if err == nil {
						_, err = tx.Exec(`SELECT pg_sleep(0.0005)`) // so that the other could be in between
					}
					return err
				})
				if err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
	}
	reader := connect(t, database, "graph-service", sets...)
	highest, count := 0, 0
	for ended := 0; ended < 2 || count < 2*each; {
		select {
		case err := <-done:
			if err != nil {
				t.Fatal(err)
			}
			ended++
		default:
		}
		var late, n, most int
		err := reader.QueryRow(`SELECT count(*) FILTER (WHERE seq <= $1), count(*), coalesce(max(seq), 0) FROM notes`, highest).Scan(&late, &n,
			&most)
		if err != nil {
			t.Fatal(err)
		}
		if late > count {
			t.Fatalf("%d rows became visible after one with a higher number", late-count)
		}
		highest, count = most, n
	}
}

func wantURLError(t *testing.T, err error, secret string) {
	t.Helper()
	var u *store.URLError
	if !errors.As(err, &u) || u.Hint() == "" || !strings.HasPrefix(err.Error(), "--database: ") {
		t.Errorf("got %v, want an error that names the flag and says how to fix it", err)
	}
	if err != nil && strings.Contains(err.Error(), secret) {
		t.Errorf("the password is in %q", err)
	}
}

func TestCheckURL(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"postgres://user:s3cret@localhost/axion", "postgresql://user@localhost:5432/axion?sslmode=disable",
	} {
		if err := store.CheckURL(text); err != nil {
			t.Errorf("%s: got %v", text, err)
		}
	}
	for _, text := range []string{
		"", "axion.db", "mysql://user:s3cret@localhost/axion", "postgres://user:s3cret@localhost", "postgres://user:s3cret@localhost/",
		"postgres://user:s3cret/x@localhost/axion", "postgres://user:s3cret%zz@localhost/axion",
		"postgres://user:s3cret@localhost/axion?sslmode=s3cret", "postgres://user:s3cret@localhost/axion?connect_timeout=s3cret",
	} {
		wantURLError(t, store.CheckURL(text), "s3cret")
	}
	// There is no listener.
	_, err := store.Connect(t.Context(), "postgres://user:s3cret@127.0.0.1:1/axion", "graph-service")
	wantURLError(t, err, "s3cret")
}
