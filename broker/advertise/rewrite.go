package advertise

import (
	"bytes"
	"reflect"
	"sync"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// placeholderHost is under a top-level domain that never resolves (RFC 2606).
const placeholderHost = "advertised.invalid"

// Placeholder is the address of the one listener that kfake is given: it has a
// single one for all clients, and has its address in Metadata, FindCoordinator,
// DescribeCluster, ShareFetch, and in Produce and Fetch where a partition has
// moved. No client gets to see it: see [MayContain] and [Rewrite].
const Placeholder = placeholderHost + ":1"

// tailBytes holds the broker at the end of an answer with records: its id, host,
// port, rack and tagged fields.
const tailBytes = 512

// MayContain reports whether an answer of this key may contain the placeholder. It looks
// for the name alone, and at the last bytes alone of answers that carry records,
// which name brokers at their end.
func MayContain(key int16, answer []byte) bool {
	switch kmsg.Key(key) {
	case kmsg.Fetch, kmsg.ShareFetch:
		answer = answer[max(0, len(answer)-tailBytes):]
	}
	return bytes.Contains(answer, []byte(placeholderHost))
}

// Rewrite puts e wherever an answer has the placeholder, and reports whether it
// does: in every structure with a host and a port, whatever the answer is.
func Rewrite(answer kmsg.Response, e Endpoint) bool {
	return rewrite(reflect.ValueOf(answer).Elem(), e)
}

func rewrite(v reflect.Value, e Endpoint) (changed bool) {
	switch v.Kind() {
	case reflect.Pointer:
		return !v.IsNil() && rewrite(v.Elem(), e)
	case reflect.Slice:
		if !hasHost(v.Type().Elem()) {
			return false // such as the topics of Metadata, which are many
		}
		for i := range v.Len() {
			changed = rewrite(v.Index(i), e) || changed
		}
	case reflect.Struct:
		changed = rewriteHost(v, e)
		for i := range v.NumField() {
			if f := v.Field(i); f.CanSet() {
				changed = rewrite(f, e) || changed
			}
		}
	}
	return changed
}

// hosts keeps what hasHost has found, by type.
var hosts sync.Map

// hasHost reports whether a type has a host and a port anywhere.
func hasHost(t reflect.Type) (found bool) {
	if known, ok := hosts.Load(t); ok {
		return known.(bool)
	}
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice:
		found = hasHost(t.Elem())
	case reflect.Struct:
		_, host := t.FieldByName("Host")
		_, port := t.FieldByName("Port")
		found = host && port
		for i := 0; i < t.NumField() && !found; i++ {
			found = hasHost(t.Field(i).Type)
		}
	}
	hosts.Store(t, found)
	return found
}

// rewriteHost sets the host and port of a structure that has both.
func rewriteHost(v reflect.Value, e Endpoint) bool {
	host, port := v.FieldByName("Host"), v.FieldByName("Port")
	if !host.IsValid() || !port.IsValid() || host.Kind() != reflect.String || host.String() != placeholderHost {
		return false
	}
	switch {
	case port.CanInt():
		port.SetInt(int64(e.Port))
	case port.CanUint():
		port.SetUint(uint64(e.Port))
	default:
		return false
	}
	host.SetString(e.Host)
	return true
}
