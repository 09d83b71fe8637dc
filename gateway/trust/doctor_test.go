package trust_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"axion/gateway/cert"
	"axion/gateway/trust"
)

// checks gives what doctor finds, by name.
func (m *machine) checks(t *testing.T) map[string]trust.Check {
	t.Helper()
	out, err := m.run(t, "doctor", "--json")
	var body struct {
		OK     bool
		Checks []trust.Check
	}
	if e := json.Unmarshal([]byte(out), &body); e != nil {
		t.Fatalf("%v: %s", e, out)
	}
	found := make(map[string]trust.Check)
	bad := false
	for _, c := range body.Checks {
		found[c.Name] = c
		bad = bad || c.State == "failed"
	}
	if body.OK == bad || (err != nil) != bad {
		t.Errorf("ok %v, error %v, want them to agree with the checks: %s", body.OK, err, out)
	}
	return found
}

// serve has a stack of the machine's authority answer at a URL.
func (m *machine) serve(t *testing.T, status int) (url string, port int) {
	t.Helper()
	a, err := cert.New(cert.Options{Dir: filepath.Dir(m.root)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	l, err := tls.Listen("tcp", "127.0.0.1:0", a.TLSConfig(func() string { return "websecure" }))
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{ErrorLog: log.New(io.Discard, "", 0),
		Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })}
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close() })
	port = l.Addr().(*net.TCPAddr).Port
	return "https://graph.localhost:" + strconv.Itoa(port) + "/", port
}

