package docker_test

import (
	"fmt"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"

	"axion/gateway/label"
	"axion/gateway/provider/docker"

	"github.com/moby/moby/api/types/events"
)

// shape is a running container's inspection.
func shape(name, networks, more string) string {
	return fmt.Sprintf(`{"Id": %[1]q, "Name": "/%[1]s", "State": {"Running": true}, "HostConfig": {"NetworkMode": "x"},
		"Config": {"Labels": {"traefik.http.routers.%[1]s.rule": "Path('/')"}, "ExposedPorts": {"80/tcp": {}}},
		"NetworkSettings": {"Networks": %[2]s, "Ports": {%[3]s}}}`, name, networks, more)
}

// at is the containers' own address in one network.
func at(network, ip string) string { return fmt.Sprintf(`{%q: {"IPAddress": %q}}`, network, ip) }

func TestRunWaitsForTheEngine(t *testing.T) {
	t.Parallel()
	path := socket(t)
	f := follow(t, docker.Options{Host: "unix://" + path})
	f.log.until(t, "cannot be reached")
	if !strings.Contains(f.log.String(), "hint=") {
		t.Errorf("got no hint: %s", f.log)
	}
	engine := newFake()
	engine.put("web", shape("web", at("a", "10.0.0.2"), ""))
	stop := engine.serve(t, path)
	if got := f.has(t, "web"); got.Host != "10.0.0.2" || !reflect.DeepEqual(got.Exposed, []int{80}) {
		t.Errorf("got %+v", got)
	}
	f.log.until(t, "the Docker engine is there")

	// What was reported counts until the engine is back, and is not reported again.
	stop()
	f.log.until(t, "EOF")
	engine.put("api", shape("api", at("a", "10.0.0.3"), ""))
	engine.serve(t, path)
	f.has(t, "api")
	if find(f.last, "web") == nil {
		t.Errorf("got %+v, want web too", f.last)
	}
	if n := strings.Count(f.log.String(), "cannot be reached: "); n != 2 {
		t.Errorf("told %d times that the engine is away, want twice\n%s", n, f.log)
	}
}

func TestRunMergesBursts(t *testing.T) {
	t.Parallel()
	path := socket(t)
	engine := newFake()
	engine.serve(t, path)
	f := follow(t, docker.Options{Host: "unix://" + path})
	f.until(t, "nothing", func(list []label.Service) bool { return len(list) == 0 })
	const burst = 500
	for range burst {
		engine.tell(`{"Type": "container", "Action": "start"}`)
	}
	engine.put("web", shape("web", at("a", "10.0.0.2"), ""))
	f.has(t, "web")
	engine.tell(hangUp)
	f.log.until(t, "cannot be reached") // after the last event
	if n := engine.listed(); n > burst/20 {
		t.Errorf("listed %d times for %d events", n, burst)
	}
}

func TestRunWithoutEvents(t *testing.T) {
	t.Parallel()
	path := socket(t)
	engine := newFake()
	engine.deaf = true
	engine.serve(t, path)
	f := follow(t, docker.Options{Host: "unix://" + path})
	f.log.until(t, "not allowed")
}

