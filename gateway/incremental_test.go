package gateway_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"axion/gateway"
	"axion/gateway/explain"
)

// TestIncremental changes files at random, and compares the gateway that followed each
// change with one that begins with the files as they are.
func TestIncremental(t *testing.T) {
	t.Parallel()
	for seed := range uint64(4) {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			t.Parallel()
			newChanges(t, seed).run(t, 25)
		})
	}
}

// changes are files that change, and the gateway that follows them.
type changes struct {
	dir     string
	random  *rand.Rand
	servers []string
	stack   *stack
	faulty  map[int]bool // fragments that may be in another's way, or lack what they name
}

const changedNames = 8 // of fragments, and of the hosts that they share

func newChanges(t *testing.T, seed uint64) *changes {
	c := &changes{dir: t.TempDir(), random: rand.New(rand.NewPCG(seed, 1)), faulty: map[int]bool{}}
	for _, name := range []string{"first", "second", "third"} {
		c.servers = append(c.servers, serve(t, func(w http.ResponseWriter, r *http.Request) {
			_, _ = fmt.Fprintln(w, name, r.URL.Path)
		}))
	}
	c.changeFile(t)
	c.changeDynamic(t)
	for i := range changedNames / 2 {
		c.changeFragment(t, i)
	}
	c.stack = c.start(t)
	return c
}

func (c *changes) fragments() string { return filepath.Join(c.dir, "fragments") }

// start runs a gateway over the files as they are.
func (c *changes) start(t *testing.T) *stack {
	t.Helper()
	plain, secure := port0(t), port0(t)
	g, err := gateway.New(gateway.Options{Web: plain, WebSecure: secure, Files: []string{filepath.Join(c.dir, "compose.yaml"),
		filepath.Join(c.dir, "dynamic.yaml")}, FragmentDir: c.fragments(), CADir: filepath.Join(c.dir, "ca"), FreePorts: true})
	if err != nil {
		t.Fatal(err)
	}
	g.Start()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		_ = g.Close(ctx)
	})
	return &stack{Gateway: g, API: g.API(), t: t, http: plain.Addr().String(), secure: secure.Addr().String()}
}

// run makes changes one after the other, some of them several at once.
func (c *changes) run(t *testing.T, steps int) {
	for step := 0; step < steps && !t.Failed(); step++ {
		for range 1 + c.random.IntN(3) {
			switch c.random.IntN(12) {
			case 0, 1, 2:
				c.changeFile(t)
			case 3:
				c.changeDynamic(t)
			case 4, 5:
				i := c.random.IntN(changedNames)
				delete(c.faulty, i)
				_ = os.Remove(c.fragment(i))
			default:
				c.changeFragment(t, c.random.IntN(changedNames))
			}
		}
		if len(c.faulty) > 0 { // the last good configuration stays, which a new gateway has none of
			c.follow(t, step)
			continue
		}
		fresh := c.start(t)
		want := c.state(t, fresh)
		got := ""
		for end := time.Now().Add(patience); got != want && time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
			got = c.state(t, c.stack)
		}
		if got != want {
			t.Fatalf("step %d: got\n%s\nwant\n%s", step, got, want)
		}
		if got, want := c.answers(t, c.stack), c.answers(t, fresh); got != want {
			t.Errorf("step %d: got answers\n%s\nwant\n%s", step, got, want)
		}
	}
}

// follow waits until the gateway has taken in what was changed up to now.
func (c *changes) follow(t *testing.T, step int) {
	name := "step" + strconv.Itoa(step)
	writeProject(t, c.fragments(), "step", name)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := c.stack.WaitHost(ctx, name+".apps.localhost"); err != nil {
		t.Fatalf("step %d: %v\n%v", step, err, c.stack.Problems())
	}
}

func (c *changes) fragment(i int) string {
	return filepath.Join(c.fragments(), "app-"+strconv.Itoa(i)+".yaml")
}

// changeFile writes the compose file: a middleware that others name, and what Traefik
// itself is reported.
func (c *changes) changeFile(t *testing.T) {
	text := document("base", append(route("base", "Host(`s0.localhost`) && PathPrefix(`/base`)", c.server()),
		"http.middlewares.shared.addprefix.prefix=/"+strconv.Itoa(c.random.IntN(3)))...)
	if c.random.IntN(4) == 0 {
		text += "  traefik:\n    image: traefik\n    command:\n      - --providers.docker\n      - --entrypoints.web.address=:80\n" +
			"      - --entrypoints.websecure.address=:443\n"
		if c.random.IntN(2) == 0 {
			text += "      - --entrypoints.web.http.middlewares=shared@docker\n"
		}
	}
	write(t, filepath.Join(c.dir, "compose.yaml"), text)
}

// changeDynamic writes the file of TLS options.
func (c *changes) changeDynamic(t *testing.T) {
	text := "tls:\n  options:\n    strict:\n      minVersion: VersionTLS1" + strconv.Itoa(2+c.random.IntN(2)) + "\n"
	write(t, filepath.Join(c.dir, "dynamic.yaml"), text)
}

func (c *changes) server() string { return c.servers[c.random.IntN(len(c.servers))] }

