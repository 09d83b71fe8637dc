package stacktest_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"axion/services/clustertest"
	"axion/services/contract"
	"axion/web/stacktest"
)

// bad is a message that a service cannot use. Its answer is a dead letter with a
// text, or for a request a reply; none where both are empty: it is carried out, or
// dropped.
type bad struct {
	name, value string
	headers     []string // names and values in turn
	letter      string
	reply       string
}

const replies = "axion.ingest-service.reply"

func badMessages() []bad {
	created := func(more ...string) []string { return append([]string{"ce_type", contract.ProjectCreated}, more...) }
	asked := func(more ...string) []string { return append([]string{"ce_type", contract.GetDeployment}, more...) }
	return []bad{
		{"NotJSON", "{not json", created(), "must be an object, and is string", ""},
		{"NotText", "\xff\xfe\x00", created(), "must be an object", ""},
		{"Array", `[1,2]`, created(), "must be an object, and is array", ""},
		{"FieldType", `{"projectId":7}`, created(), "projectId must be a string, and is number", ""},
		{"Empty", ``, created(), "must be an object", ""},
		{"FieldMissing", `{}`, created(), "projectId is missing", ""},
		{"UnknownType", `{"projectId":"p"}`, []string{"ce_type", "NO_SUCH_EVENT"}, `no handler for type: "NO_SUCH_EVENT"`, ""},
		{"NoType", `{"projectId":"p"}`, nil, `no handler for type: ""`, ""},
		{"NoCorrelation", `{}`, asked("kafka_replyTopic", replies), "userId is missing", ""},
		{"NoReplyTopic", `{}`, asked("kafka_correlationId", "1"), "userId is missing", ""},
		{"Refused", `{}`, asked("kafka_correlationId", "refused", "kafka_replyTopic", replies, "kafka_replyPartition", "0"), "",
			"userId is missing"},
		{"UnknownRequest", `{}`, []string{"ce_type", "NO_SUCH_REQUEST", "kafka_correlationId", "unknown", "kafka_replyTopic", replies}, "",
			"There is no matching message handler"},
		{"ReplyTopicMissing", `{}`, asked("kafka_correlationId", "2", "kafka_replyTopic", "no.such.topic"), "", ""},
		{"ReplyTopicWrong", `{}`, asked("kafka_correlationId", "3", "kafka_replyTopic", "no topic!"), "", ""},
		{"ReplyPartitionWrong", `{}`, asked("kafka_correlationId", "partition", "kafka_replyTopic", replies, "kafka_replyPartition", "99"), "",
			"userId is missing"},
	}
}

// TestBadInput sends what cannot be used to one partition, and then something
// that can: each has its answer, and the partition goes on.
func TestBadInput(t *testing.T) {
	t.Parallel()
	s := stacktest.Launch(t, binary, clustertest.Flags(t)...)
	topic := contract.Topic(contract.Deployment)
	client := s.Kafka(t, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchMaxBytes(4<<20),
		kgo.ProducerBatchCompression(kgo.NoCompression()), kgo.ConsumeTopics(
			contract.DeadLetterTopic(contract.Deployment), contract.Topic(contract.Graph), replies),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	send := func(key, value string, headers ...string) {
		t.Helper()
		r := &kgo.Record{Topic: topic, Partition: 0, Key: []byte(key), Value: []byte(value)}
		for i := 0; i < len(headers); i += 2 {
			r.Headers = append(r.Headers, kgo.RecordHeader{Key: headers[i], Value: []byte(headers[i+1])})
		}
		if err := client.ProduceSync(t.Context(), r).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	letters, answers := map[string]string{}, map[string]string{}
	for _, m := range badMessages() {
		send("same", m.value, append(m.headers, "ce_id", m.name)...)
		if m.letter != "" {
			letters[m.name] = m.letter
		}
		for i := 0; m.reply != "" && i < len(m.headers); i += 2 {
			if m.headers[i] == "kafka_correlationId" {
				answers[m.headers[i+1]] = m.reply
			}
		}
	}
	// A key that is not the project's id, clocks that are wrong, and a duplicate: the
	// event is carried out, once.
	for i, at := range []string{"1970-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "yesterday", "1970-01-01T00:00:00Z"} {
		id := fmt.Sprint("p", i%3)
		send("same", `{"projectId":"`+id+`","userId":"u"}`, "ce_type", contract.ProjectCreated, "ce_id", "good-"+id, "ce_time", at)
	}
	succeeded := map[string]int{}
	ctx, cancel := context.WithTimeout(t.Context(), stacktest.Timeout)
	defer cancel()
	for len(letters)+len(answers) > 0 || len(succeeded) < 3 {
		fetches := client.PollFetches(ctx)
		if ctx.Err() != nil {
			t.Fatalf("no letters of %v, no answers to %v, of three deployments %v", letters, answers, succeeded)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			switch {
			case r.Topic == contract.DeadLetterTopic(contract.Deployment):
				expect(t, letters, stacktest.Header(r, "ce_id"), stacktest.Header(r, "dlq_error"))
			case r.Topic == replies:
				expect(t, answers, stacktest.Header(r, "kafka_correlationId"), stacktest.Header(r, "kafka_nest-err"))
			case stacktest.Header(r, "ce_type") == contract.DeploymentSucceeded:
				if succeeded[string(r.Key)]++; succeeded[string(r.Key)] > 1 {
					t.Errorf("%s was deployed twice", r.Key)
				}
			}
		})
	}
	for id := range 3 {
		if succeeded[fmt.Sprint("p", id)] != 1 {
			t.Errorf("deployed: %v", succeeded)
		}
	}
	err := client.ProduceSync(t.Context(), &kgo.Record{Topic: topic, Value: bytes.Repeat([]byte("x"), 2<<20)}).FirstErr()
	if !errors.Is(err, kerr.MessageTooLarge) {
		t.Errorf("a message of 2 MB: got %v, want that it is refused", err)
	}
	event := `{"specversion":"1.0","id":"1","source":"/x","type":"t","data":"` + strings.Repeat("x", 2<<20) + `"}`
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL("events.localhost", "/api/events"), strings.NewReader(event))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/cloudevents+json")
	res, err := s.Client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("an event of 2 MB: got %s", res.Status)
	}
}

// expect takes an answer off those that are waited for.
func expect(t *testing.T, waited map[string]string, id, got string) {
	t.Helper()
	want, ok := waited[id]
	if !ok || !strings.Contains(got, want) {
		t.Errorf("%s: got %q, want %q", id, got, want)
	}
	delete(waited, id)
}
