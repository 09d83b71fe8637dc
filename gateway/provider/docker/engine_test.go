//go:build linux

package docker_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"axion/gateway/label"
	"axion/gateway/provider/docker"
	"axion/gateway/provider/docker/dockertest"
)

func init() { isolate = dockertest.Isolate }

// TestEngine follows a real engine through all that happens to its containers.
func TestEngine(t *testing.T) {
	t.Parallel()
	e := dockertest.Start(t)
	e.Import(t)
	e.Network(t, "front")
	e.Network(t, "shop_back")
	f := follow(t, docker.Options{Host: e.Host})
	f.until(t, "nothing", func(list []label.Service) bool { return len(list) == 0 })

	e.Run(t, dockertest.Container{Name: "quiet", Network: "front"}) // has no labels
	e.Run(t, dockertest.Container{Name: "web", Network: "front", Labels: routed("web"), Exposed: []string{"9090/tcp", "9091/udp"}})
	web := f.has(t, "web")
	if web.File != "container web" || web.Project != "" || len(web.Exposed) != 2 || web.Exposed[0] != 8080 || len(web.ExposedUDP) != 1 {
		t.Errorf("got %+v", web)
	}
	answers(t, web, "web")
	if find(f.last, "quiet") != nil {
		t.Error("a container without labels was told")
	}

	labels := routed("api")
	labels["com.docker.compose.project"], labels["com.docker.compose.service"], labels["traefik.docker.network"] = "shop", "api", "back"
	e.Run(t, dockertest.Container{Name: "shop-api-1", Network: "shop_back", Labels: labels})
	api := f.has(t, "api")
	if api.Project != "shop" || api.File != "container shop-api-1" {
		t.Errorf("got %+v", api)
	}
	answers(t, api, "shop-api-1")

	e.Run(t, dockertest.Container{Name: "open", Network: "front", Published: true, Labels: routed("open")})
	open := f.has(t, "open")
	if len(open.Ports) != 1 || open.Ports[0].HostIP != "127.0.0.1" || open.Ports[0].Target != 8080 {
		t.Fatalf("got ports %+v", open.Ports)
	}
	answers(t, open, "open")
	open.Host = "" // as for an engine whose containers are out of reach
	answers(t, open, "open")

	e.Run(t, dockertest.Container{Name: "own", Network: "host", Labels: routed("own")})
	if got := f.has(t, "own").Host; got != "127.0.0.1" {
		t.Errorf("in the host's network: got %q", got)
	}
	e.Run(t, dockertest.Container{Name: "side", Network: "container:web", Labels: routed("side")})
	if got := f.has(t, "side").Host; got != web.Host {
		t.Errorf("in another's network: got %q, want %q", got, web.Host)
	}
	e.Run(t, dockertest.Container{Name: "lost", Network: "none", Labels: routed("lost")})
	f.log.until(t, `container=lost reason="it has no address: it is in no network"`)

	testHealth(t, e, f)
	testStop(t, e, f)
}

// testHealth shows that a container serves while it is healthy.
func testHealth(t *testing.T, e *dockertest.Engine, f *follower) {
	e.Run(t, dockertest.Container{Name: "sick", Network: "front", Labels: routed("sick"), Checked: true})
	e.Run(t, dockertest.Container{Name: "after", Network: "front", Labels: routed("after")})
	f.has(t, "after")
	if find(f.last, "sick") != nil {
		t.Error("told before it was healthy")
	}
	at := "http://" + e.Address(t, "sick", "front") + ":8080/healthy"
	send(t, http.MethodPut, at)
	answers(t, f.has(t, "sick"), "sick")
	send(t, http.MethodDelete, at)
	f.hasNot(t, "sick")
}

// testStop shows that containers come and go, and so does the engine.
func testStop(t *testing.T, e *dockertest.Engine, f *follower) {
	e.Stop(t, "open")
	f.hasNot(t, "open")
	e.Again(t, "open")
	answers(t, f.has(t, "open"), "open")

	labels := routed("lazy")
	labels["traefik.docker.allownonrunning"] = "true"
	e.Run(t, dockertest.Container{Name: "lazy", Network: "front", Labels: labels})
	f.until(t, "lazy to run", func(list []label.Service) bool { s := find(list, "lazy"); return s != nil && !s.Stopped })
	e.Stop(t, "lazy")
	f.until(t, "lazy to stop", func(list []label.Service) bool { s := find(list, "lazy"); return s != nil && s.Stopped })

	e.Pause(t)
	f.log.until(t, "the Docker engine cannot be reached")
	e.Resume(t)
	f.log.until(t, "the Docker engine is there")
	e.Again(t, "web")
	answers(t, f.has(t, "web"), "web")
	if n := strings.Count(f.log.String(), "cannot be reached: "); n != 1 {
		t.Errorf("told %d times that the engine is away, want once\n%s", n, f.log)
	}
}

func routed(name string) map[string]string {
	return map[string]string{"traefik.enable": "true", "traefik.http.routers." + name + ".rule": "Host(`" + name + ".localhost`)"}
}

// answers shows that the address that labels amount to is the container's.
func answers(t *testing.T, s label.Service, want string) {
	t.Helper()
	set := label.Decode(s)
	if len(set.Problems) > 0 {
		t.Fatal(set.Problems)
	}
	for _, service := range set.Services {
		if got := send(t, http.MethodGet, service.LoadBalancer.Servers[0].URL); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		return
	}
	t.Fatalf("no service in %+v", set)
}

// send asks without keeping the connection.
func send(t *testing.T, method, url string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Close = true
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%s %s: %s %s %v", method, url, answer.Status, body, err)
	}
	return string(body)
}
