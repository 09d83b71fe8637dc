package cert_test

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"axion/gateway/cert"
	"axion/gateway/config"
)

// naming are settings in which a router spells out hosts.
func naming(hosts ...string) cert.Settings {
	return cert.Settings{Routers: []cert.Router{{Name: "app@docker", TLS: &config.RouterTLS{}, Hosts: hosts}}}
}

// serial is that of the certificate which a client gets that trusts the root.
func serial(t *testing.T, a *cert.Authority, host string) string {
	t.Helper()
	state, err := shake(t, a, &tls.Config{ServerName: host})
	if err != nil {
		t.Fatalf("%s: %v", host, err)
	}
	return state.PeerCertificates[0].SerialNumber.String()
}

// quick is serial without a handshake.
func quick(t *testing.T, a *cert.Authority, host string) string {
	t.Helper()
	c, err := a.TLSConfig(entry).GetCertificate(&tls.ClientHelloInfo{ServerName: host})
	if err != nil || c == nil {
		t.Fatalf("%s: got no certificate: %v", host, err)
	}
	return c.Leaf.SerialNumber.String()
}

// TestAnyLocalName gives each name that the root may vouch for a certificate, though
// no router asks for any.
func TestAnyLocalName(t *testing.T) {
	t.Parallel()
	a := open(t, cert.Options{Dir: t.TempDir()})
	for _, host := range []string{"nobody.localhost", "a.b.c.localhost", "NOBODY.localhost", "localhost", "127.0.0.1"} {
		if first, second := serial(t, a, host), serial(t, a, host); first != second {
			t.Errorf("%s: got another certificate in the second handshake", host)
		}
	}
	state, err := shake(t, a, &tls.Config{ServerName: "shop.example", InsecureSkipVerify: true})
	if err != nil || state.PeerCertificates[0].DNSNames[0] != "localhost" {
		t.Errorf("a foreign name: got %v, want the default certificate", err)
	}
	state, err = shake(t, a, &tls.Config{InsecureSkipVerify: true}) // at 127.0.0.1
	if err != nil || len(state.PeerCertificates[0].IPAddresses) != 1 {
		t.Errorf("no name: got %v, want the certificate of the address", err)
	}
}

// TestManyNames asks for more names than are kept.
func TestManyNames(t *testing.T) {
	t.Parallel()
	storage := t.TempDir()
	a := open(t, cert.Options{Dir: t.TempDir(), Storage: storage})
	wantProblems(t, a.Apply(naming("deployed.localhost")))
	deployed, used, old := quick(t, a, "deployed.localhost"), quick(t, a, "used.localhost"), quick(t, a, "old.localhost")
	for i := range 1100 {
		quick(t, a, fmt.Sprintf("n%d.localhost", i))
		if i%100 == 0 && quick(t, a, "used.localhost") != used {
			t.Fatal("a name that is used again and again has lost its certificate")
		}
	}
	if quick(t, a, "deployed.localhost") != deployed {
		t.Error("the host of a router has lost its certificate")
	}
	if quick(t, a, "old.localhost") == old {
		t.Error("a name that was not used for long has its certificate still")
	}
	if n := len(a.List()); n > 1025 { // those on demand, and the router's
		t.Errorf("list: got %d certificates", n)
	}
	files, err := filepath.Glob(filepath.Join(storage, "certificates", "*", "*"))
	if err != nil || len(files) != 1 || filepath.Base(files[0]) != "deployed.localhost" {
		t.Errorf("on disk: got %d hosts, %v, want that of the router alone", len(files), err)
	}
	// Its certificate goes from disk with its router, but is served as long as it is used.
	wantProblems(t, a.Apply(cert.Settings{}))
	if files, _ := filepath.Glob(filepath.Join(storage, "certificates", "*", "*")); len(files) > 0 {
		t.Errorf("after the router is gone: got %v on disk", files)
	}
	if quick(t, a, "deployed.localhost") != deployed {
		t.Error("after the router is gone: got another certificate at once")
	}
}

// TestIssuedOnce has many clients ask for one name at once.
func TestIssuedOnce(t *testing.T) {
	t.Parallel()
	a := open(t, cert.Options{Dir: t.TempDir()})
	serials := make([]string, 32)
	var asking sync.WaitGroup
	for i := range serials {
		asking.Go(func() { serials[i] = quick(t, a, "once.localhost") })
	}
	asking.Wait()
	for _, s := range serials {
		if s != serials[0] {
			t.Fatalf("got several certificates: %v", serials)
		}
	}
}

