package postgres

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// createTimeout bounds the making of a data directory, its init scripts included.
const createTimeout = 5 * time.Minute

// maxScript bounds an init script, unpacked.
const maxScript = 1 << 30

// create makes the data directory beside its place and moves it there once every script
// has run: one that failed leaves nothing that would pass for whole.
func (s *Server) create(ctx context.Context) (err error) {
	ctx, cancel := context.WithTimeout(ctx, createTimeout)
	defer cancel()
	if err := os.MkdirAll(filepath.Dir(s.opts.DataDir), 0o700); err != nil {
		return err
	}
	if entries, err := os.ReadDir(s.opts.DataDir); err == nil && len(entries) > 0 {
		return hintError{
			fmt.Errorf("%s is not empty and holds no PostgreSQL data", s.opts.DataDir), "move it away, and what it needs is made anew",
		}
	}
	fresh := s.opts.DataDir + ".new"
	if err := os.RemoveAll(fresh); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.RemoveAll(fresh)
		}
	}()
	if err := s.initdb(ctx, fresh); err != nil {
		return err
	}
	if err := s.fill(ctx, fresh); err != nil {
		return err
	}
	_ = os.Remove(s.opts.DataDir) // an empty one
	return os.Rename(fresh, s.opts.DataDir)
}

func (s *Server) initdb(ctx context.Context, dir string) error {
	method := "scram-sha-256"
	if s.password() == "" {
		if s.opts.Environment["POSTGRES_HOST_AUTH_METHOD"] != "trust" && s.opts.Environment["ALLOW_EMPTY_PASSWORD"] != "yes" {
			return hintError{errors.New("POSTGRES_PASSWORD is not set"), "set it, or POSTGRES_HOST_AUTH_METHOD=trust to ask for none"}
		}
		method = "trust"
	}
	args := []string{"-D", dir, "-U", s.user, "-A", method, "-E", "UTF8", "--no-instructions", "--no-sync"}
	if method != "trust" {
		file := dir + ".password"
		if err := os.WriteFile(file, []byte(s.password()), 0o600); err != nil {
			return err
		}
		defer func() { _ = os.Remove(file) }()
		args = append(args, "--pwfile", file)
	}
	args = append(args, strings.Fields(s.opts.Environment["POSTGRES_INITDB_ARGS"])...)
	cmd := s.command("initdb", args...)
	out, err := runCommand(ctx, cmd)
	if err != nil {
		return fmt.Errorf("initdb: %w: %s", err, lastLine(out))
	}
	return nil
}

// fill starts a server that nobody else reaches, and makes its database and what the
// scripts say.
func (s *Server) fill(ctx context.Context, dir string) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	port := l.Addr().(*net.TCPAddr).Port
	if err := l.Close(); err != nil {
		return err
	}
	once := *s
	once.opts.DataDir, once.opts.Port = dir, port
	var said bytes.Buffer
	cmd := once.Command()
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start PostgreSQL: %w", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	err = once.createAndRun(ctx, ended)
	_ = cmd.Process.Signal(syscall.SIGINT)
	stopped := <-ended
	if err == nil && stopped != nil {
		err = fmt.Errorf("PostgreSQL ended with %w: %s", stopped, lastLine(said.Bytes()))
	}
	return err
}

// createAndRun makes the database and runs the scripts, on a server that is starting.
func (s *Server) createAndRun(ctx context.Context, ended chan error) error {
	if err := s.await(ctx, ended); err != nil {
		return err
	}
	if s.Database() != "postgres" {
		err := s.exec(ctx, "postgres", "CREATE DATABASE "+pgx.Identifier{s.Database()}.Sanitize())
		if err != nil {
			return fmt.Errorf("create database %s: %w", s.Database(), err)
		}
	}
	scripts, err := scriptFiles(s.opts.Scripts)
	if err != nil {
		return err
	}
	for _, script := range scripts {
		if err := s.runScript(ctx, script); err != nil {
			return hintError{fmt.Errorf("init script %s: %w", script, err), "mend it; the scripts then run anew, on a new directory"}
		}
	}
	return nil
}

