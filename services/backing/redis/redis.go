// Package redis provides Redis servers for services of a compose file: valkey-server,
// redis-server or keydb-server where this machine has one, with what the file's command
// asks for and the data kept; else a server in this process that keeps nothing.
package redis

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/alicebob/miniredis/v2"
	"github.com/mattn/go-shellwords"
)

// Options say what server is wanted.
type Options struct {
	Command     []string // the file's; the program's name and settings, as "--requirepass x"
	Environment map[string]string
	Files       map[string]string // of this machine, by their path in the container; a folder too
	DataDir     string            // made when it is missing
	Port        int               // of 127.0.0.1
}

// Server is a server that is ready to be started.
type Server struct {
	opts     Options
	program  string // "" for one in this process
	settings [][]string
	Notes    []string // what is not as it was asked for
}

// programs are servers that speak Redis's protocol, the best first.
var programs = []string{"valkey-server", "redis-server", "keydb-server"}

// Prepare finds a program and reads the settings. The Server's fields that a file cannot
// set here (its address, port and directory) are the options'.
func Prepare(o Options) (*Server, error) {
	s := &Server{opts: o}
	for _, name := range programs {
		if path, err := exec.LookPath(name); err == nil {
			s.program = path
			break
		}
	}
	if err := s.read(); err != nil {
		return nil, err
	}
	if s.program == "" {
		s.Notes = append(s.Notes, "no valkey-server or redis-server is on this machine: it runs in axion, keeps nothing "+
			"and has no cmsgpack for scripts")
		return s, nil
	}
	return s, os.MkdirAll(o.DataDir, 0o700)
}

// replaced are settings whose place the options take.
var replaced = []string{"port", "bind", "dir", "daemonize", "pidfile", "logfile", "protected-mode", "tls-port", "unixsocket"}

// paths are settings whose value is a path in the container.
var paths = []string{"include", "aclfile", "loadmodule", "tls-cert-file", "tls-key-file", "tls-ca-cert-file", "tls-dh-params-file"}

// foreign are settings of KeyDB and Dragonfly that other servers refuse.
var foreign = []string{
	"server-threads", "server-thread-affinity", "active-replica", "multi-master", "storage-provider", "proactor_threads", "cache_mode",
	"dbnum", "logtostderr", "snapshot_cron", "default_lua_flags", "cluster_mode",
}

// read takes the settings of the configuration file, if the command names one, and over
// them those of the command.
func (s *Server) read() error {
	words := s.opts.Command
	if len(words) > 0 && !strings.HasPrefix(words[0], "-") {
		words = words[1:]
	}
	if len(words) > 0 && !strings.HasPrefix(words[0], "-") {
		if err := s.readFile(words[0]); err != nil {
			return err
		}
		words = words[1:]
	}
	for i := 0; i < len(words); {
		name, ok := strings.CutPrefix(words[i], "--")
		if !ok {
			return hintError{fmt.Errorf("%q in the command is no setting", words[i]), "write settings as --name value"}
		}
		name, value, hasValue := strings.Cut(name, "=")
		setting := []string{"--" + name}
		if hasValue {
			setting = append(setting, value)
		}
		for i++; i < len(words) && !strings.HasPrefix(words[i], "--"); i++ {
			setting = append(setting, words[i])
		}
		s.add(name, setting)
	}
	return nil
}

// maxConfig bounds a configuration file.
const maxConfig = 1 << 20

