package codegen

import (
	"strconv"

	"axion/services/contract"
)

// store is what a kind of node without code runs: the same in compose and in
// Kubernetes.
type store struct {
	image  string
	port   int
	user   int // the image's own, which is not root
	group  int
	folder string // of its data; empty where it keeps none
	args   []string
	check  []string // the command that says whether it is up
	env    func(*component) []variable
	// memory it asks for and may have at most
	request, limit string
}

// Where the images keep their data.
const (
	postgresFolder = "/var/lib/postgresql/data"
	kafkaFolder    = "/var/lib/kafka/data"
)

var stores = map[string]store{
	contract.NodeDatabase: {
		image: "postgres:17-alpine", port: 5432, user: 70, group: 70, folder: postgresFolder,
		check: []string{"pg_isready", "--username", "app", "--dbname", "app"},
		env:   postgresEnv, request: "256Mi", limit: "512Mi",
	},
	contract.NodeCache: {
		image: "valkey/valkey:8-alpine", port: 6379, user: 999, group: 1000,
		args:  []string{"valkey-server", "--save", "", "--appendonly", "no"},
		check: []string{"valkey-cli", "ping"},
		env:   func(*component) []variable { return nil }, request: "64Mi", limit: "256Mi",
	},
	contract.NodeQueue: {
		image: "apache/kafka:4.1.0", port: 9092, user: 1000, group: 1000, folder: kafkaFolder,
		check: []string{"/opt/kafka/bin/kafka-broker-api-versions.sh", "--bootstrap-server", "localhost:9092"},
		env:   kafkaEnv, request: "768Mi", limit: "1Gi",
	},
}

// postgresEnv puts the data below the volume's root, which may hold "lost+found".
func postgresEnv(a *component) []variable {
	return []variable{
		{name: "POSTGRES_USER", value: "app"},
		{name: "POSTGRES_DB", value: "app"},
		{name: "POSTGRES_PASSWORD", password: passwordOf(a)},
		{name: "PGDATA", value: postgresFolder + "/pgdata"},
	}
}

// kafkaEnv makes one node both broker and controller.
func kafkaEnv(a *component) []variable {
	return []variable{
		{name: "KAFKA_NODE_ID", value: "1"},
		{name: "KAFKA_PROCESS_ROLES", value: "broker,controller"},
		{name: "KAFKA_LISTENERS", value: "PLAINTEXT://:9092,CONTROLLER://:9093"},
		{name: "KAFKA_ADVERTISED_LISTENERS", value: "PLAINTEXT://" + a.name + ":" + strconv.Itoa(a.port)},
		{name: "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP", value: "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT"},
		{name: "KAFKA_CONTROLLER_LISTENER_NAMES", value: "CONTROLLER"},
		{name: "KAFKA_CONTROLLER_QUORUM_VOTERS", value: "1@localhost:9093"},
		{name: "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR", value: "1"},
		{name: "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR", value: "1"},
		{name: "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR", value: "1"},
		{name: "KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS", value: "0"},
		{name: "KAFKA_LOG_DIRS", value: kafkaFolder + "/logs"},
		{name: "KAFKA_HEAP_OPTS", value: "-Xms256m -Xmx512m"},
	}
}

// programEnv is a program's whole environment.
func programEnv(a *component) []variable {
	own := []variable{{name: "HOST", value: "0.0.0.0"}, {name: "PORT", value: strconv.Itoa(a.port)}}
	return append(own, a.env...)
}
