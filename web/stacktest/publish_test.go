package stacktest_test

import (
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"axion/web/stacktest"
	"axion/web/view"
)

const published = `
services:
  traefik:
    image: traefik:v3.3
    command: [--providers.docker=true, --entrypoints.web.address=:80, --entrypoints.websecure.address=:443]
    ports: ["%d:80", "%d:443", "%d:8080"]
  kafka:
    image: confluentinc/cp-kafka:7.5.0
    environment:
      KAFKA_LISTENERS: HOST://0.0.0.0:19092,DOCKER://0.0.0.0:9092
      KAFKA_NUM_PARTITIONS: 5
      KAFKA_ADVERTISED_LISTENERS: HOST://localhost:9092,DOCKER://kafka:9092
    ports: ["%d:19092"]
  kafka-ui: {image: "provectuslabs/kafka-ui:latest", ports: ["%d:8080"]}
  akhq: {image: "tchiotludo/akhq:latest", ports: ["%d:8080"]}
`

// TestPublishedPorts: what the file publishes of axion's own parts is where they are too,
// and a port that is taken is named while the rest runs.
func TestPublishedPorts(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	busy := taken.Addr().(*net.TCPAddr).Port
	var ports []any
	for range 5 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = l.Close() }()
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
		_ = l.Close()
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "compose.yaml")
	save(t, file, fmt.Sprintf(published, append(ports, busy)...))
	at := func(i int) string { return fmt.Sprintf("localhost:%v", ports[i]) }
	zero := []string{"--http", "0", "--https", "0", "--kafka", "0", "--dashboard", "0", "--otlp-http", "off", "--otlp-grpc", "off"}
	s := stacktest.LaunchIn(t, dir, nil, binary, append(zero, "--ports=", "--no-builtins", "--data", filepath.Join(dir, ".axion"))...)

	if res, err := http.Get("http://" + at(0) + "/"); err != nil || res.StatusCode != http.StatusNotFound {
		t.Errorf("entrypoint web: got %v, %v", res, err)
	}
	if c, err := net.DialTimeout("tcp", at(1), 10*time.Second); err != nil {
		t.Errorf("entrypoint websecure: %v", err)
	} else {
		_ = c.Close()
	}
	for _, i := range []int{2, 4} {
		var all struct{ Items []view.Service }
		s.Get(t, "http://"+at(i)+"/api/services").Decode(t, http.StatusOK, &all)
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(at(3)), kgo.AllowAutoTopicCreation())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if err := client.ProduceSync(t.Context(), &kgo.Record{Topic: "tea", Value: []byte("x")}).FirstErr(); err != nil {
		t.Error(err)
	}
	topics, err := kadm.NewClient(client).ListTopics(t.Context(), "tea")
	if err != nil || len(topics["tea"].Partitions) != 5 {
		t.Errorf("partitions: got %+v, %v, want the file's 5", topics["tea"].Partitions, err)
	}
	var list struct{ Items []view.Service }
	s.Get(t, s.Dashboard+"/api/services").Decode(t, http.StatusOK, &list)
	for _, service := range list.Items {
		if service.Name == "kafka" && (len(service.Ports) != 1 || service.Ports[0].Address != at(3) || service.Ports[0].Published[0] != at(3)) {
			t.Errorf("kafka: got %+v", service.Ports)
		}
		if notes := strings.Join(service.Notes, ", "); service.Name == "akhq" && !strings.Contains(notes, fmt.Sprintf(":%d is in use", busy)) {
			t.Errorf("akhq: got %q", notes)
		}
	}
	if text := s.Stderr.String(); !strings.Contains(text, "service=akhq") || !strings.Contains(text, "compose.yaml") {
		t.Errorf("stderr: got %s", text)
	}
}