func TestServices(t *testing.T) {
	t.Parallel()
	two := `{"a": {"IPAddress": "10.0.0.2"}, "shop_b": {"IPAddress": "10.0.1.2"}}`
	bound := `"80/tcp": [{"HostIp": "::", "HostPort": "8081"}, {"HostIp": "0.0.0.0", "HostPort": "8080"}], "53/udp": [{"HostIp": "127.0.0.2", "HostPort": "5353"}], "9/sctp": null, "81/tcp": null`
	labelled := func(s, label, value string) string {
		return strings.Replace(s, `"Labels": {`,
			fmt.Sprintf(`"Labels": {%q: %q, "com.docker.compose.project": "shop", "com.docker.compose.service": "web", `, label, value), 1)
	}
	desktop := `{"OperatingSystem": "Docker Desktop"}`
	state := func(s, state string) string { return strings.Replace(s, `{"Running": true}`, state, 1) }
	for _, test := range []struct {
		name, info, network, inspected string
		want                           *label.Service // of what matters; nil for none
		log                            string
	}{
		{name: "OKFirstNetwork", inspected: shape("web", two, ""), want: &label.Service{Host: "10.0.0.2", Exposed: []int{80}}},
		{name: "OKNetworkOption", network: "shop_b", inspected: shape("web", two, ""),
			want: &label.Service{Host: "10.0.1.2", Exposed: []int{80}}},
		{name: "OKNetworkLabel", network: "a", inspected: labelled(shape("web", two, ""), "Traefik.Docker.Network", "b"),
			want: &label.Service{Host: "10.0.1.2", Exposed: []int{80}, Project: "shop"}},
		{name: "WarnNetwork", network: "c", inspected: shape("web", two, ""), want: &label.Service{Host: "10.0.0.2", Exposed: []int{80}},
			log: `it is not in the network \"c\": it is reached by \"a\"`},
		{name: "OKIPv6", inspected: shape("web", `{"a": {"IPAddress": "", "GlobalIPv6Address": "fd00::2"}}`, ""),
			want: &label.Service{Host: "fd00::2", Exposed: []int{80}}},
		{name: "OKPorts", inspected: shape("web", two, bound), want: &label.Service{Host: "10.0.0.2", Exposed: []int{81},
			Ports: []label.Port{{HostIP: "127.0.0.2", Published: 5353, Target: 53, UDP: true}, {Published: 8080, Target: 80}}}},
		{name: "OKDesktop", info: desktop, inspected: shape("web", two, `"80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8080"}]`),
			want: &label.Service{Ports: []label.Port{{Published: 8080, Target: 80}}}},
		{name: "OKRootless", info: `{"SecurityOptions": ["name=seccomp", "name=rootless"]}`,
			inspected: shape("web", two, `"80/tcp": [{"HostPort": "8080"}]`),
			want:      &label.Service{Ports: []label.Port{{Published: 8080, Target: 80}}}},
		{name: "ErrDesktopUnpublished", info: desktop, inspected: shape("web", two, ""), log: "it publishes no port"},
		{name: "ErrNoNetwork", inspected: shape("web", "{}", ""), log: "it is in no network"},
		{name: "ErrOwnerGone", inspected: strings.Replace(shape("web", "{}", ""), `"NetworkMode": "x"`, `"NetworkMode": "container:gone"`, 1),
			log: "the container whose network it shares is gone"},
		{name: "ErrOwnerItself", inspected: strings.Replace(shape("web", "{}", ""), `"NetworkMode": "x"`, `"NetworkMode": "container:web"`, 1),
			log: "it is in no network"},
		{name: "OKMiddlewaresOnly", inspected: strings.Replace(shape("web", "{}", ""), "routers.web.rule", "middlewares.web.addprefix.prefix", 1),
			want: &label.Service{Exposed: []int{80}}},
		{name: "OKServerElsewhere", inspected: labelled(shape("web", "{}", ""), "traefik.http.services.x.loadbalancer.server.url", "http://y"),
			want: &label.Service{Exposed: []int{80}, Project: "shop"}},
		{name: "OKHealthy", inspected: state(shape("web", two, ""), `{"Running": true, "Health": {"Status": "healthy"}}`),
			want: &label.Service{Host: "10.0.0.2", Exposed: []int{80}}},
		{name: "OKNoHealthcheck", inspected: state(shape("web", two, ""), `{"Running": true, "Health": {"Status": "none"}}`),
			want: &label.Service{Host: "10.0.0.2", Exposed: []int{80}}},
		{name: "ErrStarting", inspected: state(shape("web", two, ""), `{"Running": true, "Health": {"Status": "starting"}}`)},
		{name: "ErrUnhealthy", inspected: state(shape("web", two, ""), `{"Running": true, "Health": {"Status": "unhealthy"}}`)},
		{name: "ErrPaused", inspected: state(shape("web", two, ""), `{"Running": true, "Paused": true}`)},
		{name: "OKStoppedAllowed", inspected: state(labelled(shape("web", "{}", ""), "traefik.docker.allowNonRunning", "true"),
			`{"Running": false}`),
			want: &label.Service{Exposed: []int{80}, Project: "shop", Stopped: true}},
		{name: "OKRunningAllowed", inspected: labelled(shape("web", two, ""), "traefik.docker.allowNonRunning", "true"),
			want: &label.Service{Host: "10.0.0.2", Exposed: []int{80}, Project: "shop"}},
		{name: "ErrUnhealthyAllowed", inspected: state(labelled(shape("web", two, ""), "traefik.docker.allownonrunning", "true"),
			`{"Running": true, "Health": {"Status": "unhealthy"}}`)},
		{name: "ErrStopped", inspected: state(shape("web", two, ""), `{"Running": false}`)},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			path := socket(t)
			engine := newFake()
			if test.info != "" {
				engine.info = test.info
			}
			engine.put("web", test.inspected)
			engine.put("last", shape("last", at("a", "10.0.0.9"), `"80/tcp": [{"HostPort": "1"}]`))
			engine.serve(t, path)
			f := follow(t, docker.Options{Host: "unix://" + path, Network: func() string { return test.network }})
			f.has(t, "last")
			got := find(f.last, "web")
			if (got == nil) != (test.want == nil) {
				t.Fatalf("got %+v, want %+v", got, test.want)
			}
			if got != nil {
				test.want.Name, test.want.File, test.want.Labels = "web", "container web", got.Labels
				if !reflect.DeepEqual(got, test.want) {
					t.Errorf("got %+v, want %+v", got, test.want)
				}
			}
			if said := strings.Contains(f.log.String(), "container=web"); said != (test.log != "") || !strings.Contains(f.log.String(), test.log) {
				t.Errorf("got log %s, want %q", f.log, test.log)
			}
		})
	}
}