// changeFragment writes one of the fragments anew: something of its own, and mostly in
// the way of another.
func (c *changes) changeFragment(t *testing.T, i int) {
	name := "r" + strconv.Itoa(i)
	host := fmt.Sprintf("s%d.localhost", c.random.IntN(changedNames))
	labels := route(name, "Host(`"+host+"`)", c.server())
	kind := c.random.IntN(11)
	if delete(c.faulty, i); kind >= 8 && kind < 10 {
		c.faulty[i] = true
	}
	switch kind {
	case 0:
		writeProject(t, c.fragments(), strconv.Itoa(i), name)
		return
	case 1: // takes all of a host
		labels = append(labels, "http.routers."+name+".priority=1000")
	case 2: // any host
		labels = route(name, fmt.Sprintf("PathPrefix(`/p%d`)", c.random.IntN(2)), c.server(), "priority=5")
	case 3:
		labels = append(labels, "http.routers."+name+".middlewares=shared@docker")
	case 4:
		labels = append(labels, "http.routers."+name+".middlewares="+name+"-chain", "http.middlewares."+name+"-chain.chain.middlewares="+
			name+"-add,shared", "http.middlewares."+name+"-add.addprefix.prefix=/of-"+name)
	case 5: // a service of services
		labels = append(labels, "http.routers."+name+".service="+name+"-both", "http.services."+name+"-both.weighted.services[0].name="+name)
	case 6:
		labels = append(labels, "http.routers."+name+".tls=true", "http.routers."+name+".tls.options=strict@file")
	case 7: // nobody uses it
		labels = append(labels, "http.middlewares."+name+"-unused.addprefix.prefix=/x")
	case 8: // another fragment's router
		labels = route("r"+strconv.Itoa((i+1)%changedNames), "Host(`"+host+"`)", c.server())
	case 9: // another fragment's middleware, which may come and go
		labels = append(labels, "http.routers."+name+".middlewares=r"+strconv.Itoa((i+1)%changedNames)+"-add@docker")
	}
	write(t, c.fragment(i), document("app-"+strconv.Itoa(i), labels...))
}

// state is what a gateway reports of its routes, in words that do not depend on its ports.
func (c *changes) state(t *testing.T, s *stack) string {
	var b strings.Builder
	for _, r := range s.Routes() {
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "%s\n", text)
	}
	var problems []string
	for _, p := range s.Problems() {
		problems = append(problems, fmt.Sprintf("%s:%d: %s\n", p.File, p.Line, p.Error()))
	}
	slices.Sort(problems)
	b.WriteString(strings.Join(problems, ""))
	for i := range changedNames {
		for _, url := range []string{"http://s%d.localhost/", "https://s%d.localhost/", "http://s%d.localhost/p1/x",
			"http://r%d.apps.localhost/"} {
			a, err := s.Explainer.Explain(explain.Request{URL: fmt.Sprintf(url, i)})
			if err != nil {
				t.Fatal(err)
			}
			a.TLS = nil // shows the certificate, which is issued when it is asked for
			text, err := json.Marshal(a)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&b, "%s\n", text)
		}
	}
	return s.portless(b.String())
}

// portless leaves out the ports that one gateway has and another has not.
func (s *stack) portless(text string) string {
	for _, address := range []string{s.http, s.secure} {
		_, port, _ := net.SplitHostPort(address)
		text = strings.ReplaceAll(text, port, "PORT")
	}
	return text
}

// answers are those of a gateway to real requests.
func (c *changes) answers(t *testing.T, s *stack) string {
	var b strings.Builder
	client := s.client()
	defer client.CloseIdleConnections()
	for i := range changedNames {
		for _, url := range []string{"http://s%d.localhost/", "http://s%d.localhost/p0/x", "http://r%d.apps.localhost/"} {
			resp, err := client.Get(fmt.Sprintf(url, i))
			if err != nil {
				t.Errorf("%s %d on %s %s: %v", url, i, s.http, s.secure, err)
				return ""
			}
			_, body, _ := read(resp)
			fmt.Fprintf(&b, "%s %d: %d %s %s", url, i, resp.StatusCode, resp.Header.Get("Location"), body)
		}
	}
	return s.portless(b.String())
}

// writeProject writes a fragment such as infrastructure-service's.
func writeProject(tb testing.TB, dir, name, host string) {
	tb.Helper()
	app := "app-" + name
	write(tb, filepath.Join(dir, app+".yaml"), fmt.Sprintf(`services:
  %[1]s:
    labels:
      traefik.enable: "true"
      traefik.http.routers.%[1]s.rule: Host(`+"`%[2]s.apps.localhost`"+`)
      traefik.http.routers.%[1]s.entrypoints: websecure
      traefik.http.routers.%[1]s.tls: "true"
      traefik.http.routers.%[1]s_web.rule: Host(`+"`%[2]s.apps.localhost`"+`)
      traefik.http.routers.%[1]s_web.entrypoints: web
      traefik.http.routers.%[1]s_web.middlewares: %[1]s_https
      traefik.http.middlewares.%[1]s_https.redirectscheme.scheme: https
      traefik.http.services.%[1]s.loadbalancer.server.port: "31000"
`, app, host))
}
