package web

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"axion/web/projectevents"
	"axion/web/view"

	"github.com/gorilla/websocket"
)

// goodToken is what the fake graph service accepts.
const goodToken = "a-good-token"

// fakeGraph is a gateway with the graph service behind it, and a little of its
// neighbours: TLS for their hosts only, a bearer token, projects, and a WebSocket
// that replays.
type fakeGraph struct {
	*httptest.Server
	roots *x509.CertPool
	dials chan string // the after= of each WebSocket

	mu       sync.Mutex
	projects []map[string]any
	deploys  map[string][]map[string]any
	graphs   map[string][]fakeVersion
	feed     []projectevents.Event
	conns    map[*websocket.Conn]struct{}
	clock    time.Time
	broken   string // answered to every call, as text, where it is set
}

func newFakeGraph(t *testing.T) *fakeGraph {
	t.Helper()
	g := &fakeGraph{
		dials:   make(chan string, 64),
		deploys: map[string][]map[string]any{},
		graphs:  map[string][]fakeVersion{},
		conns:   map[*websocket.Conn]struct{}{},
		clock:   time.Now().UTC(),
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/projects", g.create)
	mux.HandleFunc("GET /api/projects", g.list)
	mux.HandleFunc("GET /api/projects/{id}", g.get)
	mux.HandleFunc("DELETE /api/projects/{id}", g.delete)
	mux.HandleFunc("GET /api/projects/{id}/deployments", g.deployments)
	mux.HandleFunc("POST /api/projects/{id}/deployments", g.deploy)
	mux.HandleFunc("GET /ws", g.socket)
	g.more(mux)
	g.Server = httptest.NewUnstartedServer(g.secured(mux))
	certificate, roots := selfSigned(t, "graph.localhost", "codegen.localhost", "deployment.localhost", "infrastructure.localhost")
	g.roots = roots
	g.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
	g.Config.ErrorLog = log.New(io.Discard, "", 0) // clients refuse it on purpose
	g.StartTLS()
	t.Cleanup(func() {
		g.drop()
		g.Close()
	})
	return g
}

func (g *fakeGraph) secured(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g.mu.Lock()
		broken := g.broken
		g.mu.Unlock()
		switch {
		case broken != "":
			http.Error(w, broken, http.StatusBadGateway)
		case !strings.HasPrefix(r.Host, g.hostOf(r)+":"):
			http.NotFound(w, r)
		case r.Header.Get("Authorization") != "Bearer "+goodToken:
			problem(w, http.StatusUnauthorized, "the token is not valid")
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// hostOf is the host of the service that a request belongs to.
func (g *fakeGraph) hostOf(r *http.Request) string {
	for prefix, host := range map[string]string{
		"/api/blueprints": "codegen.localhost", "/api/deployments": "deployment.localhost", "/api/runtimes": "infrastructure.localhost",
	} {
		if strings.HasPrefix(r.URL.Path, prefix) {
			return host
		}
	}
	return "graph.localhost"
}

func problem(w http.ResponseWriter, status int, detail string, errors ...map[string]string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{
		"title": http.StatusText(status), "status": status, "detail": detail, "errors": errors,
	})
}

func answerJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

// now moves on with each call, so that no two times are the same.
func (g *fakeGraph) now() string {
	g.clock = g.clock.Add(7 * time.Millisecond)
	return g.clock.Format(time.RFC3339Nano)
}

func (g *fakeGraph) create(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Name, Template string
		Config         map[string]any
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		problem(w, http.StatusBadRequest, "the body is not JSON")
		return
	}
	if strings.Contains(in.Name, "!") {
		problem(w, http.StatusUnprocessableEntity, "validation failed",
			map[string]string{"detail": "must not shout", "pointer": "/name"})
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	answerJSON(w, http.StatusCreated, g.addProject(in.Name, in.Template, in.Config))
}

// addProject expects the lock to be held.
func (g *fakeGraph) addProject(name, template string, config map[string]any) map[string]any {
	n := len(g.projects) + 1
	id := fmt.Sprintf("0199f2c4-7b1a-7c3e-9f00-%012d", n)
	at := g.now()
	p := map[string]any{
		"id": id, "userId": "dev", "name": name, "slug": strings.ToLower(strings.ReplaceAll(name, " ", "-")),
		"template": template, "config": config, "createdAt": at, "updatedAt": at,
	}
	g.projects = append([]map[string]any{p}, g.projects...)
	g.deploys[id] = []map[string]any{{
		"id": deploymentOf(id), "projectId": id, "status": "PENDING", "url": "", "error": "", "createdAt": at, "updatedAt": at,
	}}
	return p
}

func deploymentOf(project string) string { return "d" + project[1:] }

func (g *fakeGraph) list(w http.ResponseWriter, _ *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	answerJSON(w, http.StatusOK, map[string]any{"items": view.NonNil(g.projects), "next": ""})
}

func (g *fakeGraph) get(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, p := range g.projects {
		if p["id"] == r.PathValue("id") {
			answerJSON(w, http.StatusOK, p)
			return
		}
	}
	problem(w, http.StatusNotFound, "there is no such project of yours")
}

func (g *fakeGraph) delete(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for i, p := range g.projects {
		if p["id"] == r.PathValue("id") {
			g.projects = append(g.projects[:i:i], g.projects[i+1:]...)
			w.WriteHeader(http.StatusNoContent)
			return
		}
	}
	problem(w, http.StatusNotFound, "there is no such project of yours")
}

func (g *fakeGraph) deployments(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	answerJSON(w, http.StatusOK, map[string]any{"items": view.NonNil(g.deploys[r.PathValue("id")]), "next": ""})
}

func (g *fakeGraph) deploy(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	at, id := g.now(), r.PathValue("id")
	d := map[string]any{
		"id": deploymentOf(id) + "-2", "projectId": id, "status": "PENDING", "url": "", "error": "", "createdAt": at, "updatedAt": at,
	}
	g.deploys[id] = append([]map[string]any{d}, g.deploys[id]...)
	answerJSON(w, http.StatusAccepted, d)
}

func (g *fakeGraph) socket(w http.ResponseWriter, r *http.Request) {
	conn, err := (&websocket.Upgrader{}).Upgrade(w, r, nil)
	if err != nil {
		return
	}
	after := r.URL.Query().Get("after")
	g.mu.Lock()
	for _, e := range g.feed {
		if e.At > after {
			_ = conn.WriteJSON(e)
		}
	}
	g.conns[conn] = struct{}{}
	g.mu.Unlock()
	g.dials <- after
	for {
		if _, _, err := conn.ReadMessage(); err != nil {
			return
		}
	}
}

// tell records an event about a project's first deployment and pushes it.
func (g *fakeGraph) tell(project, kind, data string) projectevents.Event {
	g.mu.Lock()
	defer g.mu.Unlock()
	e := projectevents.Event{Type: kind, ProjectID: project, DeploymentID: deploymentOf(project), At: g.now(), Data: json.RawMessage(data)}
	g.feed = append(g.feed, e)
	for conn := range g.conns {
		_ = conn.WriteJSON(e)
	}
	return e
}

// drop closes every WebSocket.
func (g *fakeGraph) drop() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for conn := range g.conns {
		_ = conn.Close()
	}
	clear(g.conns)
}

// breakDown has every call answered with text, as a gateway does; "" fixes it.
func (g *fakeGraph) breakDown(text string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.broken = text
}

func selfSigned(t *testing.T, hosts ...string) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: hosts,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(parsed)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, roots
}
