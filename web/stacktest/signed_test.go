package stacktest_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"axion/services/clustertest"
	"axion/services/contract"
	"axion/web/stacktest"
)

// TestProvisionSigned has commands run as a service in deployment-service's place does,
// with what `axion env` prints: signed they run, and else they do not.
func TestProvisionSigned(t *testing.T) {
	t.Parallel()
	data := clustertest.PrivateDir(t)
	s := stacktest.Launch(t, binary, "--data", data)
	out, stderr, code := execute(t, data, "env", "--json", "--data", data)
	var env map[string]string
	if err := json.Unmarshal([]byte(out), &env); err != nil || code != 0 || env["KAFKA_BROKERS"] != s.Summary.Kafka {
		t.Fatalf("axion env: got %d, %s%s", code, out, stderr)
	}
	if lines, _, _ := execute(t, data, "env", "--data", data); !strings.Contains(lines, "AXION_SIGNING_KEY="+env["AXION_SIGNING_KEY"]+"\n") {
		t.Errorf("axion env: got %s", lines)
	}
	key, err := hex.DecodeString(env["AXION_SIGNING_KEY"])
	if err != nil {
		t.Fatal(err)
	}
	marker := filepath.Join(t.TempDir(), "ran")
	value := fmt.Appendf(nil, `{"projectId":"p1","deploymentId":"d1","slug":"p1","files":[],"run":{"runtime":"process","build":[["touch",%q],["false"]],"command":["true"]}}`, marker)
	sign := func(expires time.Time) string {
		mac := hmac.New(sha256.New, key)
		fmt.Fprintf(mac, "%d\n%s\n%s", expires.Unix(), contract.Provision, value)
		return fmt.Sprintf("expires=%d,v1=%x", expires.Unix(), mac.Sum(nil))
	}
	kafka := s.Kafka(t, kgo.AllowAutoTopicCreation(), kgo.ConsumeTopics("signed.reply"))
	ask := func(signature string) (refusal string) {
		r := &kgo.Record{Topic: contract.Topic(contract.Infrastructure), Key: []byte("p1"), Value: value, Headers: []kgo.RecordHeader{
			{Key: "ce_type", Value: []byte(contract.Provision)}, {Key: "kafka_correlationId", Value: []byte("c1")},
			{Key: "kafka_replyTopic", Value: []byte("signed.reply")},
		}}
		if signature != "" {
			r.Headers = append(r.Headers, kgo.RecordHeader{Key: "axion_signature", Value: []byte(signature)})
		}
		if err := kafka.ProduceSync(t.Context(), r).FirstErr(); err != nil {
			t.Fatal(err)
		}
		for {
			fetches := kafka.PollFetches(t.Context())
			if t.Context().Err() != nil {
				t.Fatal("no answer")
			}
			for answer := range fetches.RecordsAll() {
				for _, h := range answer.Headers {
					if h.Key == "kafka_nest-err" {
						return string(h.Value)
					}
				}
			}
		}
	}
	for name, signature := range map[string]string{"none": "", "expired": sign(time.Now().Add(-time.Minute)),
		"forged": strings.ReplaceAll(sign(time.Now().Add(time.Minute)), ",v1=", ",v1=00")} {
		if got := ask(signature); !strings.Contains(got, "signed request") || !strings.Contains(got, "axion env") {
			t.Errorf("%s: got %s", name, got)
		}
	}
	if _, err := os.Stat(marker); err == nil {
		t.Error("an unsigned command was run")
	}
	if got := ask(sign(time.Now().Add(time.Minute))); !strings.Contains(got, "build: false") {
		t.Errorf("signed: got %s", got)
	}
	if _, err := os.Stat(marker); err != nil {
		t.Errorf("a signed command was not run: %v", err)
	}
	if got := strings.Count(s.Stderr.String(), "provisioning of a process refused"); got != 1 {
		t.Errorf("reported %d times:\n%s", got, s.Stderr)
	}
	if strings.Contains(s.Stderr.String(), env["AXION_SIGNING_KEY"]) {
		t.Error("the key is in the log")
	}
}
