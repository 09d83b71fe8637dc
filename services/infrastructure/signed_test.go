//go:build unix

package infrastructure_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"axion/services/bus"
	"axion/services/contract"
	"axion/services/signature"
)

// TestProvisionUnsigned: whoever reaches Kafka, and has not the stack's key, has no
// command run, nor changes the files of one that runs.
func TestProvisionUnsigned(t *testing.T) {
	t.Parallel()
	r := newProcessRig(t)
	r.start()
	marker := filepath.Join(t.TempDir(), "ran")
	evil := process("d1", contract.Run{Runtime: contract.RuntimeProcess, Build: [][]string{{"touch", marker}},
		Command: []string{"sh", "-c", "touch " + marker}})
	other, err := signature.Load(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	key, err := signature.Load(r.dir)
	if err != nil {
		t.Fatal(err)
	}
	header := func(text string) func([]byte) []bus.Header {
		return func([]byte) []bus.Header { return []bus.Header{{Key: signature.Header, Value: []byte(text)}} }
	}
	refused := func(name string, headers func([]byte) []bus.Header, req contract.ProvisionRequest, want string) {
		t.Helper()
		var remote *bus.RemoteError
		if err := r.askWith(headers, contract.Provision, req, nil); !errors.As(err, &remote) || !strings.Contains(remote.Message, want) ||
			!strings.Contains(remote.Message, "hint: ") {
			t.Errorf("%s: got %v", name, err)
		}
	}
	refused("unsigned", nil, evil, "it is not signed")
	refused("made up", header("expires=4102444800,v1=00"), evil, "does not fit")
	refused("another stack's", func(value []byte) []bus.Header {
		return header(other.Sign(contract.Provision, value, time.Now().Add(time.Hour)))(value)
	}, evil, "does not fit")
	refused("late", func(value []byte) []bus.Header {
		return header(key.Sign(contract.Provision, value, time.Now().Add(-time.Minute)))(value)
	}, evil, "has expired")
	refused("another message's", header(key.Sign(contract.Provision, []byte("{}"), time.Now().Add(time.Hour))), evil, "does not fit")
	if _, err := os.Stat(marker); err == nil {
		t.Error("the command was run")
	}

	r.run(process("d2", running("serve")))
	before := r.runtime()
	site := contract.ProvisionRequest{ProjectID: "p1", DeploymentID: "d2", Slug: "coffee",
		Files: site("index.html", "x", "main.txt", "changed")}
	refused("static, in place of a process", nil, site, "it is not signed")
	if text, err := os.ReadFile(filepath.Join(r.dir, "services", contract.Infrastructure, "sites/p1/d2/main.txt")); err != nil ||
		string(text) != "x" {
		t.Errorf("its files: got %q, %v", text, err)
	}
	if now := r.runtime(); now.PID != before.PID || now.State != contract.StateRunning {
		t.Errorf("the process: got %+v, want %+v", now, before)
	}
	site.DeploymentID = "d3"
	if err := r.ask(contract.Provision, site, nil); err != nil { // the same, signed
		t.Error(err)
	}
	free := contract.ProvisionRequest{ProjectID: "p2", DeploymentID: "d1", Slug: "milk", Files: site.Files}
	if err := r.askWith(nil, contract.Provision, free, nil); err != nil {
		t.Errorf("static files need no signature: %v", err)
	}
}
