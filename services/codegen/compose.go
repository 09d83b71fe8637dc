package codegen

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"axion/services/contract"
)

// doc is one YAML mapping; its keys are written in order.
type doc map[string]any

func toYAML(documents ...doc) (string, error) {
	var parts []string
	for _, d := range documents {
		text, err := yaml.Marshal(d)
		if err != nil {
			return "", err
		}
		parts = append(parts, string(text))
	}
	return strings.Join(parts, "---\n"), nil
}

// image is what runs a node that is not the project's own code.
type image struct {
	name   string
	port   int
	env    map[string]string
	health []string // a command
	data   string   // where it keeps its data
}

// password is for development only, and can be set from outside.
const password = "${POSTGRES_PASSWORD:-development}"

var images = map[string]image{
	contract.NodeDatabase: {"postgres:17-alpine", 5432, map[string]string{"POSTGRES_USER": "app", "POSTGRES_PASSWORD": password, "POSTGRES_DB": "app"},
		[]string{"pg_isready", "-U", "app"}, "/var/lib/postgresql/data"},
	contract.NodeCache: {"valkey/valkey:8-alpine", 6379, nil, []string{"valkey-cli", "ping"}, "/data"},
	contract.NodeQueue: {"apache/kafka:4.0.0", 9092, nil,
		[]string{"/opt/kafka/bin/kafka-broker-api-versions.sh", "--bootstrap-server", "localhost:9092"}, "/var/lib/kafka/data"},
}

// kafkaEnv makes a queue one node that is broker and controller.
func kafkaEnv(name string) map[string]string {
	return map[string]string{
		"KAFKA_NODE_ID": "1", "KAFKA_PROCESS_ROLES": "broker,controller", "KAFKA_CONTROLLER_QUORUM_VOTERS": "1@localhost:9093",
		"KAFKA_LISTENERS": "PLAINTEXT://:9092,CONTROLLER://:9093", "KAFKA_ADVERTISED_LISTENERS": "PLAINTEXT://" + name + ":9092",
		"KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT", "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
		"KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1", "KAFKA_LOG_DIRS": "/var/lib/kafka/data",
	}
}

func (p *part) imageEnv() map[string]string {
	if p.Type == contract.NodeQueue {
		return kafkaEnv(p.name)
	}
	return images[p.Type].env
}

// environment tells a program where it listens and what it depends on. With more than
// one of a kind the others are told by their names.
func (p *part) environment(secret string) map[string]string {
	env := map[string]string{"HOST": "0.0.0.0", "PORT": strconv.Itoa(p.port)}
	set := func(key string, to *part, value string) {
		if env[key] != "" {
			key = strings.ToUpper(strings.ReplaceAll(to.name, "-", "_")) + "_" + key
		}
		env[key] = value
	}
	for _, l := range p.asks {
		switch l.to.Type {
		case contract.NodeDatabase:
			set("DATABASE_URL", l.to, "postgres://app:"+secret+"@"+l.to.name+":5432/app?sslmode=disable")
		case contract.NodeCache:
			set("REDIS_URL", l.to, "redis://"+l.to.name+":6379")
		case contract.NodeQueue:
			set("KAFKA_BROKERS", l.to, l.to.name+":9092")
		default:
			env[strings.ToUpper(strings.ReplaceAll(l.to.name, "-", "_"))+"_URL"] = fmt.Sprintf("http://%s:%d", l.to.name, l.to.port)
		}
	}
	return env
}

// compose is the project as a compose file with Traefik's labels and health checks.
func (d *design) compose() (string, error) {
	services, volumes := doc{}, doc{}
	for _, p := range d.parts {
		switch {
		case p.program():
			services[p.name] = d.composeProgram(p)
		case p.Type != contract.NodeIngress:
			i := images[p.Type]
			s := doc{"image": i.name, "healthcheck": health(append([]string{"CMD"}, i.health...)), "volumes": []string{p.name + "-data:" + i.data}}
			if env := p.imageEnv(); len(env) > 0 {
				s["environment"] = env
			}
			services[p.name], volumes[p.name+"-data"] = s, doc{}
		}
	}
	all := doc{"name": d.slug, "services": services}
	if len(volumes) > 0 {
		all["volumes"] = volumes
	}
	return toYAML(all)
}

func health(test []string) doc {
	return doc{"test": test, "interval": "5s", "timeout": "3s", "retries": 20}
}

func (d *design) composeProgram(p *part) doc {
	s := doc{
		"build":       "./services/" + p.name,
		"environment": p.environment(password),
		"ports":       []string{fmt.Sprintf("127.0.0.1:%d:%d", p.port, p.port)},
		"healthcheck": health([]string{"CMD", "wget", "-qO-", fmt.Sprintf("http://127.0.0.1:%d/health", p.port)}),
	}
	needs := doc{}
	for _, l := range p.asks {
		// Programs that call each other may do so in a circle, which nothing could start.
		if !l.to.program() && l.to.Type != contract.NodeIngress {
			needs[l.to.name] = doc{"condition": "service_healthy"}
		}
	}
	if len(needs) > 0 {
		s["depends_on"] = needs
	}
	labels := doc{"traefik.enable": "false"}
	fronts := d.fronts(p)
	if len(fronts) > 0 {
		labels = doc{
			"traefik.enable": "true",
			"traefik.http.services." + p.name + ".loadbalancer.server.port":      strconv.Itoa(p.port),
			"traefik.http.services." + p.name + ".loadbalancer.healthcheck.path": "/health",
		}
	}
	for in, prefix := range fronts {
		router := "traefik.http.routers." + p.name + "-" + in.name
		rule := "Host(`" + d.hostOf(in) + "`)"
		if prefix != "" {
			rule += " && PathPrefix(`" + prefix + "`)"
			strip := p.name + "-" + in.name
			labels["traefik.http.middlewares."+strip+".stripprefix.prefixes"] = prefix
			labels[router+".middlewares"] = strip
		}
		labels[router+".rule"], labels[router+".entrypoints"] = rule, "websecure"
		labels[router+".tls"], labels[router+".service"] = "true", p.name
	}
	s["labels"] = labels
	return s
}

// sorted are the parts by name.
func (d *design) sorted() []*part {
	return slices.SortedFunc(slices.Values(d.parts), func(a, b *part) int { return cmp.Compare(a.name, b.name) })
}