// readFile takes the settings of a configuration file, which the command names by its path
// in the container. The image's own is not here.
func (s *Server) readFile(path string) error {
	source := s.opts.Files[path]
	if folder := s.opts.Files[filepath.ToSlash(filepath.Dir(path))]; source == "" && folder != "" {
		source = filepath.Join(folder, filepath.Base(path))
	}
	if source == "" {
		s.Notes = append(s.Notes, path+" is the image's: its settings are not followed, those of the command are")
		return nil
	}
	f, err := os.Open(source)
	if err != nil {
		return hintError{fmt.Errorf("configuration file: %w", err), "make it, or take it out of the command"}
	}
	defer func() { _ = f.Close() }()
	text, err := io.ReadAll(io.LimitReader(f, maxConfig))
	if err != nil {
		return fmt.Errorf("configuration file: %w", err)
	}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		words, err := splitLine(line)
		if err != nil || len(words) == 0 {
			return hintError{fmt.Errorf("%s: %q cannot be read", source, line), "write a setting a line: name value"}
		}
		s.add(strings.ToLower(words[0]), append([]string{"--" + strings.ToLower(words[0])}, words[1:]...))
	}
	return nil
}

// splitLine splits a line of a configuration file, in which quotes keep spaces.
func splitLine(line string) ([]string, error) {
	if !strings.ContainsAny(line, "\"'") {
		return strings.Fields(line), nil
	}
	return shellwords.Parse(line)
}

func (s *Server) add(name string, setting []string) {
	switch {
	case slices.Contains(replaced, name):
	case slices.Contains(paths, name):
		s.Notes = append(s.Notes, fmt.Sprintf("--%s is not followed: it names a file of the container", name))
	case slices.Contains(foreign, name) && filepath.Base(s.program) != "keydb-server":
		s.Notes = append(s.Notes, fmt.Sprintf("--%s is not followed: %s does not know it", name, s.name()))
	case s.program == "" && name != "requirepass":
		if name != "appendonly" && name != "save" { // it keeps nothing, which is said
			s.Notes = append(s.Notes, fmt.Sprintf("--%s is not followed: %s does not know it", name, s.name()))
		}
	default:
		s.settings = append(s.settings, setting)
	}
}

func (s *Server) name() string {
	if s.program == "" {
		return "the server in axion"
	}
	return filepath.Base(s.program)
}

// Password is what a client needs; "" where none is needed.
func (s *Server) Password() string {
	for _, setting := range slices.Backward(s.settings) {
		if setting[0] == "--requirepass" && len(setting) == 2 {
			return setting[1]
		}
	}
	for _, key := range []string{"REDIS_PASSWORD", "VALKEY_PASSWORD"} { // as bitnami's images read it
		if password := s.opts.Environment[key]; password != "" {
			return password
		}
	}
	return ""
}

// InProcess says that the server runs by [Server.Serve], else by [Server.Command].
func (s *Server) InProcess() bool { return s.program == "" }

// Command is the server's program, not started yet.
func (s *Server) Command() (*exec.Cmd, error) {
	// A password on the command line is seen by every user of the machine.
	config := filepath.Join(s.opts.DataDir, "axion.conf")
	var text strings.Builder
	fmt.Fprintf(&text, "bind 127.0.0.1\nport %d\ndir %s\ndaemonize no\n", s.opts.Port, strconv.Quote(s.opts.DataDir))
	for _, setting := range s.settings {
		text.WriteString(strings.TrimPrefix(setting[0], "--"))
		for _, value := range setting[1:] {
			text.WriteString(" " + strconv.Quote(value))
		}
		text.WriteString("\n")
	}
	if password := s.Password(); password != "" {
		fmt.Fprintf(&text, "requirepass %s\n", strconv.Quote(password))
	}
	if err := os.WriteFile(config, []byte(text.String()), 0o600); err != nil {
		return nil, err
	}
	return exec.Command(s.program, config), nil
}

// Serve is the server in this process, until ctx ends.
func (s *Server) Serve(ctx context.Context) error {
	m := miniredis.NewMiniRedis()
	m.ClockTTL(true)
	if password := s.Password(); password != "" {
		m.RequireAuth(password)
	}
	if err := m.StartAddr(net.JoinHostPort("127.0.0.1", strconv.Itoa(s.opts.Port))); err != nil {
		return err
	}
	defer m.Close()
	<-ctx.Done()
	return context.Cause(ctx)
}

type hintError struct {
	error
	hint string
}

func (e hintError) Hint() string  { return e.hint }
func (e hintError) Unwrap() error { return e.error }
