package answers

import (
	"fmt"
	"reflect"
	"strings"
	"sync"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// Field is a field of an answer that the protocol lets be null. A path names the
// fields of kmsg's types, through arrays and structures, such as Topics.Configs.
type Field struct {
	Path string
	// Null says that Kafka sends null too, for "none".
	Null bool
}

// Fields are the fields of a key's answers that the protocol lets be null, in any
// version. The caller does not change them.
func Fields(key kmsg.Key) []Field { return nullable[key] }

// plan is the way to the fields of one answer that are to be filled, by index.
type plan struct{ paths [][]int }

// filled has a plan for each key with fields that are never null.
var filled = plans()

func plans() map[kmsg.Key]func() plan {
	all := make(map[kmsg.Key]func() plan)
	for key, fields := range nullable {
		var paths []string
		for _, f := range fields {
			if !f.Null {
				paths = append(paths, f.Path)
			}
		}
		if len(paths) > 0 && !hot(key) {
			all[key] = sync.OnceValue(func() plan { return planOf(key, paths) })
		}
	}
	return all
}

// hot reports whether answers of a key must not be decoded.
func hot(key kmsg.Key) bool { return key == kmsg.Fetch || key == kmsg.Produce }

// planOf finds the fields. A path that is not there is a mistake in the table, which
// the tests would find first.
func planOf(key kmsg.Key, paths []string) plan {
	var p plan
	for _, path := range paths {
		at := reflect.TypeOf(kmsg.ResponseForKey(int16(key))).Elem()
		var index []int
		for name := range strings.SplitSeq(path, ".") {
			for at.Kind() == reflect.Slice || at.Kind() == reflect.Pointer {
				at = at.Elem()
			}
			field, ok := at.FieldByName(name)
			if !ok {
				panic(fmt.Sprintf("answers: %s has no field %s", key.Name(), path))
			}
			index = append(index, field.Index[0])
			at = field.Type
		}
		p.paths = append(p.paths, index)
	}
	return p
}

// Fill makes the nulls of an answer empty that Kafka never sends, and reports
// whether there were any.
func Fill(resp kmsg.Response) bool {
	find, ok := filled[kmsg.Key(resp.Key())]
	if !ok {
		return false
	}
	changed := false
	for _, path := range find().paths {
		changed = fill(reflect.ValueOf(resp), path) || changed
	}
	return changed
}

// failed reports whether a field is the message of an error, which may have no text.
func failed(parent reflect.Value, field int) bool {
	if parent.Type().Field(field).Name != "ErrorMessage" {
		return false
	}
	code := parent.FieldByName("ErrorCode")
	return code.IsValid() && !code.IsZero()
}

func fill(v reflect.Value, path []int) bool {
	changed := false
	switch {
	case v.Kind() == reflect.Pointer && v.Type().Elem().Kind() == reflect.Struct:
		return !v.IsNil() && fill(v.Elem(), path)
	case v.Kind() == reflect.Slice && len(path) > 0:
		for i := range v.Len() {
			changed = fill(v.Index(i), path) || changed
		}
		return changed
	case len(path) > 0:
		if at := v.Field(path[0]); len(path) > 1 || !failed(v, path[0]) {
			return fill(at, path[1:])
		}
		return false
	case !v.IsNil():
		return false
	case v.Kind() == reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 0, 0))
	default: // a text
		v.Set(reflect.New(v.Type().Elem()))
	}
	return true
}
