// Package postgres provides PostgreSQL servers for services of a compose file as the
// official image would: the user, password and database of its environment, its init
// scripts on a new data directory, the data kept. The server is a real one: it is found
// on this machine, or fetched once.
package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// Options say what server is wanted.
type Options struct {
	Major       int    // as the image says; 0 for any
	DataDir     string // made when it is missing
	Environment map[string]string
	Scripts     []string // files and folders of /docker-entrypoint-initdb.d
	Arguments   []string // of the server, such as -c name=value
	Port        int      // of 127.0.0.1
	Binaries    Binaries
}

// Server is a server that is ready to be started.
type Server struct {
	opts   Options
	user   string
	binary string
	Note   string // what is not as it was asked for; "" for nothing
}

// Prepare finds the server's program and makes its data directory. Its errors say how
// to mend them.
func Prepare(ctx context.Context, o Options) (*Server, error) {
	s := &Server{opts: o, user: cmp.Or(o.Environment["POSTGRES_USER"], o.Environment["POSTGRESQL_USERNAME"], "postgres")}
	major, err := dataMajor(o.DataDir)
	if err != nil {
		return nil, err
	}
	found, err := o.Binaries.Find(ctx, cmp.Or(major, o.Major))
	if err != nil {
		return nil, err
	}
	if major != 0 && found.Major != major {
		return nil, hintError{
			fmt.Errorf("the data in %s is of PostgreSQL %d, and %d is here (%w)", o.DataDir, major, found.Major, found.Instead),
			fmt.Sprintf("install PostgreSQL %d, or save the data by its pg_dump and remove the folder: the server starts anew then", major),
		}
	}
	if o.Major != 0 && found.Major != o.Major {
		s.Note = fmt.Sprintf("PostgreSQL %d is asked for, %d is what is here", o.Major, found.Major)
		if found.Instead != nil {
			s.Note += fmt.Sprintf(" (%v); install PostgreSQL %d to have it", found.Instead, o.Major)
		}
	}
	s.binary = found.Dir
	if major == 0 {
		if err := s.create(ctx); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// dataMajor is the major version of a data directory; 0 for one that is not there yet.
func dataMajor(dir string) (int, error) {
	data, err := os.ReadFile(filepath.Join(dir, "PG_VERSION"))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	major, err := strconv.Atoi(strings.TrimSpace(string(data)))
	if err != nil {
		return 0, fmt.Errorf("%s says version %q, which axion does not run", filepath.Join(dir, "PG_VERSION"), data)
	}
	return major, nil
}

// User is the name of the superuser.
func (s *Server) User() string { return s.user }

// Database is the name of the database that the environment asks for.
func (s *Server) Database() string {
	return cmp.Or(s.opts.Environment["POSTGRES_DB"], s.opts.Environment["POSTGRESQL_DATABASE"], s.user)
}

func (s *Server) password() string {
	return cmp.Or(s.opts.Environment["POSTGRES_PASSWORD"], s.opts.Environment["POSTGRESQL_PASSWORD"])
}

// Command is the server, not started yet. SIGINT stops it in order (a fast shutdown).
func (s *Server) Command() *exec.Cmd {
	args := []string{
		"-D", s.opts.DataDir, "-c", "listen_addresses=127.0.0.1", "-c", "port=" + strconv.Itoa(s.opts.Port),
		"-c", "unix_socket_directories=", "-c", "logging_collector=off",
	}
	return s.command("postgres", append(args, s.opts.Arguments...)...)
}

// command is one of PostgreSQL's programs, run as a user that it accepts.
func (s *Server) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(s.binary, name), args...)
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8")
	dropRoot(cmd)
	return cmd
}

type hintError struct {
	error
	hint string
}

func (e hintError) Hint() string  { return e.hint }
func (e hintError) Unwrap() error { return e.error }
