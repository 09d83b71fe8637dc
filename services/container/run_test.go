package container

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"axion/services/compose"
)

// service reads a service from a compose file.
func service(t *testing.T, text string) (s *compose.Service, dir string) {
	t.Helper()
	dir = t.TempDir()
	file := filepath.Join(dir, "compose.yaml")
	if err := os.WriteFile(file, []byte("services:\n  db:\n"+text), 0o600); err != nil {
		t.Fatal(err)
	}
	p, err := compose.Read(t.Context(), compose.Options{Files: []string{file}, Docker: true})
	if err != nil {
		t.Fatal(err)
	}
	return p.Services[0], dir
}

// TestCommand: what the file says of a container is in the engine's command line, and a
// variable's value is not.
func TestCommand(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		text string
		want []string // parts of the command line
		not  string
	}{
		"OK/command":     {`    command: [mongod, --quiet, "a b"]`, []string{" mongo:7 mongod --quiet a b"}, "--entrypoint"},
		"OK/entrypoint":  {`    {entrypoint: [sh, -c], command: [date]}`, []string{"--entrypoint=sh mongo:7 -c date"}, ""},
		"OK/emptied":     {`    entrypoint: []`, []string{"--entrypoint= mongo:7"}, ""},
		"OK/environment": {`    environment: {PASSWORD: leaves}`, []string{"--env PASSWORD "}, "leaves"},
		"OK/limits": {`    {mem_limit: 64m, cpus: 0.5, pids_limit: 9, ulimits: {nofile: 100, nproc: {soft: 1, hard: 2}}}`,
			[]string{"--cpus 0.5 --memory 67108864 --pids-limit 9", "--ulimit nofile=100 --ulimit nproc=1:2"}, ""},
		"OK/deploy": {`    deploy: {resources: {limits: {cpus: "0.25", memory: 32m}}}`, []string{"--cpus 0.25 --memory 33554432"}, ""},
		"OK/rights": {`    {user: "1:2", cap_add: [NET_ADMIN], cap_drop: [ALL], privileged: true, read_only: true, init: true}`,
			[]string{"--user 1:2", "--cap-add NET_ADMIN --cap-drop ALL", "--init --privileged --read-only"}, ""},
		"OK/volumes": {`    volumes: ["./a,b:/etc/x:ro", "data:/data", {type: tmpfs, target: /run, tmpfs: {size: 10}}]`,
			[]string{`--mount type=bind,target=/etc/x,"source=DIR/a,b",readonly`, "--mount type=volume,target=/data,source=shop_data",
				"--mount type=tmpfs,target=/run,tmpfs-size=10"}, ""},
		"OK/network": {`    networks: {default: {aliases: [mongo.internal]}}`,
			[]string{"--network shop_axion --network-alias db --network-alias mongo.internal --publish 127.0.0.1:5:27017",
				"--add-host orders:host-gateway --add-host host.docker.internal:host-gateway"}, ""},
		"OK/host":   {`    network_mode: host`, []string{"--network host"}, "--publish"},
		"OK/health": {`    healthcheck: {test: [CMD, a], interval: 2s}`, []string{"--no-healthcheck"}, "--health"},
		"OK/hosts":  {`    extra_hosts: ["a:10.0.0.1"]`, []string{"--add-host a:10.0.0.1"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := strings.TrimSpace(test.text)
			if strings.HasPrefix(text, "{") {
				text = "{image: mongo:7, " + text[1:]
			} else {
				text = "image: mongo:7\n    " + text
			}
			text = "    " + text + "\n"
			if strings.Contains(text, "data:") {
				text += "volumes: {data: {}}\n"
			}
			s, dir := service(t, text)
			e := &Engine{program: "docker", dataDir: "/d"}
			cmd, err := e.Command(Options{Service: s, Name: "shop-db-1", Image: "mongo:7", Network: Network{Name: "shop_axion"},
				Volumes: map[string]string{"data": "shop_data"}, Environment: []string{"PASSWORD=leaves"},
				Publish: []string{"127.0.0.1:5:27017"}, Hosts: []string{"orders"}})
			if err != nil {
				t.Fatal(err)
			}
			line := strings.Join(cmd.Args, " ") + " "
			for _, part := range test.want {
				if !strings.Contains(line, strings.ReplaceAll(part, "DIR", dir)) {
					t.Errorf("no %q in\n%s", part, line)
				}
			}
			if test.not != "" && strings.Contains(line, test.not) {
				t.Errorf("%q is in\n%s", test.not, line)
			}
			if !slices.Contains(cmd.Env, "PASSWORD=leaves") {
				t.Error("the command has no PASSWORD to pass on")
			}
		})
	}
}

// TestUnsupported: what a container will not have is named, and what it has is not.
func TestUnsupported(t *testing.T) {
	t.Parallel()
	s, _ := service(t, `    {image: mongo:7, user: me, restart: always, ports: ["1:1"], logging: {driver: none}, blkio_config: {weight: 1}}`)
	if got := Unsupported(s); !slices.Equal(got, []string{"blkio_config", "logging"}) {
		t.Errorf("got %v", got)
	}
	for name, text := range map[string]string{
		"network": `    {image: mongo:7, network_mode: "container:x"}`, "volume": `    {image: mongo:7, volumes: [{type: npipe, source: a, target: b}]}`,
	} {
		s, _ := service(t, text)
		_, err := (&Engine{program: "docker"}).Command(Options{Service: s})
		if _, hinted := err.(interface{ Hint() string }); !hinted {
			t.Errorf("%s: %v", name, err)
		}
	}
}