// TestDamagedCertificate starts again on files that cannot be served.
func TestDamagedCertificate(t *testing.T) {
	t.Parallel()
	const host = "shop.localhost"
	for name, damage := range map[string]func(t *testing.T, crt, key string){
		"ErrEmpty":       func(t *testing.T, crt, _ string) { write(t, crt, "") },
		"ErrTruncated":   func(t *testing.T, crt, _ string) { truncate(t, crt) },
		"ErrGarbage":     func(t *testing.T, crt, _ string) { write(t, crt, "\x00\x01junk") },
		"ErrKeyEmpty":    func(t *testing.T, _, key string) { write(t, key, "") },
		"ErrKeyGarbage":  func(t *testing.T, _, key string) { truncate(t, key) },
		"ErrKeyMissing":  func(t *testing.T, _, key string) { remove(t, key) },
		"ErrCertMissing": func(t *testing.T, crt, _ string) { remove(t, crt) },
		"ErrDirectory": func(t *testing.T, crt, _ string) {
			remove(t, crt)
			if err := os.MkdirAll(filepath.Join(crt, "x"), 0o700); err != nil {
				t.Fatal(err)
			}
		},
		"ErrFile": func(t *testing.T, crt, _ string) {
			if err := os.RemoveAll(filepath.Dir(crt)); err != nil {
				t.Fatal(err)
			}
			write(t, filepath.Dir(crt), "a file where the directory was")
		},
		"ErrOtherKey": func(t *testing.T, _, key string) {
			_, other := newAuthority(t).issue(t, newAuthority(t).cert.NotAfter, host)
			write(t, key, other)
		},
		"ErrOtherRoot": func(t *testing.T, crt, key string) {
			ca := newAuthority(t)
			c, k := ca.issue(t, ca.cert.NotAfter, host)
			write(t, crt, c)
			write(t, key, k)
		},
		"ErrOtherHost": func(t *testing.T, crt, key string) {
			other := filepath.Join(filepath.Dir(filepath.Dir(crt)), "other.localhost", "other.localhost")
			for ext, to := range map[string]string{".crt": crt, ".key": key} {
				data, err := os.ReadFile(other + ext)
				if err != nil {
					t.Fatal(err)
				}
				write(t, to, string(data))
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, storage := t.TempDir(), t.TempDir()
			var log bytes.Buffer
			again := func() *cert.Authority {
				a := open(t, cert.Options{Dir: dir, Storage: storage, Log: slog.New(slog.NewTextHandler(&log, nil))})
				wantProblems(t, a.Apply(naming(host, "other.localhost")))
				return a
			}
			a := again()
			first := serial(t, a, host)
			serial(t, a, "other.localhost")
			a.Close()
			found, _ := filepath.Glob(filepath.Join(storage, "certificates", "*", host, host+".crt"))
			if len(found) != 1 {
				t.Fatalf("files: got %v", found)
			}
			damage(t, found[0], strings.TrimSuffix(found[0], ".crt")+".key")
			a = again()
			second := serial(t, a, host)
			a.Close()
			if second == first {
				t.Error("got the certificate whose files are damaged")
			}
			if missing := name == "ErrFile"; !missing && (!strings.Contains(log.String(), "damaged") || !strings.Contains(log.String(), found[0])) {
				t.Errorf("log: got %q, want it to say which file is damaged", log.String())
			}
			log.Reset()
			if third := serial(t, again(), host); third != second || log.Len() > 0 {
				t.Errorf("the third start: got another certificate, or says %q", log.String())
			}
		})
	}
}

// TestUnwritableStorage serves though nothing can be kept.
func TestUnwritableStorage(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	storage := filepath.Join(t.TempDir(), "file")
	write(t, storage, "no directory")
	a := open(t, cert.Options{Dir: t.TempDir(), Storage: storage, Log: slog.New(slog.NewTextHandler(&log, nil))})
	wantProblems(t, a.Apply(naming("shop.localhost")))
	if first, second := serial(t, a, "shop.localhost"), serial(t, a, "shop.localhost"); first != second {
		t.Error("got two certificates")
	}
	if !strings.Contains(log.String(), "not kept") {
		t.Errorf("log: got %q", log.String())
	}
}

func truncate(t *testing.T, file string) {
	t.Helper()
	if err := os.Truncate(file, 100); err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, file string) {
	t.Helper()
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
}
