package stacktest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// axePackages is where the accessibility checker's lock file is, below the
// repository's root.
const axePackages = "web/stacktest/testdata/axe"

// axe gives axe-core's script, which it installs with npm the first time.
var axe = sync.OnceValues(func() (string, error) {
	source, err := fromRoot(axePackages)
	if err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp("", "axion-axe-")
	if err != nil {
		return "", err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if err := os.CopyFS(dir, os.DirFS(source)); err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("npm ci: %w\n%s", err, out)
	}
	script, err := os.ReadFile(filepath.Join(dir, "node_modules", "axe-core", "axe.min.js"))
	return string(script), err
})

// fromRoot looks for a folder of the repository upwards from the working directory.
func fromRoot(folder string) (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		found := filepath.Join(dir, filepath.FromSlash(folder))
		if _, err := os.Stat(found); err == nil {
			return found, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("no " + folder + " above the working directory")
		}
		dir = parent
	}
}

// NeedNode skips the test where npm is missing; AXION_REQUIRE_TOOLS=1 fails it.
func NeedNode(t testing.TB) {
	t.Helper()
	if _, err := exec.LookPath("npm"); err == nil {
		return
	}
	const missing = "no npm in PATH: install nodejs and npm (Node 20 or later) to run this test"
	if os.Getenv("AXION_REQUIRE_TOOLS") == "1" {
		t.Fatal(missing)
	}
	t.Skip(missing)
}

// violation is a rule of accessibility that the page breaks, and where.
type violation struct {
	ID     string `json:"id"`
	Impact string `json:"impact"`
	Help   string `json:"help"`
	Nodes  []struct {
		HTML    string `json:"html"`
		Summary string `json:"failureSummary"`
	} `json:"nodes"`
}

// Accessible fails the test for each serious or critical violation that axe-core
// finds in the page as it stands. where names the page in the failure.
func (b *Tab) Accessible(where string) {
	b.t.Helper()
	script, err := axe()
	if err != nil {
		b.t.Fatalf("install axe-core: %v", err)
	}
	const find = `axe.run(document, {resultTypes: ["violations"]}).then((r) => JSON.stringify(r.violations.filter((v) => v.impact === "serious" || v.impact === "critical")))`
	if _, err := chromedp.Run(b.Context, chromedp.Evaluate[any]("(() => {"+script+"\n})(); 0")); err != nil {
		b.t.Fatal(err)
	}
	text, err := chromedp.Run(b.Context, chromedp.Evaluate[string](find, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatal(err)
	}
	var found []violation
	if err := json.Unmarshal([]byte(text), &found); err != nil {
		b.t.Fatal(err)
	}
	for _, v := range found {
		for _, n := range v.Nodes[:min(len(v.Nodes), 3)] {
			b.t.Errorf("%s: %s (%s): %s\n%.300s\n%s", where, v.Help, v.Impact, v.ID, n.HTML, n.Summary)
		}
	}
}