// await waits until the server takes connections.
func (s *Server) await(ctx context.Context, ended chan error) error {
	for {
		c, err := pgx.Connect(ctx, s.url("postgres"))
		if err == nil {
			return c.Close(ctx)
		}
		select {
		case stopped := <-ended:
			ended <- stopped // for who waits for it
			return fmt.Errorf("PostgreSQL does not start: %w", err)
		case <-ctx.Done():
			return err
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (s *Server) url(database string) string {
	u := url.URL{
		Scheme: "postgres", Host: "127.0.0.1:" + strconv.Itoa(s.opts.Port), Path: "/" + database, User: url.UserPassword(s.user, s.password()),
		RawQuery: "sslmode=disable",
	}
	return u.String()
}

// exec runs statements as one text.
func (s *Server) exec(ctx context.Context, database, statements string) error {
	c, err := pgx.Connect(ctx, s.url(database))
	if err != nil {
		return err
	}
	defer func() { _ = c.Close(ctx) }()
	_, err = c.PgConn().Exec(ctx, statements).ReadAll()
	return err
}

// scriptFiles lists scripts as the image's entrypoint runs them: by name.
func scriptFiles(paths []string) ([]string, error) {
	found := map[string]string{}
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			return nil, hintError{fmt.Errorf("init script %s: %w", path, err), "make it, or take its volume out"}
		}
		if !info.IsDir() {
			found[filepath.Base(path)] = path
			continue
		}
		entries, err := os.ReadDir(path)
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			found[e.Name()] = filepath.Join(path, e.Name())
		}
	}
	var all []string
	for _, name := range slices.Sorted(maps.Keys(found)) {
		all = append(all, found[name])
	}
	return all, nil
}

// runScript runs one script; what is none is passed over, as the image does.
func (s *Server) runScript(ctx context.Context, path string) error {
	switch {
	case strings.HasSuffix(path, ".sh"):
		return s.runShell(ctx, path)
	case strings.HasSuffix(path, ".sql"):
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer func() { _ = f.Close() }()
		return s.runSQL(ctx, f)
	case strings.HasSuffix(path, ".sql.gz"):
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer func() { _ = f.Close() }()
		unpacked, err := gzip.NewReader(f)
		if err != nil {
			return err
		}
		return s.runSQL(ctx, io.LimitReader(unpacked, maxScript))
	}
	return nil
}

// runSQL has psql run a script, whose own commands and COPY it knows. Fetched programs
// have no psql: what needs it then says so.
func (s *Server) runSQL(ctx context.Context, script io.Reader) error {
	if psql := s.psql(); psql != "" {
		cmd := exec.CommandContext(ctx, psql, "-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", "-")
		cmd.Env, cmd.Stdin = s.environment(), script
		out, err := cmd.CombinedOutput()
		if err != nil {
			return fmt.Errorf("%w: %s", err, errorLine(out))
		}
		return nil
	}
	text, err := io.ReadAll(io.LimitReader(script, maxScript))
	if err != nil {
		return err
	}
	for line := range bytes.Lines(text) {
		if bytes.HasPrefix(line, []byte(`\`)) || copyFrom(line) {
			return hintError{fmt.Errorf("%q needs psql, which is not on this machine", bytes.TrimSpace(line)), "install postgresql-client"}
		}
	}
	return s.exec(ctx, s.Database(), string(text))
}

func copyFrom(line []byte) bool {
	upper := bytes.ToUpper(bytes.TrimSpace(line))
	return bytes.HasPrefix(upper, []byte("COPY ")) && bytes.HasSuffix(upper, []byte("FROM STDIN;"))
}

// psql is the client's path, or "".
func (s *Server) psql() string {
	if path, err := exec.LookPath(filepath.Join(s.binary, "psql")); err == nil {
		return path
	}
	path, _ := exec.LookPath("psql")
	return path
}

func (s *Server) runShell(ctx context.Context, path string) error {
	cmd := exec.CommandContext(ctx, "bash", path)
	if info, err := os.Stat(path); err == nil && info.Mode()&0o100 != 0 {
		cmd = exec.CommandContext(ctx, path)
	}
	cmd.Env = s.environment()
	cmd.Env = append(cmd.Env, "PATH="+s.binary+string(os.PathListSeparator)+os.Getenv("PATH"))
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, lastLine(out))
	}
	return nil
}

// environment has a script and psql reach the server.
func (s *Server) environment() []string {
	env := os.Environ()
	for _, key := range slices.Sorted(maps.Keys(s.opts.Environment)) {
		env = append(env, key+"="+s.opts.Environment[key])
	}
	return append(env, "PGHOST=127.0.0.1", "PGPORT="+strconv.Itoa(s.opts.Port), "PGUSER="+s.user, "PGPASSWORD="+s.password(),
		"PGDATABASE="+s.Database(), "POSTGRES_USER="+s.user, "POSTGRES_DB="+s.Database())
}

// runCommand runs a command that was made without a context until one ends.
func runCommand(ctx context.Context, cmd *exec.Cmd) ([]byte, error) {
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = cmd.Process.Kill() })
	defer stop()
	err := cmd.Wait()
	return out.Bytes(), err
}

// errorLine is psql's line with the error, after which come the place in the statement and
// more.
func errorLine(out []byte) string {
	for line := range bytes.Lines(out) {
		if bytes.Contains(line, []byte("ERROR: ")) || bytes.Contains(line, []byte("FATAL: ")) {
			return strings.Replace(strings.TrimSpace(string(line)), "psql:<stdin>:", "line ", 1)
		}
	}
	return lastLine(out)
}

func lastLine(out []byte) string {
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return lines[len(lines)-1]
}
