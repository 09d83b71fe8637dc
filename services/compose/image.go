package compose

import (
	"fmt"
	"slices"
	"strings"

	"github.com/distribution/reference"
)

// image is the name of an image, without its registry.
type image struct {
	path, tag string
}

func parseImage(name string) (image, error) {
	if name == "" {
		return image{}, nil
	}
	named, err := reference.ParseNormalizedNamed(name)
	if err != nil {
		return image{}, hintError{fmt.Errorf("image %q: %w", name, err), "write it as NAME:TAG"}
	}
	i := image{path: strings.TrimPrefix(reference.Path(named), "library/")}
	if tagged, ok := named.(reference.Tagged); ok {
		i.tag = tagged.Tag()
	}
	return i, nil
}

// kinds of images, by the end of their path: mirrors put a prefix before it.
var kinds = map[Kind][]string{
	Kafka: {
		"apache/kafka", "apache/kafka-native", "confluentinc/cp-kafka", "confluentinc/cp-server", "confluentinc/confluent-local",
		"bitnami/kafka", "bitnamilegacy/kafka", "wurstmeister/kafka", "redpandadata/redpanda", "vectorized/redpanda",
	},
	ZooKeeper: {"zookeeper", "confluentinc/cp-zookeeper", "bitnami/zookeeper", "bitnamilegacy/zookeeper", "wurstmeister/zookeeper"},
	Traefik:   {"traefik"},
	Console: {
		"provectuslabs/kafka-ui", "kafbat/kafka-ui", "tchiotludo/akhq", "redpandadata/console", "vectorized/console",
		"obsidiandynamics/kafdrop",
	},
	Postgres: {
		"postgres", "bitnami/postgresql", "bitnamilegacy/postgresql", "postgis/postgis", "pgvector/pgvector", "timescale/timescaledb",
	},
	Redis: {
		"redis", "bitnami/redis", "bitnamilegacy/redis", "redis/redis-stack", "redis/redis-stack-server", "valkey/valkey", "bitnami/valkey",
		"eqalpha/keydb", "dragonflydb/dragonfly",
	},
}

func (i image) kind() Kind {
	for kind, paths := range kinds {
		if slices.ContainsFunc(paths, func(p string) bool {
			return i.path == p || strings.Contains(p, "/") && strings.HasSuffix(i.path, "/"+p)
		}) {
			return kind
		}
	}
	return ""
}

// differences are what a plain server lacks of what the image has.
func (i image) differences() []string {
	for end, lacks := range map[string]string{
		"postgis/postgis":          "PostGIS is there only if this machine's PostgreSQL has it",
		"pgvector/pgvector":        "pgvector is there only if this machine's PostgreSQL has it",
		"timescale/timescaledb":    "TimescaleDB is there only if this machine's PostgreSQL has it",
		"redis/redis-stack":        "Redis's modules (search, JSON, time series) are missing",
		"redis/redis-stack-server": "Redis's modules (search, JSON, time series) are missing",
	} {
		if strings.HasSuffix(i.path, end) {
			return []string{lacks}
		}
	}
	return nil
}

// Major is the major version that the service's image names; 0 where it names none.
func (s *Service) Major() int {
	i, err := parseImage(s.Image)
	if err != nil {
		return 0
	}
	tag := i.tag
	if _, version, ok := strings.Cut(tag, "pg"); ok { // pgvector's and TimescaleDB's tags
		tag = version
	}
	n := 0
	for _, c := range strings.TrimPrefix(tag, "v") {
		if c < '0' || c > '9' || n > 9999 {
			break
		}
		n = n*10 + int(c-'0')
	}
	return n
}
