package web

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// fakeVersion is one version of a project's graph in the fake graph service.
type fakeVersion struct {
	Nodes []map[string]any `json:"nodes"`
	Edges []map[string]any `json:"edges"`
}

// more adds what the services answer of graphs, code, blueprints and deployments.
func (g *fakeGraph) more(mux *http.ServeMux) {
	mux.HandleFunc("PATCH /api/projects/{id}", g.patch)
	mux.HandleFunc("GET /api/projects/{id}/events", g.history)
	mux.HandleFunc("GET /api/projects/{id}/code", g.code)
	mux.HandleFunc("GET /api/projects/{id}/graph", g.getGraph)
	mux.HandleFunc("PUT /api/projects/{id}/graph", g.putGraph)
	mux.HandleFunc("GET /api/projects/{id}/graph/versions", g.listVersions)
	mux.HandleFunc("GET /api/projects/{id}/graph/versions/{version}", g.getVersion)
	mux.HandleFunc("POST /api/projects/{id}/graph/revert", g.revert)
	mux.HandleFunc("GET /api/blueprints", func(w http.ResponseWriter, _ *http.Request) {
		answerJSON(w, http.StatusOK, map[string]any{"items": []map[string]any{
			{"name": "static-site", "description": "A page that runs at once.", "files": []string{"index.html"}},
			{"name": "nestjs-service", "description": "Source code with its Dockerfile.", "files": []string{"src/main.ts"}},
		}})
	})
	mux.HandleFunc("GET /api/deployments/{id}/logs", func(w http.ResponseWriter, _ *http.Request) {
		answerJSON(w, http.StatusOK, map[string]any{"next": "", "items": []map[string]any{
			{"time": "2026-01-01T00:00:00Z", "step": "codegen", "level": "info", "message": "12 files generated"},
		}})
	})
	mux.HandleFunc("POST /api/deployments/{id}/{verb}", func(w http.ResponseWriter, r *http.Request) {
		problem(w, http.StatusConflict, "cannot "+r.PathValue("verb")+" what has ended")
	})
	mux.HandleFunc("GET /api/runtimes", func(w http.ResponseWriter, _ *http.Request) {
		answerJSON(w, http.StatusOK, map[string]any{"items": []any{}, "next": ""})
	})
	mux.HandleFunc("GET /api/runtimes/{id}", func(w http.ResponseWriter, r *http.Request) {
		answerJSON(w, http.StatusOK, map[string]any{"projectId": r.PathValue("id"), "runtime": "static", "state": "RUNNING"})
	})
}

func (g *fakeGraph) patch(w http.ResponseWriter, r *http.Request) {
	var change map[string]any
	_ = json.NewDecoder(r.Body).Decode(&change)
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, p := range g.projects {
		if p["id"] == r.PathValue("id") {
			for name, value := range change {
				p[name] = value
			}
			answerJSON(w, http.StatusOK, p)
			return
		}
	}
	problem(w, http.StatusNotFound, "there is no such project of yours")
}

func (g *fakeGraph) history(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	items := []map[string]any{{"sequence": 1, "id": "1", "type": "PROJECT_CREATED", "projectId": r.PathValue("id"),
		"time": "2026-01-01T00:00:00Z", "data": map[string]any{"name": "Shop"}}}
	answerJSON(w, http.StatusOK, map[string]any{"items": items, "next": ""})
}

func (g *fakeGraph) code(w http.ResponseWriter, _ *http.Request) {
	var b bytes.Buffer
	archive := zip.NewWriter(&b)
	for name, text := range map[string]string{
		"index.html": "<h1 class=\"a\">Shop</h1>\n", "compose.yaml": "services: # all\n  shop:\n    image: \"shop\"\n",
		"src/main.ts": "const a = `1`;\n",
	} {
		entry, err := archive.Create(name)
		if err == nil {
			_, err = entry.Write([]byte(text))
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
	}
	_ = archive.Close()
	w.Header().Set("Content-Type", "application/zip")
	w.Header().Set("Content-Disposition", `attachment; filename="shop.zip"`)
	_, _ = w.Write(b.Bytes())
}

func (g *fakeGraph) getGraph(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	versions := g.graphs[r.PathValue("id")]
	g.giveGraph(w, versions, len(versions))
}

func (g *fakeGraph) getVersion(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	var n int
	_, _ = fmt.Sscan(r.PathValue("version"), &n)
	g.giveGraph(w, g.graphs[r.PathValue("id")], n)
}

// giveGraph answers with version n, with an empty graph where n is 0.
func (g *fakeGraph) giveGraph(w http.ResponseWriter, versions []fakeVersion, n int) {
	graph := fakeVersion{Nodes: []map[string]any{}, Edges: []map[string]any{}}
	if n > 0 && n <= len(versions) {
		graph = versions[n-1]
	}
	w.Header().Set("ETag", fmt.Sprintf("%q", fmt.Sprint(n)))
	answerJSON(w, http.StatusOK, graph)
}

func (g *fakeGraph) putGraph(w http.ResponseWriter, r *http.Request) {
	var in fakeVersion
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		problem(w, http.StatusBadRequest, "the body is not JSON")
		return
	}
	for i, n := range in.Nodes {
		if n["name"] == "refused" {
			problem(w, http.StatusUnprocessableEntity, "validation failed",
				map[string]string{"pointer": fmt.Sprintf("/nodes/%d/name", i), "detail": "the name is refused"})
			return
		}
	}
	id := r.PathValue("id")
	g.mu.Lock()
	if want := fmt.Sprintf("%q", fmt.Sprint(len(g.graphs[id]))); r.Header.Get("If-Match") != want {
		g.mu.Unlock()
		problem(w, http.StatusPreconditionFailed, "the graph is at version "+want+" by now")
		return
	}
	g.mu.Unlock()
	g.addGraph(id, in)
	g.getGraph(w, r)
}

