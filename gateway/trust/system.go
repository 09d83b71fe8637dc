package trust

import (
	"context"
	"crypto/sha1"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// findSystem gives the store of the operating system.
func findSystem(m *machine) ([]store, *Outcome) {
	switch m.system {
	case "linux":
		if s := findBundle(m); s != nil {
			return []store{s}, nil
		}
	case "darwin":
		keychain := filepath.Join(m.home, "Library", "Keychains", "login.keychain-db")
		return []store{&keys{m, "login keychain", keychain,
			func(r *root) [][]string {
				return [][]string{{"security", "add-trusted-cert", "-r", "trustRoot", "-p", "ssl", "-k", keychain, r.file}}
			},
			func(r *root) [][]string {
				return [][]string{{"security", "remove-trusted-cert", r.file}, {"security", "delete-certificate", "-Z", sha1Of(r), keychain}}
			}}}, nil
	case "windows":
		return []store{&keys{m, "user's root store", "Root",
			func(r *root) [][]string { return [][]string{{"certutil.exe", "-user", "-addstore", "Root", r.file}} },
			func(r *root) [][]string { return [][]string{{"certutil.exe", "-user", "-delstore", "Root", sha1Of(r)}} },
		}}, nil
	}
	return nil, &Outcome{Store: "system", State: failed, Detail: "no known store of authorities on this system",
		Fix: "add the root's certificate by the system's own means"}
}

// bundle is a store of Linux: files of which a tool makes one with all.
type bundle struct {
	machine *machine
	anchors string   // directory
	suffix  string   // that the tool looks for
	update  []string // the tool
}

// findBundle knows Fedora and its kin, Debian and Alpine, SUSE, and Arch.
func findBundle(m *machine) *bundle {
	for _, b := range []bundle{
		{m, "/etc/pki/ca-trust/source/anchors", ".pem", []string{"update-ca-trust", "extract"}},
		{m, "/usr/local/share/ca-certificates", ".crt", []string{"update-ca-certificates"}},
		{m, "/usr/share/pki/trust/anchors", ".pem", []string{"update-ca-certificates"}},
		{m, "/etc/ca-certificates/trust-source/anchors", ".crt", []string{"trust", "extract-compat"}},
	} {
		if exists(m.prefix + b.anchors) {
			b.anchors = m.prefix + b.anchors
			if m.update != nil {
				b.update = m.update
			}
			return &b
		}
	}
	return nil
}

// bundles are where Linux systems keep the file with all authorities.
var bundles = []string{
	"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", "/etc/pki/tls/certs/ca-bundle.crt",
	"/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem",
}

func (b *bundle) place() (name, where string) { return "system", b.anchors }

func (b *bundle) file(r *root) string { return filepath.Join(b.anchors, r.name()+b.suffix) }

func (b *bundle) has(_ context.Context, r *root) (bool, error) { return exists(b.file(r)), nil }

func (b *bundle) trusts(_ context.Context, r *root) (bool, error) {
	for _, file := range bundles {
		file = b.machine.prefix + file
		certs, err := readCertificates(file)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return false, err
		}
		pool := x509.NewCertPool()
		for _, c := range certs {
			pool.AddCert(c)
		}
		return r.verifies(pool), nil
	}
	return false, nil
}

func (b *bundle) add(ctx context.Context, r *root) error {
	if !b.machine.admin {
		return &rightsError{shell("sudo", "install", "-m", "0644", r.file, b.file(r)) + " && sudo " + shell(b.update...)}
	}
	data, err := os.ReadFile(r.file)
	if err != nil {
		return err
	}
	if err := os.WriteFile(b.file(r), data, 0o644); err != nil {
		return err
	}
	return b.refresh(ctx)
}

func (b *bundle) remove(ctx context.Context, r *root) error {
	if !b.machine.admin {
		return &rightsError{shell("sudo", "rm", "-f", b.file(r)) + " && sudo " + shell(b.update...)}
	}
	if err := os.Remove(b.file(r)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return b.refresh(ctx)
}

func (b *bundle) refresh(ctx context.Context) error {
	tool := b.machine.tool(b.update[0])
	if tool == "" {
		return &hintError{b.update[0] + " is not installed", "install the package ca-certificates"}
	}
	if _, err := b.machine.run(ctx, append([]string{tool}, b.update[1:]...)...); err != nil {
		return fmt.Errorf("make the system's bundle anew: %w", err)
	}
	return nil
}

// keys is a user's own store on macOS and Windows, which needs no rights; the
// system asks the user itself.
type keys struct {
	machine     *machine
	name, where string
	adding      func(*root) [][]string
	removing    func(*root) [][]string
}

func (k *keys) place() (name, where string) { return "system", k.name }

// trusts asks the system's own verifier, which Go uses where it has no roots.
func (k *keys) trusts(_ context.Context, r *root) (bool, error) { return r.verifies(nil), nil }

func (k *keys) has(ctx context.Context, r *root) (bool, error) { return k.trusts(ctx, r) }

func (k *keys) add(ctx context.Context, r *root) error { return k.all(ctx, k.adding(r)) }

func (k *keys) remove(ctx context.Context, r *root) error { return k.all(ctx, k.removing(r)) }

func (k *keys) all(ctx context.Context, commands [][]string) error {
	for _, c := range commands {
		if _, err := k.machine.run(ctx, c...); err != nil {
			return &hintError{err.Error(), "run it yourself: " + shell(c...)}
		}
	}
	return nil
}

// sha1Of is how those stores name a certificate.
func sha1Of(r *root) string {
	sum := sha1.Sum(r.cert.Raw)
	return hex.EncodeToString(sum[:])
}
