package trust_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"go.uber.org/goleak"

	"axion/gateway/cert"
	"axion/gateway/trust"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// machine is a throw-away one: a home, system files and a root of its own.
type machine struct {
	rootErr func() error // of finding the root
	trust.Fake
	root  string
	stack func() (trust.Stack, error)
}

// need skips the test without a tool, and fails it where all must be there.
func need(t *testing.T, tool string) string {
	t.Helper()
	file, err := exec.LookPath(tool)
	if err != nil {
		if os.Getenv("AXION_REQUIRE_TOOLS") != "" {
			t.Fatalf("%s is not installed", tool)
		}
		t.Skipf("%s is not installed", tool)
	}
	return file
}

// newMachine has the tools of this machine that are named, and no others.
func newMachine(t *testing.T, tools ...string) *machine {
	t.Helper()
	prefix, home, bin := t.TempDir(), t.TempDir(), t.TempDir()
	for _, tool := range tools {
		if err := os.Symlink(need(t, tool), filepath.Join(bin, tool)); err != nil {
			t.Fatal(err)
		}
	}
	for _, dir := range []string{"usr/local/share/ca-certificates", "etc/ssl/certs", "empty"} {
		if err := os.MkdirAll(filepath.Join(prefix, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(prefix, "conf"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	// The tool leaves the last bundle where no authority is left at all.
	if err := os.Rename(newRoot(t, t.TempDir()), filepath.Join(prefix, "usr/local/share/ca-certificates/other.crt")); err != nil {
		t.Fatal(err)
	}
	return &machine{rootErr: func() error { return nil }, root: newRoot(t, filepath.Join(home, ".config", "axion", "ca")),
		stack: func() (trust.Stack, error) { return trust.Stack{}, errors.New("nothing runs") }, Fake: trust.Fake{
			Home: home, Prefix: prefix, System: "linux", Admin: true, Env: map[string]string{"PATH": bin},
			Update: []string{
				"update-ca-certificates", "--certsconf", filepath.Join(prefix, "conf"), "--certsdir", filepath.Join(prefix, "empty"), "--hooksdir",
				filepath.Join(prefix, "empty"),
				"--localcertsdir", filepath.Join(prefix, "usr/local/share/ca-certificates"), "--etccertsdir", filepath.Join(prefix, "etc/ssl/certs"),
			},
		}}
}

// newRoot makes an authority in dir and gives its root's file.
func newRoot(t *testing.T, dir string) string {
	t.Helper()
	a, err := cert.New(cert.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	a.Close()
	return a.RootFile()
}

// run executes `axion ARGS…` and returns what it prints.
func (m *machine) run(t *testing.T, args ...string) (string, error) {
	t.Helper()
	cmd := &cobra.Command{Use: "axion", SilenceErrors: true, SilenceUsage: true}
	cmd.AddCommand(trust.CommandsOn(m.Fake, func() (string, error) { return m.root, m.rootErr() }, m.stack)...)
	var out bytes.Buffer
	cmd.SetOut(&out)
	cmd.SetArgs(args)
	err := cmd.ExecuteContext(t.Context())
	return out.String(), err
}

// states gives the state of each store by name.
func (m *machine) states(t *testing.T, command string) (map[string]trust.Outcome, error) {
	t.Helper()
	out, err := m.run(t, command, "--json")
	var body struct{ Stores []trust.Outcome }
	if e := json.Unmarshal([]byte(out), &body); e != nil {
		t.Fatalf("%v: %s", e, out)
	}
	states := make(map[string]trust.Outcome)
	for _, o := range body.Stores {
		states[o.Store] = o
	}
	return states, err
}

// step is a command and the state in which it leaves a store.
type step struct{ command, want string }

// roundTrip does everything twice.
var roundTrip = []step{
	{"untrust", "absent"}, {"trust", "added"}, {"trust", "trusted"}, {"untrust", "removed"}, {"untrust", "absent"}, {"trust", "added"},
}

func (m *machine) do(t *testing.T, store string, steps []step) {
	t.Helper()
	for _, step := range steps {
		states, err := m.states(t, step.command)
		if err != nil {
			t.Fatalf("%s: %v, %+v", step.command, err, states)
		}
		if got := states[store].State; got != step.want {
			t.Fatalf("%s: got %q, want %q: %+v", step.command, got, step.want, states)
		}
	}
}

func TestSystem(t *testing.T) {
	t.Parallel()
	t.Run("OK", func(t *testing.T) {
		t.Parallel()
		m := newMachine(t, "update-ca-certificates")
		m.do(t, "system", roundTrip)
		bundle, err := os.ReadFile(filepath.Join(m.Prefix, "etc/ssl/certs/ca-certificates.crt"))
		if err != nil {
			t.Fatal(err)
		}
		root, err := os.ReadFile(m.root)
		if err != nil || !bytes.Contains(bundle, root) {
			t.Errorf("bundle: got no root in it, %v", err)
		}
	})
	t.Run("ErrRights", func(t *testing.T) {
		t.Parallel()
		m := newMachine(t, "update-ca-certificates")
		m.Admin = false
		out, err := m.run(t, "trust")
		if err == nil || !strings.Contains(err.Error(), "system") {
			t.Errorf("error: got %v, want it to name the store", err)
		}
		if want := "run: sudo install -m 0644 " + m.root; !strings.Contains(out, want) ||
			!strings.Contains(out, "&& sudo update-ca-certificates") {
			t.Errorf("got %q, want the command", out)
		}
		files, _ := filepath.Glob(filepath.Join(m.Prefix, "usr/local/share/ca-certificates/axion-*"))
		if len(files) > 0 {
			t.Errorf("got %v changed", files)
		}
	})
	t.Run("ErrNoTool", func(t *testing.T) {
		t.Parallel()
		states, err := newMachine(t).states(t, "trust")
		if o := states["system"]; err == nil || o.State != "failed" || !strings.Contains(o.Fix, "ca-certificates") {
			t.Errorf("got %+v, %v", o, err)
		}
	})
	t.Run("ErrSudo", func(t *testing.T) {
		t.Parallel()
		m := newMachine(t)
		m.Env["SUDO_USER"] = "dev"
		if _, err := m.run(t, "trust"); err == nil || !strings.Contains(err.Error(), "dev") {
			t.Errorf("got %v, want a refusal", err)
		}
	})
}

func TestNSS(t *testing.T) {
	t.Parallel()
	t.Run("OK/Firefox", func(t *testing.T) {
		t.Parallel()
		m := newMachine(t, "certutil", "update-ca-certificates")
		profile := filepath.Join(m.Home, ".mozilla", "firefox", "x1.default")
		newDatabase(t, profile)
		m.do(t, "firefox", roundTrip)
		out, err := exec.Command("certutil", "-L", "-d", "sql:"+profile).CombinedOutput()
		if err != nil || !strings.Contains(string(out), "C,,") {
			t.Errorf("profile: got %s, %v", out, err)
		}
	})
	t.Run("OK/Chromium without a database", func(t *testing.T) {
		t.Parallel()
		m := newMachine(t, "certutil", "update-ca-certificates")
		browser := filepath.Join(m.Env["PATH"], "chromium")
		if err := os.WriteFile(browser, []byte("#!/bin/sh\n"), 0o755); err != nil {
			t.Fatal(err)
		}
		m.do(t, "chromium", roundTrip)
	})
	t.Run("ErrDistrusted", func(t *testing.T) {
		t.Parallel()
		m := newMachine(t, "certutil", "update-ca-certificates")
		profile := filepath.Join(m.Home, ".mozilla", "firefox", "x1.default")
		newDatabase(t, profile)
		if _, err := m.states(t, "trust"); err != nil {
			t.Fatal(err)
		}
		names, _ := filepath.Glob(filepath.Join(m.Prefix, "usr/local/share/ca-certificates/axion-*"))
		name := strings.TrimSuffix(filepath.Base(names[0]), ".crt")
		if out, err := exec.Command("certutil", "-M", "-d", "sql:"+profile, "-t", ",,", "-n", name).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		if c := m.checks(t)["firefox trust"]; c.State != "warning" {
			t.Errorf("present but not trusted: got %+v", c)
		}
	})
	t.Run("ErrNoTool", func(t *testing.T) {
		t.Parallel()
		m := newMachine(t, "update-ca-certificates")
		need(t, "certutil")
		newDatabase(t, filepath.Join(m.Home, ".mozilla", "firefox", "x1.default"))
		states, err := m.states(t, "trust")
		if o := states["firefox, chromium"]; err == nil || o.State != "failed" || !strings.Contains(o.Fix, "libnss3-tools") {
			t.Errorf("got %+v, %v", o, err)
		}
		if got := states["system"].State; got != "added" {
			t.Errorf("system: got %q, want the other stores done all the same", got)
		}
	})
}

func newDatabase(t *testing.T, dir string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(need(t, "certutil"), "-N", "-d", "sql:"+dir, "--empty-password").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

func TestJava(t *testing.T) {
	t.Parallel()
	keytool := need(t, "keytool")
	newJava := func(t *testing.T) (*machine, string) {
		t.Helper()
		m := newMachine(t, "update-ca-certificates")
		home := t.TempDir()
		store := filepath.Join(home, "lib", "security", "cacerts")
		for _, dir := range []string{filepath.Dir(store), filepath.Join(home, "bin")} {
			if err := os.MkdirAll(dir, 0o755); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Symlink(keytool, filepath.Join(home, "bin", "keytool")); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command(keytool, "-genkeypair", "-alias", "x", "-keyalg", "EC", "-dname", "CN=x", "-keystore", store, "-storepass",
			"changeit").CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		m.Env["JAVA_HOME"] = home
		return m, store
	}
	t.Run("OK", func(t *testing.T) {
		t.Parallel()
		m, _ := newJava(t)
		m.do(t, "java", roundTrip[1:4]) // each starts some Java machines
	})
	t.Run("ErrRights", func(t *testing.T) {
		t.Parallel()
		m, store := newJava(t)
		if err := os.Chmod(store, 0o400); err != nil {
			t.Fatal(err)
		}
		if f, err := os.OpenFile(store, os.O_RDWR, 0); !errors.Is(err, fs.ErrPermission) {
			_ = f.Close()
			t.Skip("this user may write every file")
		}
		states, err := m.states(t, "trust")
		if o := states["java"]; err == nil || o.State != "rights" || !strings.HasPrefix(o.Fix, "sudo ") {
			t.Errorf("got %+v, %v", o, err)
		}
	})
	t.Run("OK/Real keystore left alone", func(t *testing.T) {
		t.Parallel()
		m := newMachine(t, "update-ca-certificates", "keytool")
		if c, ok := m.checks(t)["java trust"]; ok { // doctor changes nothing
			t.Errorf("got the real keystore: %+v", c)
		}
	})
	t.Run("ErrStore", func(t *testing.T) {
		t.Parallel()
		m, store := newJava(t)
		if err := os.WriteFile(store, []byte("junk"), 0o600); err != nil {
			t.Fatal(err)
		}
		states, err := m.states(t, "trust")
		if o := states["java"]; err == nil || o.State != "failed" || o.Detail == "" {
			t.Errorf("got %+v, %v", o, err)
		}
	})
}

func TestShell(t *testing.T) {
	t.Parallel()
	if got, want := trust.Shell("cp", "/a b/it's", "x=1", ""), `cp '/a b/it'\''s' x=1 ''`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