// What counts, and by which network, may change while the engine is followed.
func TestRefresh(t *testing.T) {
	t.Parallel()
	path, engine := socket(t), newFake()
	two := `{"a": {"IPAddress": "10.0.0.2"}, "b": {"IPAddress": "10.0.1.2"}}`
	engine.put("sick", strings.Replace(shape("sick", two, ""), `{"Running": true}`, `{"Running": true, "Health": {"Status": "starting"}}`, 1))
	engine.put("web", shape("web", two, ""))
	engine.serve(t, path)
	var empty atomic.Bool
	var network atomic.Value
	network.Store("a")
	f := follow(t, docker.Options{Host: "unix://" + path, AllowEmpty: empty.Load, Network: func() string { return network.Load().(string) }})
	f.until(t, "the healthy one alone", func(list []label.Service) bool { return len(list) == 1 && list[0].Host == "10.0.0.2" })
	empty.Store(true)
	network.Store("b")
	f.Refresh()
	f.until(t, "both, by the other network", func(list []label.Service) bool {
		sick, web := find(list, "sick"), find(list, "web")
		return sick != nil && sick.Stopped && web != nil && !web.Stopped && web.Host == "10.0.1.2"
	})
	empty.Store(false)
	f.Refresh()
	f.hasNot(t, "sick")
}

func TestMatters(t *testing.T) {
	t.Parallel()
	for action, want := range map[events.Action]bool{
		"start": true, "die": true, "health_status: healthy": true, "connect": true, "rename": true,
		"exec_create: /server check": false, "exec_start: /server check": false, "exec_die": false, "create": true, "attach": false,
		"resize": false, "": false,
	} {
		if got := docker.ChangesContainers(events.Message{Action: action}); got != want {
			t.Errorf("%s: got %v, want %v", action, got, want)
		}
	}
}

func TestElsewhere(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"unix:///var/run/docker.sock": "", "tcp://127.0.0.1:2375": "", "tcp://localhost:2375": "", "tcp://[::1]:2375": "",
		"npipe:////./pipe/docker_engine": "", "tcp://10.0.0.1:2375": "10.0.0.1", "tcp://docker.example:2376": "docker.example",
	} {
		if got := docker.RemoteHost(address); got != want {
			t.Errorf("%s: got %q, want %q", address, got, want)
		}
	}
}

func TestNewErrHost(t *testing.T) {
	t.Parallel()
	_, err := docker.New(docker.Options{Host: "nonsense"})
	if m, ok := err.(interface{ Hint() string }); !ok || m.Hint() == "" || !strings.Contains(err.Error(), "nonsense") {
		t.Errorf("got %v, want an error with a hint", err)
	}
}
