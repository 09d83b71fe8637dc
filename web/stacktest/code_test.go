package stacktest_test

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"axion/services/clustertest"
	"axion/services/contract"
	"axion/web/stacktest"
)

// TestCode gives a project a graph, downloads what is generated from it, and has
// `axion check` read the compose file.
func TestCode(t *testing.T) {
	t.Parallel()
	s := stacktest.Launch(t, binary, clustertest.Flags(t)...)
	p := s.Create(t, "", "shop", "")
	address := s.URL(contract.GraphHost, "/api/projects/"+p.ID)
	graph := contract.Architecture{
		Nodes: []contract.Node{
			{ID: "api", Type: contract.NodeService, Language: "go"}, {ID: "web", Type: contract.NodeService},
			{ID: "worker", Type: contract.NodeLogic},
			{ID: "db", Type: contract.NodeDatabase}, {ID: "cache", Type: contract.NodeCache}, {ID: "jobs", Type: contract.NodeQueue},
			{ID: "public", Type: contract.NodeIngress},
		},
		Edges: []contract.Edge{
			{ID: "1", From: "public", To: "web", Type: contract.EdgeHTTP}, {ID: "2", From: "public", To: "api", Type: contract.EdgeGRPC},
			{ID: "3", From: "web", To: "api", Type: contract.EdgeGRPC}, {ID: "4", From: "api", To: "db", Type: contract.EdgeDatabase},
			{ID: "5", From: "api", To: "jobs", Type: contract.EdgeKafka}, {ID: "6", From: "jobs", To: "worker", Type: contract.EdgeKafka},
			{ID: "7", From: "worker", To: "cache", Type: contract.EdgeDatabase},
		},
	}
	if a := s.Do(t, http.MethodPut, address+"/graph", s.Token, graph); a.Status != http.StatusPreconditionRequired {
		t.Errorf("without If-Match: got %d %s", a.Status, a.Body)
	}
	body, err := json.Marshal(graph)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, address+"/graph", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = http.Header{"Authorization": {"Bearer " + s.Token}, "Content-Type": {"application/json"}, "If-Match": {`"0"`}}
	res, err := s.Client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusOK || res.Header.Get("ETag") != `"1"` {
		t.Fatalf("put: got %d with ETag %s", res.StatusCode, res.Header.Get("ETag"))
	}
	code := s.Do(t, http.MethodGet, address+"/code", s.Token, nil)
	files := unzip(t, code.Body)
	for _, want := range []string{"compose.yaml", "k8s/kustomization.yaml", "services/api/main.go", "services/web/src/main.ts",
		"services/worker/src/kafka.ts", "README.md", "index.html"} {
		if files[want] == "" {
			t.Errorf("the archive lacks %s", want)
		}
	}
	file := filepath.Join(t.TempDir(), "compose.yaml")
	if err := os.WriteFile(file, []byte(files["compose.yaml"]), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), binary, "check", "-f", file).CombinedOutput(); err != nil {
		t.Errorf("axion check: %v\n%s\n%s", err, out, files["compose.yaml"])
	}
}

func unzip(t *testing.T, archive []byte) map[string]string {
	t.Helper()
	r, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		t.Fatalf("%v: %s", err, strings.ToValidUTF8(string(archive[:min(len(archive), 200)]), "?"))
	}
	files := map[string]string{}
	for _, f := range r.File {
		content, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(content)
		_ = content.Close()
		if err != nil {
			t.Fatal(err)
		}
		files[f.Name] = string(text)
	}
	return files
}
