package stacktest_test

import (
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"axion/web/stacktest"
	"axion/web/view"
)

// TestModel brings up the file of a whole system: five databases, a cache, Kafka with two
// listeners, its console, and Traefik with a static file and a folder of dynamic ones.
func TestModel(t *testing.T) {
	t.Parallel()
	c := &composed{dir: t.TempDir()}
	if err := os.CopyFS(c.dir, os.DirFS("testdata/model")); err != nil {
		t.Fatal(err)
	}
	c.Process = stacktest.LaunchIn(t, c.dir, nil, binary, "--data", filepath.Join(c.dir, ".axion"))
	var databases []string
	for _, name := range []string{"graph", "codegen", "deployment", "infrastructure", "auth"} {
		s := c.service(t, name+"-postgres", view.ServiceRunning)
		databases = append(databases, s.Ports[0].Address)
		connection, err := pgx.Connect(t.Context(), "postgres://postgres:postgres@"+s.Ports[0].Address+"/"+name+"_service")
		if err != nil {
			t.Fatal(err)
		}
		var limit string
		err = connection.QueryRow(t.Context(), "SHOW max_connections").Scan(&limit)
		if err != nil || (limit == "200") != (name == "infrastructure") {
			t.Errorf("%s takes %s connections (%v)", name, limit, err)
		}
		if err := connection.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
	for _, name := range []string{"traefik", "kafka", "kafka-console", "keydb", "status"} {
		c.service(t, name, view.ServiceRunning)
	}
	u, err := url.Parse(c.URL("status.localhost", "/"))
	if err != nil {
		t.Fatal(err)
	}
	var status map[string]string
	answer := c.Get(t, u.String())
	answer.Decode(t, http.StatusOK, &status)
	want := map[string]string{
		"database": "postgresql://postgres:postgres@" + databases[0] + "/graph_service?schema=public",
		"kafka":    c.Summary.Kafka, "redis": status["redis"],
	}
	if !maps.Equal(status, want) {
		t.Errorf("the service's addresses are %v, want %v", status, want)
	}
	if cache, err := url.Parse(status["redis"]); err != nil || net.ParseIP(cache.Hostname()) == nil {
		t.Errorf("the cache's address is %s", status["redis"])
	}
	if answer.Header.Get("X-Served-By") != "model" {
		t.Errorf("the middleware of the dynamic file is not in %v", answer.Header)
	}
	plain := c.Get(t, strings.Replace(c.HTTP, "localhost", "status.localhost", 1)+"/")
	if to := plain.Header.Get("Location"); plain.Status/100 != 3 || to != u.String() {
		t.Errorf("HTTP: %d to %s, want the static file's redirection to %s", plain.Status, to, u)
	}
}
