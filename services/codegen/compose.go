package codegen

import (
	"fmt"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// Networks of a generated compose file: programs that an ingress leads to are on both.
const (
	publicNetwork = "front"
	backNetwork   = "back"
)

type composeFile struct {
	Name     string                     `yaml:"name"`
	Services map[string]*composeService `yaml:"services"`
	Networks map[string]struct{}        `yaml:"networks"`
	Volumes  map[string]struct{}        `yaml:"volumes,omitempty"`
}

type composeService struct {
	Build       string                 `yaml:"build,omitempty"`
	Image       string                 `yaml:"image,omitempty"`
	Command     []string               `yaml:"command,omitempty,flow"`
	Environment map[string]string      `yaml:"environment,omitempty"`
	Ports       []string               `yaml:"ports,omitempty"`
	Networks    []string               `yaml:"networks,flow"`
	DependsOn   map[string]composeNeed `yaml:"depends_on,omitempty"`
	Volumes     []string               `yaml:"volumes,omitempty"`
	Healthcheck composeCheck           `yaml:"healthcheck"`
	Restart     string                 `yaml:"restart"`
	Labels      map[string]string      `yaml:"labels,omitempty"`
}

type composeNeed struct {
	Condition string `yaml:"condition"`
}

type composeCheck struct {
	Test        []string `yaml:"test,flow"`
	Interval    string   `yaml:"interval"`
	Timeout     string   `yaml:"timeout"`
	Retries     int      `yaml:"retries"`
	StartPeriod string   `yaml:"start_period"`
}

// writeCompose writes the compose file. An ingress is in it as the Traefik labels of the
// programs that it leads to.
func writeCompose(slug string, components []*component) (string, error) {
	f := composeFile{
		Name: slug, Services: map[string]*composeService{},
		Networks: map[string]struct{}{backNetwork: {}}, Volumes: map[string]struct{}{},
	}
	for _, a := range components {
		s := &composeService{Networks: []string{backNetwork}, Restart: "unless-stopped", DependsOn: map[string]composeNeed{}}
		for _, n := range a.startsAfter {
			s.DependsOn[n.name] = composeNeed{Condition: "service_healthy"}
		}
		if isProgram(a.node.Type) {
			composeProgram(slug, s, a)
		} else {
			composeStore(s, a)
		}
		if len(a.routes) > 0 {
			f.Networks[publicNetwork] = struct{}{}
		}
		for range s.Volumes {
			f.Volumes[volumeOf(a)] = struct{}{}
		}
		f.Services[a.name] = s
	}
	return toYAML(f)
}

// toYAML writes YAML documents.
func toYAML[T any](documents ...T) (string, error) {
	var texts []string
	for _, d := range documents {
		text, err := yaml.Dump(d, yaml.WithIndent(2))
		if err != nil {
			return "", err
		}
		texts = append(texts, string(text))
	}
	return strings.Join(texts, "---\n"), nil
}

// composeProgram fills in the service of a program.
func composeProgram(slug string, s *composeService, a *component) {
	s.Build = "./" + folderOf(a)
	s.Environment = composeEnv(programEnv(a))
	s.Healthcheck = check([]string{"wget", "-q", "-O", "/dev/null", fmt.Sprintf("http://127.0.0.1:%d%s", a.port, healthPath)})
	if len(a.routes) > 0 {
		s.Networks = []string{publicNetwork, backNetwork}
		s.Ports = []string{fmt.Sprintf("127.0.0.1:%d:%d", a.publish, a.port)}
		s.Labels = traefikLabels(slug, a)
	}
}

// composeStore fills in the service of a database, a cache or a broker.
func composeStore(s *composeService, a *component) {
	of := stores[a.node.Type]
	s.Image, s.Command = of.image, of.args
	s.Environment = composeEnv(of.env(a))
	s.Healthcheck = check(of.check)
	if of.folder != "" {
		s.Volumes = []string{volumeOf(a) + ":" + of.folder}
	}
}

// volumeOf names a component's volume.
func volumeOf(a *component) string { return a.name + "-data" }

// check returns a health check by a command.
func check(command []string) composeCheck {
	return composeCheck{Test: append([]string{"CMD"}, command...), Interval: "5s", Timeout: "10s", Retries: 10, StartPeriod: "30s"}
}

// composeEnv writes an environment in which passwords come from the environment or from
// .env; by default they are those of development.
func composeEnv(list []variable) map[string]string {
	env := map[string]string{}
	for _, v := range list {
		value := v.value
		if v.password != "" {
			value += "${" + v.password + ":-" + developmentPassword + "}" + v.after
		}
		env[v.name] = value
	}
	return env
}

// developmentPassword is the default of all passwords.
const developmentPassword = "development"

// traefikLabels route every host that leads to a program. A slug and a name have no
// underscore, so that no two components or projects share the name of a router.
func traefikLabels(slug string, a *component) map[string]string {
	service := slug + "_" + a.name
	server := "traefik.http.services." + service + ".loadbalancer."
	labels := map[string]string{
		"traefik.enable":                "true",
		"traefik.docker.network":        slug + "_" + publicNetwork,
		server + "server.port":          strconv.Itoa(a.port),
		server + "healthcheck.path":     healthPath,
		server + "healthcheck.interval": "5s",
		server + "healthcheck.timeout":  "2s",
	}
	for _, r := range a.routes {
		router := "traefik.http.routers." + slug + "_" + a.name + "_" + r.ingress.name + "."
		labels[router+"rule"] = "Host(`" + r.host + "`)"
		labels[router+"entrypoints"] = "websecure"
		labels[router+"tls"] = "true"
		labels[router+"service"] = service
		if speaksGRPC(r) {
			labels[server+"server.scheme"] = "h2c"
		}
	}
	return labels
}

// speaksGRPC reports whether a route has to carry gRPC, and the skeleton it leads
// to speaks HTTP/2 in clear text.
func speaksGRPC(r route) bool { return r.grpc && r.to.node.Language == languageGo }

// folderOf returns the folder of a program's skeleton.
func folderOf(a *component) string { return "services/" + a.name }

// healthPath is the path of every skeleton's health check.
const healthPath = "/health"
