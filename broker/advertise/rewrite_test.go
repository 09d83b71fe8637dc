package advertise

import (
	"bytes"
	"reflect"
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// fill puts one element into every array, and the placeholder wherever there are a
// host and a port; it reports whether there are.
func fill(v reflect.Value) (found bool) {
	switch v.Kind() {
	case reflect.Slice:
		if v.Type().Elem().Kind() != reflect.Uint8 {
			v.Set(reflect.MakeSlice(v.Type(), 1, 1))
			return fill(v.Index(0))
		}
	case reflect.Struct:
		host, port := v.FieldByName("Host"), v.FieldByName("Port")
		if host.IsValid() && port.IsValid() && host.Kind() == reflect.String {
			host.SetString(placeholderHost)
			found = true
		}
		for i := range v.NumField() {
			if f := v.Field(i); f.CanSet() && v.Type().Field(i).Name != "UnknownTags" {
				found = fill(f) || found
			}
		}
	}
	return found
}

// TestRewrite goes through every answer of Kafka's that names a broker, in every
// version.
func TestRewrite(t *testing.T) {
	t.Parallel()
	var keys []kmsg.Key
	for key := range int16(kmsg.MaxKey + 1) {
		kind := kmsg.ResponseForKey(key)
		if kind == nil {
			continue
		}
		for version := range kind.MaxVersion() + 1 {
			resp := kmsg.ResponseForKey(key)
			if !fill(reflect.ValueOf(resp).Elem()) {
				break
			}
			resp.SetVersion(version)
			wire := resp.AppendTo(nil)
			if !bytes.Contains(wire, []byte(placeholderHost)) {
				continue // not in this version
			}
			if !slices.Contains(keys, kmsg.Key(key)) {
				keys = append(keys, kmsg.Key(key))
			}
			name := kmsg.NameForKey(key)
			if !MayContain(key, wire) {
				t.Errorf("%s v%d: not seen", name, version)
			}
			for _, e := range []Endpoint{{"localhost", 9092}, {"fe80::1%eth0", 65535}, {"a-long.name.of.a.host.example.com", 1}} {
				read := kmsg.ResponseForKey(key)
				read.SetVersion(version)
				if err := read.ReadFrom(wire); err != nil {
					t.Fatalf("%s v%d: %v", name, version, err)
				}
				if !Rewrite(read, e) {
					t.Errorf("%s v%d: nothing was rewritten", name, version)
				}
				out := read.AppendTo(nil)
				if bytes.Contains(out, []byte(placeholderHost)) || !bytes.Contains(out, []byte(e.Host)) {
					t.Errorf("%s v%d: got %q, want %s", name, version, out, e)
				}
				if Rewrite(read, e) {
					t.Errorf("%s v%d: rewritten twice", name, version)
				}
			}
		}
	}
	for _, key := range []kmsg.Key{kmsg.Produce, kmsg.Fetch, kmsg.Metadata, kmsg.FindCoordinator, kmsg.DescribeCluster, kmsg.DescribeQuorum,
		kmsg.ShareFetch, kmsg.ShareAcknowledge} {
		if !slices.Contains(keys, key) {
			t.Errorf("%s was not looked at", kmsg.NameForKey(int16(key)))
		}
	}
}

// TestTells: records are not searched, whatever they hold.
func TestTells(t *testing.T) {
	t.Parallel()
	resp := kmsg.NewPtrFetchResponse()
	resp.Version = 16
	topic, part := kmsg.NewFetchResponseTopic(), kmsg.NewFetchResponseTopicPartition()
	part.RecordBatches = append([]byte(placeholderHost), make([]byte, 2*tailBytes)...)
	topic.Partitions = append(topic.Partitions, part)
	resp.Topics = append(resp.Topics, topic)
	if MayContain(int16(kmsg.Fetch), resp.AppendTo(nil)) {
		t.Error("a record was taken for the broker's address")
	}
	if MayContain(int16(kmsg.Metadata), nil) {
		t.Error("an empty answer tells of a broker")
	}
	// A topic of that name is none either.
	meta := kmsg.NewPtrMetadataResponse()
	name := placeholderHost
	named := kmsg.NewMetadataResponseTopic()
	named.Topic = &name
	meta.Topics = append(meta.Topics, named)
	if Rewrite(meta, Endpoint{"localhost", 9092}) || *meta.Topics[0].Topic != placeholderHost {
		t.Error("a topic's name was rewritten")
	}
}
