package trust

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// nss is a database of Firefox's and Chromium's library for certificates.
type nss struct {
	machine *machine
	tool    string
	name    string
	dir     string
}

// findNSS gives Chromium's database and one for each Firefox profile.
func findNSS(m *machine) ([]store, *Outcome) {
	var list []store
	tool := m.tool("certutil")
	if m.system == "windows" {
		return nil, nil // browsers use the system's store there, and certutil is another tool
	}
	for _, dir := range m.chromium() {
		list = append(list, &nss{m, tool, "chromium", dir})
	}
	for _, pattern := range []string{
		".mozilla/firefox/*", ".config/mozilla/firefox/*", "snap/firefox/common/.mozilla/firefox/*",
		".var/app/org.mozilla.firefox/.mozilla/firefox/*",
		"Library/Application Support/Firefox/Profiles/*",
	} {
		found, _ := filepath.Glob(filepath.Join(m.home, pattern, "cert9.db"))
		for _, file := range found {
			list = append(list, &nss{m, tool, "firefox", filepath.Dir(file)})
		}
	}
	if tool == "" && len(list) > 0 {
		fix := "install it: sudo apt install libnss3-tools, or sudo dnf install nss-tools"
		if m.system == "darwin" {
			fix = "install it: brew install nss"
		}
		return nil, &Outcome{Store: "firefox, chromium", State: failed, Detail: "certutil, the tool for their databases, is not installed",
			Fix: fix}
	}
	return list, nil
}

// chromium gives the databases of Chromium and its kin. Where it is installed and
// has none yet, it is the one that it would make.
func (m *machine) chromium() []string {
	if m.system != "linux" {
		return nil
	}
	usual := filepath.Join(m.home, ".pki", "nssdb")
	var dirs []string
	for _, dir := range []string{usual, filepath.Join(m.home, ".local", "share", "pki", "nssdb"),
		filepath.Join(m.home, "snap", "chromium", "current", ".pki", "nssdb")} {
		if exists(filepath.Join(dir, "cert9.db")) {
			dirs = append(dirs, dir)
		}
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "brave-browser", "microsoft-edge"} {
		if len(dirs) == 0 && m.tool(name) != "" {
			dirs = append(dirs, usual)
		}
	}
	return dirs
}

func (n *nss) place() (name, where string) { return n.name, n.dir }

// trusts has the library verify the root as an authority for servers.
func (n *nss) trusts(ctx context.Context, r *root) (bool, error) {
	if there, err := n.has(ctx, r); err != nil || !there {
		return false, err
	}
	out, err := n.certutil(ctx, "-V", "-u", "L", "-n", r.name())
	if err != nil && strings.Contains(out, "invalid") {
		return false, nil
	}
	return err == nil, err
}

func (n *nss) has(ctx context.Context, r *root) (bool, error) {
	if !exists(filepath.Join(n.dir, "cert9.db")) {
		return false, nil
	}
	out, err := n.certutil(ctx, "-L", "-n", r.name(), "-a")
	if err != nil && strings.Contains(out, "ould not find cert") {
		return false, nil
	}
	return err == nil, err
}

func (n *nss) add(ctx context.Context, r *root) error {
	if !exists(filepath.Join(n.dir, "cert9.db")) {
		if err := os.MkdirAll(n.dir, 0o700); err != nil {
			return err
		}
		if _, err := n.certutil(ctx, "-N", "--empty-password"); err != nil {
			return fmt.Errorf("make the database: %w", err)
		}
	}
	_, err := n.certutil(ctx, "-A", "-t", "C,,", "-n", r.name(), "-i", r.file)
	return err
}

func (n *nss) remove(ctx context.Context, r *root) error {
	_, err := n.certutil(ctx, "-D", "-n", r.name())
	return err
}

func (n *nss) certutil(ctx context.Context, args ...string) (string, error) {
	return n.machine.run(ctx, append([]string{n.tool, "-d", "sql:" + n.dir}, args...)...)
}
