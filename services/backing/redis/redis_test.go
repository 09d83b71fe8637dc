package redis

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"axion/services/clustertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// session is a connection on which commands are sent.
type session struct {
	t *testing.T
	c net.Conn
	r *bufio.Reader
}

func dial(t *testing.T, port int) *session {
	t.Helper()
	for until := time.Now().Add(20 * time.Second); ; {
		c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			t.Cleanup(func() { _ = c.Close() })
			return &session{t, c, bufio.NewReader(c)}
		}
		if time.Now().After(until) {
			t.Fatal(err)
		}
	}
}

func (s *session) do(line, want string) {
	s.t.Helper()
	s.send(line)
	got, err := s.r.ReadString('\n')
	if strings.HasPrefix(got, "$") && err == nil && !strings.HasPrefix(got, "$-1") {
		got, err = s.r.ReadString('\n')
	}
	if err != nil || !strings.HasPrefix(got, want) {
		s.t.Errorf("%s: got %q, %v, want %q", line, got, err, want)
	}
}

// send sends a command and its arguments, with spaces between them.
func (s *session) send(line string) {
	s.t.Helper()
	words := strings.Split(line, " ")
	out := fmt.Sprintf("*%d\r\n", len(words))
	for _, word := range words {
		out += fmt.Sprintf("$%d\r\n%s\r\n", len(word), word)
	}
	if _, err := s.c.Write([]byte(out)); err != nil {
		s.t.Fatal(err)
	}
}

func TestServe(t *testing.T) {
	t.Parallel()
	s := &Server{opts: Options{Port: clustertest.Port(t),
		Command: strings.Fields("keydb-server --port 6379 --requirepass steep --appendonly yes --maxmemory 1gb")}}
	if err := s.read(); err != nil {
		t.Fatal(err)
	}
	if len(s.Notes) != 1 || !strings.Contains(s.Notes[0], "--maxmemory is not followed") {
		t.Errorf("the notes are %q", s.Notes)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); _ = s.Serve(ctx) }()
	defer func() { cancel(); <-ended }()
	c := dial(t, s.opts.Port)
	c.do("GET a", "-NOAUTH")
	c.do("AUTH steep", "+OK")
	c.do("SET a 1 PX 50", "+OK")
	for until := time.Now().Add(20 * time.Second); time.Now().Before(until); {
		c.send("EXISTS a")
		if got, _ := c.r.ReadString('\n'); got == ":0\r\n" {
			return
		}
	}
	t.Error("a key does not expire")
}

// TestCommand: a real server follows the settings, keeps its data, and its password is not
// on its command line.
func TestCommand(t *testing.T) {
	t.Parallel()
	o := Options{
		Command: strings.Fields("keydb-server --port 6379 --requirepass st\"eep --appendonly yes --server-threads 4"), DataDir: t.TempDir(),
		Port: clustertest.Port(t),
	}
	s, err := Prepare(o)
	if err != nil {
		t.Fatal(err)
	}
	if s.program == "" {
		clustertest.Missing(t, "redis-server", "redis-server")
	}
	start := func() (stop func()) {
		cmd, err := s.Command()
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(cmd.String(), "eep") {
			t.Errorf("the command line is %s", cmd)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		return func() { _ = cmd.Process.Signal(os.Interrupt); _ = cmd.Wait() }
	}
	stop := start()
	c := dial(t, o.Port)
	c.do(`AUTH st"eep`, "+OK")
	c.do("SET a 1", "+OK")
	stop()
	defer start()()
	c = dial(t, o.Port)
	c.do("GET a", "-NOAUTH")
	c.do(`AUTH st"eep`, "+OK")
	c.do("GET a", "1")
	if info, err := os.Stat(filepath.Join(o.DataDir, "axion.conf")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the configuration: %v, %v", info.Mode(), err)
	}
}

func TestRead(t *testing.T) {
	t.Parallel()
	for command, want := range map[string]string{
		"":                                  "",
		"redis-server":                      "",
		"redis-server --save 60 1 --save=":  "--save 60 1;--save ",
		"--port 1 --bind * --requirepass x": "--requirepass x",
		"valkey-server --maxmemory=1gb":     "--maxmemory 1gb",
		"redis-server --server-threads 2":   "",
		"redis-server --appendonly yes --dir /data --maxmemory-policy noeviction": "--appendonly yes;--maxmemory-policy noeviction",
	} {
		s := &Server{opts: Options{Command: strings.Split(command, " ")}, program: "redis-server"}
		if command == "" {
			s.opts.Command = nil
		}
		if err := s.read(); err != nil {
			t.Errorf("%s: %v", command, err)
		}
		var got []string
		for _, setting := range s.settings {
			got = append(got, strings.Join(setting, " "))
		}
		if !slices.Equal(got, strings.FieldsFunc(want, func(r rune) bool { return r == ';' })) {
			t.Errorf("%s: got %q, want %q", command, got, want)
		}
	}
}

// TestConfigurationFile: the settings of a file that is mounted count below those of the
// command. Without one the image's own cannot, which is said.
func TestConfigurationFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	text := "# ours\n\nport 7000\nrequirepass \"st & eep\"\nmaxmemory 1gb\ninclude /etc/more.conf\n"
	if err := os.WriteFile(filepath.Join(dir, "redis.conf"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		files               map[string]string
		password, note, err string
	}{
		"File":    {map[string]string{"/etc/redis.conf": filepath.Join(dir, "redis.conf")}, "st & eep", "--include is not followed", ""},
		"Folder":  {map[string]string{"/etc": dir}, "st & eep", "--include is not followed", ""},
		"Image":   {nil, "", "/etc/redis.conf is the image's", ""},
		"Missing": {map[string]string{"/etc/redis.conf": filepath.Join(dir, "none.conf")}, "", "", "none.conf"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &Server{program: "redis-server", opts: Options{
				Files: c.files, Command: []string{"redis-server", "/etc/redis.conf", "--maxmemory", "2gb"},
			}}
			err := s.read()
			if (err != nil) != (c.err != "") || err != nil && !strings.Contains(err.Error(), c.err) {
				t.Fatalf("got %v, want %q", err, c.err)
			}
			if got := strings.Join(s.Notes, "\n"); !strings.Contains(got, c.note) {
				t.Errorf("the notes are %q, want %q", got, c.note)
			}
			if s.Password() != c.password {
				t.Errorf("the password is %q, want %q", s.Password(), c.password)
			}
			if last := len(s.settings) - 1; err == nil && !slices.Equal(s.settings[last], []string{"--maxmemory", "2gb"}) {
				t.Errorf("the settings are %q", s.settings)
			}
		})
	}
}