func (g *fakeGraph) revert(w http.ResponseWriter, r *http.Request) {
	var in struct{ Version int }
	_ = json.NewDecoder(r.Body).Decode(&in)
	id := r.PathValue("id")
	g.mu.Lock()
	earlier := g.graphs[id][in.Version-1]
	g.mu.Unlock()
	g.addGraph(id, earlier)
	g.getGraph(w, r)
}

// addGraph makes a new version, as any client of the graph service may, and sends
// of it.
func (g *fakeGraph) addGraph(id string, graph fakeVersion) {
	g.mu.Lock()
	g.graphs[id] = append(g.graphs[id], graph)
	n := len(g.graphs[id])
	g.mu.Unlock()
	g.tell(id, "GRAPH_CHANGED", fmt.Sprintf(`{"version":%d}`, n))
}

func (g *fakeGraph) listVersions(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	items := []map[string]any{}
	for n := range g.graphs[r.PathValue("id")] {
		items = append(items, map[string]any{"version": n + 1, "createdAt": "2026-01-01T00:00:00Z"})
	}
	slices.Reverse(items)
	answerJSON(w, http.StatusOK, map[string]any{"items": items, "next": ""})
}

// TestPassed calls what the page needs beside projects: bodies, headers and the
// services that it goes to.
func TestPassed(t *testing.T) {
	t.Parallel()
	g := newFakeGraph(t)
	s := newStack()
	s.start(t, s.options(t, "127.0.0.1:0", g))
	_, created := s.call(t, "POST", "/api/projects", `{"name":"Shop"}`, map[string]string{"Content-Type": "application/json"})
	var project struct{ ID string }
	if err := json.Unmarshal([]byte(created), &project); err != nil {
		t.Fatal(err)
	}
	at := "/api/projects/" + project.ID
	graph := `{"nodes":[{"id":"a","type":"service"}],"edges":[]}`
	steps := []struct {
		name, method, path, body, match string
		status                          int
		header, want                    string
	}{
		{"OKNoGraph", "GET", at + "/graph", "", "", 200, `"0"`, `"nodes":[]`},
		{"OKPut", "PUT", at + "/graph", graph, `"0"`, 200, `"1"`, `"id":"a"`},
		{"ErrPutAgain", "PUT", at + "/graph", graph, `"0"`, 412, "", `by now`},
		{"ErrPutNode", "PUT", at + "/graph", `{"nodes":[{"name":"refused"}]}`, `"1"`, 422, "", `/nodes/0/name`},
		{"ErrPutTooLarge", "PUT", at + "/graph", `{"x":"` + strings.Repeat("x", 384<<10) + `"}`, `"1"`, 413, "", "384 KB"},
		{"OKRevert", "POST", at + "/graph/revert", `{"version":1}`, "", 200, `"2"`, `"id":"a"`},
		{"OKVersions", "GET", at + "/graph/versions", "", "", 200, "", `"version":2`},
		{"OKVersion", "GET", at + "/graph/versions/1", "", "", 200, `"1"`, `"id":"a"`},
		{"OKPatch", "PATCH", at, `{"name":"Bakery"}`, "", 200, "", "Bakery"},
		{"OKHistory", "GET", at + "/events", "", "", 200, "", "PROJECT_CREATED"},
		{"OKCode", "GET", at + "/code", "", "", 200, "", "index.html"},
		{"OKBlueprints", "GET", "/api/blueprints", "", "", 200, "", "static-site"},
		{"OKLogs", "GET", "/api/deployments/d/logs?step=codegen", "", "", 200, "", "12 files"},
		{"ErrCancel", "POST", "/api/deployments/d/cancel", "", "", 409, "", "cannot cancel"},
		{"OKRuntime", "GET", "/api/runtimes/" + project.ID, "", "", 200, "", "RUNNING"},
	}
	for _, step := range steps {
		header := map[string]string{"Content-Type": "application/json"}
		if step.match != "" {
			header["If-Match"] = step.match
		}
		res, body := s.call(t, step.method, step.path, step.body, header)
		if res.StatusCode != step.status || !strings.Contains(body, step.want) {
			t.Errorf("%s: got %d %.300s, want %d with %s", step.name, res.StatusCode, body, step.status, step.want)
		}
		if got := res.Header.Get("ETag"); got != step.header {
			t.Errorf("%s: got ETag %s, want %s", step.name, got, step.header)
		}
		if disposition := res.Header.Get("Content-Disposition"); step.name == "OKCode" && !strings.Contains(disposition, "shop.zip") {
			t.Errorf("%s: got disposition %q, want the archive's name", step.name, disposition)
		}
	}
}
