package stacktest_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"axion/web/view"
)

// TestFetchedPostgres: a major version that is not on this machine is fetched, into a cache
// that the next stack uses without a network.
func TestFetchedPostgres(t *testing.T) {
	t.Parallel()
	const major = 14
	if _, err := os.Stat(fmt.Sprintf("/usr/lib/postgresql/%d", major)); err == nil {
		t.Skipf("PostgreSQL %d is on this machine", major)
	}
	files := map[string]string{
		"compose.yaml": fmt.Sprintf(`services:
  db:
    image: postgres:%d-alpine
    environment: {POSTGRES_USER: tea, POSTGRES_PASSWORD: leaves, POSTGRES_DB: shop}
    volumes: ["./seed.sql:/docker-entrypoint-initdb.d/seed.sql"]
`, major),
		"seed.sql": "CREATE TABLE teas (name text);\nINSERT INTO teas VALUES ('oolong');\n",
	}
	cache := "XDG_CACHE_HOME=" + t.TempDir()
	for _, env := range [][]string{{cache}, append(offline(t), cache)} {
		c := composeUp(t, env, files)
		s := c.service(t, "db", view.ServiceRunning)
		if len(s.Notes) > 0 {
			t.Errorf("notes: %q", s.Notes)
		}
		connection, err := pgx.Connect(t.Context(), "postgres://tea:leaves@"+s.Ports[0].Address+"/shop")
		if err != nil {
			t.Fatal(err)
		}
		var version, tea string
		if err := connection.QueryRow(t.Context(), "SELECT current_setting('server_version'), name FROM teas").Scan(&version, &tea); err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(version, fmt.Sprint(major, ".")) || tea != "oolong" {
			t.Errorf("PostgreSQL %s has %q", version, tea)
		}
		if err := connection.Close(t.Context()); err != nil {
			t.Error(err)
		}
		c.Stop(t)
	}
}

// TestNoRedis: without a server on this machine one in the stack takes its place, with the
// password of the file, and it is said that it keeps nothing.
func TestNoRedis(t *testing.T) {
	t.Parallel()
	c := composeUp(t, []string{"PATH=" + t.TempDir()}, map[string]string{"compose.yaml": `services:
  cache:
    image: eqalpha/keydb:latest
    command: keydb-server --port 6379 --requirepass steep --appendonly yes
`})
	s := c.service(t, "cache", view.ServiceRunning)
	if said := strings.Join(s.Notes, "\n"); !strings.Contains(said, "keeps nothing") {
		t.Errorf("notes: %q", said)
	}
	connection, err := net.Dial("tcp", s.Ports[0].Address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = connection.Close() }()
	answers := bufio.NewReader(connection)
	for _, step := range []struct{ send, want string }{
		{"INCR tea", "-NOAUTH"}, {"AUTH steep", "+OK"}, {"INCR tea", ":1"}, {"INCR tea", ":2"},
	} {
		words := strings.Fields(step.send)
		request := fmt.Sprintf("*%d\r\n", len(words))
		for _, word := range words {
			request += fmt.Sprintf("$%d\r\n%s\r\n", len(word), word)
		}
		if _, err := io.WriteString(connection, request); err != nil {
			t.Fatal(err)
		}
		if answer, err := answers.ReadString('\n'); err != nil || !strings.HasPrefix(answer, step.want) {
			t.Errorf("%s: got %q (%v), want %s", step.send, answer, err, step.want)
		}
	}
}