func TestDoctor(t *testing.T) {
	t.Parallel()
	t.Run("OK", func(t *testing.T) {
		t.Parallel()
		m := newMachine(t, "update-ca-certificates", "certutil", "getent")
		newDatabase(t, filepath.Join(m.Home, ".pki", "nssdb"))
		if _, err := m.run(t, "trust"); err != nil {
			t.Fatal(err)
		}
		url, port := m.serve(t, http.StatusNotFound)
		m.Ports = []int{port}
		m.stack = func() (trust.Stack, error) { return trust.Stack{URLs: []string{url}, Ports: []int{port}}, nil }
		checks := m.checks(t)
		for _, name := range []string{"root", "root's limits", "root's key", "clock", "system trust", "chromium trust", "stack",
			"port " + strconv.Itoa(port)} {
			if c := checks[name]; c.State != "ok" {
				t.Errorf("%s: got %+v", name, c)
			}
		}
		if c := checks["node trust"]; c.State != "note" {
			t.Errorf("without node: got %+v", c)
		}
		if c := checks["names, system"]; c.State != "ok" && !strings.Contains(c.Fix, "/etc/hosts") {
			t.Errorf("names: got %+v, want a remedy", c)
		}
		out, err := m.run(t, "doctor")
		if err != nil || !strings.Contains(out, "ok       stack") {
			t.Errorf("got %v: %s", err, out)
		}
	})
	t.Run("ErrUntrusted", func(t *testing.T) {
		t.Parallel()
		m := newMachine(t)
		if c := m.checks(t)["system trust"]; c.State != "failed" || c.Fix != "axion trust" {
			t.Errorf("got %+v", c)
		}
		if c := m.checks(t)["stack"]; c.State != "note" || !strings.Contains(c.Detail, "nothing runs") {
			t.Errorf("stack: got %+v", c)
		}
	})
	t.Run("ErrKeyMode", func(t *testing.T) {
		t.Parallel()
		m := newMachine(t)
		if err := os.Chmod(filepath.Join(filepath.Dir(m.root), "root.key"), 0o644); err != nil {
			t.Fatal(err)
		}
		if c := m.checks(t)["root's key"]; c.State != "failed" || !strings.HasPrefix(c.Fix, "chmod 600 ") {
			t.Errorf("got %+v", c)
		}
	})
	t.Run("ErrNoRoot", func(t *testing.T) {
		t.Parallel()
		m := newMachine(t)
		m.root = filepath.Join(m.Home, "nothing")
		if c := m.checks(t)["root"]; c.State != "failed" {
			t.Errorf("got %+v", c)
		}
	})
	t.Run("ErrUnlimited", func(t *testing.T) {
		t.Parallel()
		m := newMachine(t)
		m.root = rootOf(t, &x509.Certificate{})
		if c := m.checks(t)["root's limits"]; c.State != "failed" {
			t.Errorf("got %+v", c)
		}
	})
	t.Run("ErrOld", func(t *testing.T) {
		t.Parallel()
		m := newMachine(t)
		m.root = rootOf(t, &x509.Certificate{PermittedDNSDomainsCritical: true, PermittedDNSDomains: []string{"localhost"},
			PermittedIPRanges: []*net.IPNet{{IP: net.IPv4(127, 0, 0, 0).To4(), Mask: net.CIDRMask(8, 32)}}})
		c := m.checks(t)["root's limits"]
		if c.State != "warning" || !strings.Contains(c.Detail, "mail") || !strings.Contains(c.Fix,
			"axion untrust; remove "+filepath.Dir(m.root)) {
			t.Errorf("got %+v, want how to renew it", c)
		}
	})
	t.Run("ErrDamaged", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		newRoot(t, dir)
		if err := os.WriteFile(filepath.Join(dir, "root.crt"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		m := newMachine(t)
		m.rootErr = func() error { _, err := cert.RootFile(dir); return err }
		if c := m.checks(t)["root"]; c.State != "failed" || !strings.Contains(c.Detail, "root.crt") || !strings.Contains(c.Fix, "remove "+dir) {
			t.Errorf("got %+v, want what is damaged and what to do", c)
		}
	})
	t.Run("ErrStack", func(t *testing.T) {
		t.Parallel()
		m, other := newMachine(t), newMachine(t)
		foreign, _ := other.serve(t, http.StatusOK)
		for want, status := range map[string]int{"failed": 0, "warning": http.StatusBadGateway} {
			url := foreign
			if status > 0 {
				url, _ = m.serve(t, status)
			}
			m.stack = func() (trust.Stack, error) { return trust.Stack{URLs: []string{url}}, nil }
			if c := m.checks(t)["stack"]; c.State != want || c.Fix == "" {
				t.Errorf("%s: got %+v, want %s", url, c, want)
			}
		}
	})
	t.Run("ErrPort", func(t *testing.T) {
		t.Parallel()
		m := newMachine(t)
		_, port := m.serve(t, http.StatusOK)
		m.Ports = []int{port}
		if c := m.checks(t)["port "+strconv.Itoa(port)]; c.State != "warning" || !strings.Contains(c.Detail, "another program") {
			t.Errorf("got %+v", c)
		}
	})
}

// TestDoctorUsers: on Linux other users are kept out; elsewhere it reports what is open.
func TestDoctorUsers(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	if c := m.checks(t)["other users"]; runtime.GOOS == "linux" && c.State != "ok" {
		t.Errorf("Linux: got %+v", c)
	}
	m.System = "darwin"
	if c := m.checks(t)["other users"]; c.State != "warning" || !strings.Contains(c.Detail, "dashboard") || c.Fix == "" {
		t.Errorf("with nothing running: got %+v", c)
	}
	m.stack = func() (trust.Stack, error) {
		return trust.Stack{Own: map[string]string{"dashboard": "http://127.0.0.1:8900"}}, nil
	}
	if c := m.checks(t)["other users"]; !strings.Contains(c.Detail, "dashboard 127.0.0.1:8900") {
		t.Errorf("got %+v", c)
	}
}

func TestDoctorNode(t *testing.T) {
	m := newMachine(t, "node") // not parallel: Node reads the environment
	if c := m.checks(t)["node trust"]; c.State != "warning" || !strings.Contains(c.Fix, "NODE_EXTRA_CA_CERTS="+m.root) {
		t.Errorf("without: got %+v", c)
	}
	t.Setenv("NODE_EXTRA_CA_CERTS", m.root)
	m.Env["NODE_EXTRA_CA_CERTS"] = m.root
	if c := m.checks(t)["node trust"]; c.State != "ok" {
		t.Errorf("with: got %+v", c)
	}
}

// rootOf is the file of a root with the template's limits.
func rootOf(t *testing.T, template *x509.Certificate) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template.SerialNumber, template.IsCA, template.BasicConstraintsValid = big.NewInt(1), true, true
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "root.crt")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}
