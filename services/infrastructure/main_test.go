package infrastructure_test

import (
	"context"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"axion/services/bus"
	"axion/services/clustertest"
	"axion/services/contract"
	"axion/services/host/hosttest"
	"axion/services/infrastructure"
	"axion/services/signature"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "child" {
		child(os.Args[2:])
		return
	}
	goleak.VerifyTestMain(m)
}

// rig is the service, and a client of it on the bus.
type rig struct {
	*hosttest.Service
	t              *testing.T
	cluster        *clustertest.Broker
	dir, fragments string
	routed         func(context.Context, string) error
	noProcesses    string
	private        func(string) error
	client         *bus.Bus
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{t: t, cluster: hosttest.Cluster(t), dir: t.TempDir()}
	r.fragments = filepath.Join(r.dir, "compose.d")
	client, err := bus.Open(t.Context(),
		bus.Options{Service: contract.Deployment, Brokers: r.cluster.ListenAddrs(), Timeout: hosttest.Deadline})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	r.client = client
	return r
}

// start starts the service, again where it was stopped.
func (r *rig) start() {
	r.t.Helper()
	h, err := infrastructure.New(r.t.Context(), hosttest.Options(r.t, r.cluster, r.dir), infrastructure.Options{
		Fragments: r.fragments, HTTPSPort: 8443, Brokers: r.cluster.ListenAddrs(), OTLP: "http://127.0.0.1:4318",
		ProcessesDisabled: r.noProcesses, Private: r.private,
		Routed: func(ctx context.Context, host string) error {
			if r.routed == nil {
				return nil
			}
			return r.routed(ctx, host)
		},
	})
	r.Service = hosttest.Start(r.t, h, err)
}

func (r *rig) ask(typ string, in, out any) error {
	r.t.Helper()
	return r.askWith(r.signed(typ), typ, in, out)
}

// askWith asks with further headers.
func (r *rig) askWith(headers func([]byte) []bus.Header, typ string, in, out any) error {
	r.t.Helper()
	return r.client.Request(r.t.Context(), bus.Call{
		Topic: contract.Topic(contract.Infrastructure), Service: contract.Infrastructure, Type: typ, In: in, Out: out, Headers: headers,
	})
}

// signed signs requests of a type as deployment-service does.
func (r *rig) signed(typ string) func([]byte) []bus.Header {
	r.t.Helper()
	key, err := signature.Load(r.dir)
	if err != nil {
		r.t.Fatal(err)
	}
	return func(value []byte) []bus.Header {
		return []bus.Header{{Key: signature.Header, Value: []byte(key.Sign(typ, value, time.Now().Add(time.Minute)))}}
	}
}

func site(files ...string) (all []contract.File) {
	for i := 0; i < len(files); i += 2 {
		all = append(all, contract.File{Path: files[i], Content: files[i+1]})
	}
	return all
}

// provision runs a site, and returns its direct address.
func (r *rig) provision(project, deployment, slug string, files ...string) string {
	r.t.Helper()
	var reply contract.ProvisionReply
	err := r.ask(contract.Provision, contract.ProvisionRequest{
		ProjectID: project, DeploymentID: deployment, Slug: slug, Files: site(files...),
	}, &reply)
	if err != nil {
		r.t.Fatal(err)
	}
	if want := "https://" + slug + ".apps.localhost:8443"; reply.URL != want {
		r.t.Errorf("url: got %q, want %q", reply.URL, want)
	}
	return reply.Address
}

func (r *rig) deprovision(project string) bool {
	r.t.Helper()
	return r.deprovisionOnly(project, "")
}

func (r *rig) deprovisionOnly(project, deployment string) bool {
	r.t.Helper()
	var reply contract.DeprovisionReply
	if err := r.ask(contract.Deprovision, contract.DeprovisionRequest{ProjectID: project, DeploymentID: deployment}, &reply); err != nil {
		r.t.Fatal(err)
	}
	return reply.Removed
}

// want checks what a site answers.
func (r *rig) want(address, path string, status int, body string) hosttest.Reply {
	r.t.Helper()
	reply := hosttest.Do(r.t, "GET", address+path, "")
	if reply.Status != status || reply.Body != body {
		r.t.Errorf("GET %s: got %d %q, want %d %q", path, reply.Status, reply.Body, status, body)
	}
	return reply
}

// files lists everything below a folder of the service's.
func files(t *testing.T, dir string) (all []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			rel, _ := filepath.Rel(dir, name)
			all = append(all, filepath.ToSlash(rel))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func (r *rig) wantFiles(want ...string) {
	r.t.Helper()
	got := files(r.t, r.fragments)
	for _, f := range files(r.t, filepath.Join(r.dir, "services", contract.Infrastructure, "sites")) {
		got = append(got, "sites/"+f)
	}
	if !slices.Equal(got, want) {
		r.t.Errorf("files: got %q, want %q", got, want)
	}
}

func refused(addr string) bool {
	conn, err := net.Dial("tcp", strings.TrimPrefix(addr, "http://"))
	if err == nil {
		_ = conn.Close()
	}
	return err != nil
}
