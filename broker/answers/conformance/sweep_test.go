package conformance_test

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"axion/broker"
	"axion/broker/answers"
)

// ranges are the versions that a broker says it answers, by key.
func ranges(c conn) map[int16]kmsg.ApiVersionsResponseApiKey {
	all := make(map[int16]kmsg.ApiVersionsResponseApiKey)
	req := kmsg.NewPtrApiVersionsRequest()
	for _, key := range ask[*kmsg.ApiVersionsResponse](c, req).ApiKeys {
		all[key.ApiKey] = key
	}
	return all
}

// served is the oldest version that is really answered: Kafka and the broker name older
// ones of Produce.
func served(r kmsg.ApiVersionsResponseApiKey) int16 {
	if kmsg.Key(r.ApiKey) == kmsg.Produce {
		return 3
	}
	return r.MinVersion
}

// TestSweep: each request that the broker answers, in each version, gets an answer that
// reads strictly and has no null that Kafka never sends: on a broker with topics, groups
// and records, and on one without anything.
func TestSweep(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"Full", "Empty"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := start(t, broker.Options{})
			for _, bad := range sweep(t, b.Addr(), name == "Full", check) {
				t.Error(bad)
			}
		})
	}
}

// TestSweepKfake: kfake alone sends such nulls. Where it does no more, the completion can go.
func TestSweepKfake(t *testing.T) {
	t.Parallel()
	found := sweep(t, startKfake(t), true, check)
	for _, want := range []string{
		"CreateTopics Topics.Configs is null", "DescribeClientQuotas Entries is null",
		"DescribeTopicPartitions Topics.Partitions.LastKnownELR is null",
		"DescribeTopicPartitions Topics.Partitions.EligibleLeaderReplicas is null", "ShareFetch Topics.Partitions.Records is null",
		"OffsetFetch Topics.Partitions.Metadata is null", "OffsetFetch Groups.Topics.Partitions.Metadata is null",
		"ConsumerGroupDescribe Groups.Members.SubscribedTopicRegex is null",
	} {
		if found[want] == "" {
			t.Errorf("kfake does no more: %s", want)
		}
	}
}

// startKfake starts kfake alone, and returns its address.
func startKfake(t *testing.T) string {
	t.Helper()
	k, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.DataDir(t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	return k.ListenAddrs()[0]
}

// sweep sends all requests and returns what is wrong with their answers.
func sweep(t *testing.T, addr string, full bool, check func(kmsg.Response, []byte) []string) map[string]string {
	t.Helper()
	c := dial(t, addr)
	ids := map[string][16]byte{"full": {7}}
	if full {
		ids = fill(t, c)
	}
	known := ranges(c)
	sent := make(map[int16]bool)
	bad := make(map[string]string)
	for _, req := range requests(ids) {
		r, ok := known[req.Key()]
		if !ok {
			continue
		}
		sent[req.Key()] = true
		for version := served(r); version <= min(r.MaxVersion, req.MaxVersion()); version++ {
			req.SetVersion(version)
			raw := c.send(req)
			resp := req.ResponseKind()
			for _, what := range check(resp, raw) {
				what = kmsg.NameForKey(req.Key()) + " " + what
				bad[what] = fmt.Sprintf("%s, as in version %d", what, version)
			}
		}
	}
	for key := range known {
		if !sent[key] {
			t.Errorf("%s is answered, and not tried", kmsg.NameForKey(key))
		}
	}
	return bad
}

// check reads an answer, and says what is wrong with it.
func check(resp kmsg.Response, raw []byte) []string {
	if err := resp.ReadFrom(raw); err != nil {
		return []string{err.Error()}
	}
	if again := resp.AppendTo(nil); !bytes.Equal(again, raw) {
		return []string{"has more in it than its fields"}
	}
	null := make(map[string]bool) // and whether it may be
	for _, f := range answers.Fields(kmsg.Key(resp.Key())) {
		null[f.Path] = f.Null
	}
	var bad []string
	walk(reflect.ValueOf(resp).Elem(), "", func(path string, field, in reflect.Value) {
		if may, known := null[path]; !known || may || !field.IsNil() {
			return
		}
		if code := in.FieldByName("ErrorCode"); strings.HasSuffix(path, "ErrorMessage") && !code.IsZero() {
			return // without a text
		}
		if empty(field); !bytes.Equal(resp.AppendTo(nil), raw) { // else this version does not have it
			bad = append(bad, path+" is null")
		}
		field.SetZero()
	})
	return bad
}
