package broker

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// set changes one setting of a resource; nil takes it back.
func set(t *testing.T, b *Broker, kind kmsg.ConfigResourceType, resource, name string, value *string) {
	t.Helper()
	req := kmsg.NewPtrIncrementalAlterConfigsRequest()
	config := kmsg.IncrementalAlterConfigsRequestResourceConfig{Name: name, Value: value}
	if value == nil {
		config.Op = kmsg.IncrementalAlterConfigOpDelete
	}
	req.Resources = []kmsg.IncrementalAlterConfigsRequestResource{
		{ResourceType: kind, ResourceName: resource, Configs: []kmsg.IncrementalAlterConfigsRequestResourceConfig{config}},
	}
	resp, err := req.RequestWith(testContext(t), client(t, b))
	if err == nil {
		err = kerr.ErrorForCode(resp.Resources[0].ErrorCode)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// settingOf is a setting of a resource, empty where it is not set.
func settingOf(t *testing.T, b *Broker, kind kmsg.ConfigResourceType, resource, name string) string {
	t.Helper()
	all, err := b.Admin().Settings(testContext(t), kind, resource)
	if err != nil {
		t.Fatal(err)
	}
	if v := all[name]; v != nil {
		return *v
	}
	return ""
}

// TestSettingsKept: what is set of groups and of subscriptions to client metrics is so
// after a kill, and after a clean stop.
func TestSettingsKept(t *testing.T) {
	t.Parallel()
	const interval, session = "interval.ms", "consumer.session.timeout.ms"
	metrics, group := kmsg.ConfigResourceTypeClientMetrics, kmsg.ConfigResourceTypeGroupConfig
	dir := t.TempDir()
	b := start(t, Options{Dir: dir})
	value, other := "30000", "50000"
	set(t, b, metrics, "m", interval, &value)
	set(t, b, metrics, "gone", interval, &value)
	set(t, b, metrics, "gone", interval, nil)
	left := t.TempDir()
	if err := os.CopyFS(left, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil { // kfake writes nothing where there is nothing but metrics
		t.Fatal(err)
	}
	for what, dir := range map[string]string{"a kill": left, "a clean stop": dir} {
		b := start(t, Options{Dir: dir})
		if got, gone := settingOf(t, b, metrics, "m", interval), settingOf(t, b, metrics, "gone", interval); got != value || gone != "" {
			t.Errorf("after %s: got %q, and %q of what was taken back", what, got, gone)
		}
		set(t, b, group, "g", session, &other)
		set(t, b, metrics, "m", interval, &other)
		again := t.TempDir()
		if err := os.CopyFS(again, os.DirFS(dir)); err != nil {
			t.Fatal(err)
		}
		b = start(t, Options{Dir: again})
		if got, of := settingOf(t, b, metrics, "m", interval), settingOf(t, b, group, "g", session); got != other || of != other {
			t.Errorf("after %s and a kill: got %q, of the group %q", what, got, of)
		}
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(again, "resource_configs.json")
		if err := os.WriteFile(path, []byte("{"), 0o600); err != nil {
			t.Fatal(err)
		}
		b = start(t, Options{Dir: again, Topics: []string{"a"}})
		if found := b.Damage(); len(found) != 1 || !strings.Contains(found[0].String(), "resource_configs.json") || found[0].Kept == "" {
			t.Errorf("a damaged file: got %v", found)
		}
	}
}
