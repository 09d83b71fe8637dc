//go:build unix

package health

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"axion/services/compose"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// speaker answers each connection's first line with a text.
func speaker(t *testing.T, answer string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = c.Read(make([]byte, 1000))
			_, _ = fmt.Fprint(c, answer)
			_ = c.Close()
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-done })
	return l.Addr().String()
}

func refused(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

func TestCheck(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/health" {
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	t.Cleanup(server.Close)
	at := server.Listener.Addr().String()
	// A refusal, as PostgreSQL sends it: E, its length, severity, code and message.
	const fields = "SFATAL\x00C28P01\x00Mno\x00\x00"
	no := "E\x00\x00\x00" + string(rune(4+len(fields))) + fields
	starting := strings.Replace(no, "28P01", "57P03", 1)
	for name, c := range map[string]struct {
		test []string
		own  string
		want string // a part of the error; "" for none
	}{
		"Passes":       {[]string{"CMD", "true"}, "", ""},
		"Fails":        {[]string{"CMD", "sh", "-c", "echo first; echo why >&2; exit 3"}, "", "exit status 3: why"},
		"Shell":        {[]string{"CMD-SHELL", `test "$COLOUR" = green && test -d .`}, "", ""},
		"ShellFails":   {[]string{"CMD-SHELL", `test "$COLOUR" = red || exit 1`}, "", "exit status 1"},
		"NoTool":       {[]string{"CMD", "no-such-tool"}, "", "no-such-tool"},
		"Curl":         {[]string{"CMD", "curl-none/curl", "-f", "http://localhost:3000/health"}, at, ""},
		"CurlNotFound": {[]string{"CMD-SHELL", "none/curl -fsS http://localhost:3000/x || exit 1"}, at, "404"},
		"Wget": {[]string{"CMD-SHELL", "none/wget --no-verbose --tries=1 --spider localhost:3000/health > /dev/null 2>&1 || exit 1"},
			at, ""},
		"Nc":            {[]string{"CMD", "none/nc", "-z", "localhost", "3000"}, at, ""},
		"NcRefused":     {[]string{"CMD", "none/nc", "-z", "localhost", "3000"}, refused(t), "refused"},
		"PgIsReady":     {[]string{"CMD-SHELL", "none/pg_isready -U tea -d x"}, speaker(t, no), ""},
		"PgIsStarting":  {[]string{"CMD-SHELL", "none/pg_isready -h localhost -p 5432"}, speaker(t, starting), "57P03"},
		"PgIsRefused":   {[]string{"CMD-SHELL", "none/pg_isready"}, refused(t), "refused"},
		"Redis":         {[]string{"CMD", "none/redis-cli", "--raw", "incr", "ping"}, speaker(t, "+PONG\r\n"), ""},
		"RedisPassword": {[]string{"CMD", "none/keydb-cli", "-a", "x", "ping"}, speaker(t, "-NOAUTH needed\r\n"), ""},
		"RedisLoading":  {[]string{"CMD", "none/redis-cli", "ping"}, speaker(t, "-LOADING\r\n"), "LOADING"},
		"Kafka":         {[]string{"CMD-SHELL", "none/kafka-broker-api-versions --bootstrap-server localhost:9092"}, speaker(t, ""), ""},
		"KafkaScript":   {[]string{"CMD", "none/kafka-topics.sh", "--list"}, refused(t), "refused"},
		"WhereIsIt":     {[]string{"CMD", "none/pg_isready"}, "", "not known where"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			addresses := &compose.Addresses{}
			addresses.Add("localhost", nil, 3000, c.own)
			check, err := New(c.test, Target{
				Dir: t.TempDir(), Env: []string{"COLOUR=green", "PATH=/usr/bin:/bin"}, Rewrite: addresses.Rewrite, Own: c.own,
			})
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			err = check(ctx)
			if (err != nil) != (c.want != "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

// TestProvided: a check of a server that is provided is not done by a tool that would look
// elsewhere.
func TestProvided(t *testing.T) {
	t.Parallel()
	check, err := New([]string{"CMD-SHELL", "nc -z localhost 1"}, Target{
		Rewrite: (&compose.Addresses{}).Rewrite, Own: speaker(t, ""), Provided: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := check(t.Context()); err == nil {
		t.Error("nothing listens on port 1")
	}
}

func TestTimeout(t *testing.T) {
	t.Parallel()
	check, err := New([]string{"CMD", "sleep", "1000"}, Target{Rewrite: (&compose.Addresses{}).Rewrite})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := check(ctx); err == nil || !strings.Contains(err.Error(), "not done in time") {
		t.Errorf("got %v", err)
	}
}

func TestTest(t *testing.T) {
	t.Parallel()
	if check, err := New([]string{"NONE"}, Target{}); check != nil || err != nil {
		t.Errorf("NONE: %v", err)
	}
	for _, test := range [][]string{nil, {"CMD"}, {"EXEC", "x"}} {
		if _, err := New(test, Target{}); err == nil {
			t.Errorf("%q is accepted", test)
		}
	}
}
