//go:build linux

package dockertest

import (
	"archive/tar"
	"bytes"
	"io"
	"maps"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"
)

// image is what [Engine.Import] makes.
const image = "server:test"

// Container is one to run. It serves HTTP on port 8080 and answers with its name,
// but where it shares a network with others.
type Container struct {
	Name    string
	Labels  map[string]string
	Network string // a network's name, or "host", "none", "container:name"
	// Published publishes the port at a free port of 127.0.0.1.
	Published bool
	// Exposed are ports besides 8080, such as "9090/tcp".
	Exposed []string
	// Checked makes it healthy only after PUT /healthy, until DELETE /healthy.
	Checked bool
}

// Import builds the server that containers run, and makes an image of it.
func (e *Engine) Import(t testing.TB) {
	t.Helper()
	e.Build(t, "axion/gateway/provider/docker/dockertest/server", image, "EXPOSE 8080")
}

// Build builds a command of this module, and makes an image of it alone by that
// name. changes are further instructions of a Dockerfile.
func (e *Engine) Build(t testing.TB, pkg, name string, changes ...string) {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "server")
	build := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", binary, pkg)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", pkg, err, out)
	}
	data, err := os.ReadFile(binary)
	if err != nil {
		t.Fatal(err)
	}
	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	if err := w.WriteHeader(&tar.Header{Name: "server", Mode: 0o755, Size: int64(len(data))}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	out, err := e.Client.ImageImport(t.Context(), client.ImageImportSource{Source: &archive, SourceName: "-"}, name,
		client.ImageImportOptions{Changes: append([]string{`ENTRYPOINT ["/server"]`}, changes...)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = out.Close() }()
	if said, err := io.ReadAll(out); err != nil || strings.Contains(string(said), "errorDetail") {
		t.Fatalf("import the image: %v %s", err, said)
	}
}

// Execute runs an image's command to its end, and returns what it wrote and its exit
// code.
func (e *Engine) Execute(t testing.TB, name, network string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	made, err := e.Client.ContainerCreate(t.Context(), client.ContainerCreateOptions{
		Config: &container.Config{Image: name, Cmd: args}, HostConfig: &container.HostConfig{NetworkMode: container.NetworkMode(network)},
	})
	if err != nil {
		t.Fatal(err)
	}
	wait := e.Client.ContainerWait(t.Context(), made.ID, client.ContainerWaitOptions{Condition: container.WaitConditionNextExit})
	if _, err := e.Client.ContainerStart(t.Context(), made.ID, client.ContainerStartOptions{}); err != nil {
		missing(t, "this machine starts no containers: "+err.Error())
	}
	select {
	case err := <-wait.Error:
		t.Fatal(err)
	case end := <-wait.Result:
		code = int(end.StatusCode)
	}
	logs, err := e.Client.ContainerLogs(t.Context(), made.ID, client.ContainerLogsOptions{ShowStdout: true, ShowStderr: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = logs.Close() }()
	var out, errs bytes.Buffer
	if _, err := stdcopy.StdCopy(&out, &errs, logs); err != nil {
		t.Fatal(err)
	}
	return out.String(), errs.String(), code
}

// Gateway is the address of this machine in a network.
func (e *Engine) Gateway(t testing.TB, name string) string {
	t.Helper()
	answer, err := e.Client.NetworkInspect(t.Context(), name, client.NetworkInspectOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range answer.Network.IPAM.Config {
		if c.Gateway.Is4() {
			return c.Gateway.String()
		}
	}
	t.Fatalf("the network %s has no gateway: %+v", name, answer.Network.IPAM)
	return ""
}

// Network makes a bridge of that name.
func (e *Engine) Network(t testing.TB, name string) {
	t.Helper()
	if _, err := e.Client.NetworkCreate(t.Context(), name, client.NetworkCreateOptions{Driver: "bridge"}); err != nil {
		missing(t, "this machine makes no network bridges: "+err.Error())
	}
}

// Run starts a container.
func (e *Engine) Run(t testing.TB, c Container) {
	t.Helper()
	port := network.MustParsePort("8080/tcp")
	listen := ":8080"
	if c.Network == "host" || strings.HasPrefix(c.Network, "container:") {
		listen = "127.0.0.1:0" // others may have that port
	}
	settings := &container.Config{Image: image, Labels: maps.Clone(c.Labels), Env: []string{"NAME=" + c.Name, "LISTEN=" + listen},
		ExposedPorts: network.PortSet{}}
	for _, p := range c.Exposed {
		settings.ExposedPorts[network.MustParsePort(p)] = struct{}{}
	}
	if c.Checked {
		settings.Healthcheck = &container.HealthConfig{Test: []string{"CMD", "/server", "check"}, Interval: 100 * time.Millisecond,
			Timeout: 5 * time.Second, Retries: 1}
	}
	host := &container.HostConfig{NetworkMode: container.NetworkMode(c.Network)}
	if c.Published {
		host.PortBindings = network.PortMap{port: {{HostIP: netip.AddrFrom4([4]byte{127, 0, 0, 1}), HostPort: "0"}}}
	}
	made, err := e.Client.ContainerCreate(t.Context(), client.ContainerCreateOptions{Config: settings, HostConfig: host, Name: c.Name})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.Client.ContainerStart(t.Context(), made.ID, client.ContainerStartOptions{}); err != nil {
		missing(t, "this machine starts no containers: "+err.Error())
	}
}

// Stop kills a container, which stays where it is.
func (e *Engine) Stop(t testing.TB, name string) {
	t.Helper()
	if _, err := e.Client.ContainerKill(t.Context(), name, client.ContainerKillOptions{Signal: "KILL"}); err != nil {
		t.Fatal(err)
	}
}

// Again starts a container that has stopped.
func (e *Engine) Again(t testing.TB, name string) {
	t.Helper()
	if _, err := e.Client.ContainerStart(t.Context(), name, client.ContainerStartOptions{}); err != nil {
		t.Fatal(err)
	}
}

// Address is where a container is in a network.
func (e *Engine) Address(t testing.TB, name, network string) string {
	t.Helper()
	answer, err := e.Client.ContainerInspect(t.Context(), name, client.ContainerInspectOptions{})
	if err != nil {
		t.Fatal(err)
	}
	n := answer.Container.NetworkSettings.Networks[network]
	if n == nil {
		t.Fatalf("%s is not in the network %s", name, network)
	}
	return n.IPAddress.String()
}
