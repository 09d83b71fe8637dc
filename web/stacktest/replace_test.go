package stacktest_test

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"axion/services/clustertest"
	"axion/services/contract"
	"axion/web/stacktest"
)

// TestReplace takes codegen's place by a plain Kafka client that knows nothing but
// the protocol: the main flow ends with the site that it made.
func TestReplace(t *testing.T) {
	t.Parallel()
	s := stacktest.Launch(t, binary, append(clustertest.Flags(t), "--without", contract.Codegen)...)
	client := s.Kafka(t, kgo.ConsumerGroup(contract.Codegen+"-server"), kgo.ConsumeTopics(contract.Topic(contract.Codegen)),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	ws := s.WebSocket(t, "/ws?token="+s.Token)
	p := s.Create(t, "", "mine", "any-template")
	request := client.PollRecords(t.Context(), 1).Records()[0]
	if got := stacktest.Header(request, "ce_type"); got != contract.GenerateCode {
		t.Fatalf("got %s, want a %s", got, contract.GenerateCode)
	}
	var asked contract.GenerateCodeRequest
	if err := json.Unmarshal(request.Value, &asked); err != nil || asked.ProjectID != p.ID || asked.Template != "any-template" {
		t.Errorf("request: got %s (%v)", request.Value, err)
	}
	stacktest.Eventually(t, "the dashboard to show it", func() bool {
		var system struct {
			Parts []struct {
				Name, State, Detail string
				Yours               bool
			}
		}
		s.Get(t, s.Dashboard+"/api/system").Decode(t, http.StatusOK, &system)
		for _, part := range system.Parts {
			if part.Name == contract.Codegen {
				return part.State == "healthy" && part.Yours && strings.Contains(part.Detail, "1 in consumer group "+contract.Codegen+"-server")
			}
		}
		return false
	})
	if err := client.ProduceSync(t.Context(), reply(t, request, contract.GenerateCodeReply{
		Files: []contract.File{{Path: "index.html", Content: "made elsewhere"}},
	})).FirstErr(); err != nil {
		t.Fatal(err)
	}
	ws.ReadUntil(t, p.ID, contract.DeploymentSucceeded)
	if page := s.Get(t, s.URL(p.Slug+"."+contract.AppsDomain, "/")); !strings.Contains(string(page.Body), "made elsewhere") {
		t.Errorf("site: got %d %s", page.Status, page.Body)
	}
}

// reply answers a request as a NestJS server does.
func reply(t *testing.T, request *kgo.Record, data any) *kgo.Record {
	t.Helper()
	value, err := json.Marshal(data)
	if err != nil {
		t.Fatal(err)
	}
	partition, err := strconv.ParseInt(stacktest.Header(request, "kafka_replyPartition"), 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	return &kgo.Record{
		Topic: stacktest.Header(request, "kafka_replyTopic"), Partition: int32(partition), Value: value,
		Headers: []kgo.RecordHeader{
			{Key: "kafka_correlationId", Value: []byte(stacktest.Header(request, "kafka_correlationId"))},
			{Key: "kafka_nest-is-disposed", Value: []byte{0}},
		},
	}
}
