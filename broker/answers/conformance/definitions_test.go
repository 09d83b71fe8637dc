package conformance_test

import (
	"archive/zip"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"axion/broker"
	"axion/services/clustertest"
)

// TestDefinitions reads every answer by Apache Kafka's own definitions of its messages,
// which come with its client: what they do not let be null is not.
func TestDefinitions(t *testing.T) {
	clustertest.Slow(t)
	t.Parallel()
	all := definitions(t)
	check := func(resp kmsg.Response, raw []byte) []string {
		d, ok := all[resp.Key()]
		if !ok {
			return []string{"has no definition"}
		}
		if !within(d.ValidVersions, resp.GetVersion()) {
			return nil // kfake knows older ones than Kafka
		}
		if err := d.read(resp.GetVersion(), raw); err != nil {
			return []string{err.Error()}
		}
		return nil
	}
	for _, full := range []bool{true, false} {
		b := start(t, broker.Options{})
		for _, bad := range sweep(t, b.Addr(), full, check) {
			t.Error(bad)
		}
	}
	// The check finds what kfake does.
	const null = "ShareFetch Responses.Partitions.Records is null"
	if found := sweep(t, startKfake(t), true, check); found[null] == "" {
		t.Errorf("kfake: got %v, want %s", found, null)
	}
}

// definition is of a message; its fields and structures have the same form.
type definition struct {
	APIKey           int16       `json:"apiKey"`
	Name             string      `json:"name"`
	ValidVersions    string      `json:"validVersions"`
	FlexibleVersions string      `json:"flexibleVersions"`
	Fields           []element   `json:"fields"`
	CommonStructs    []structure `json:"commonStructs"`
}

type structure struct {
	Name   string    `json:"name"`
	Fields []element `json:"fields"`
}

type element struct {
	Name             string          `json:"name"`
	Type             string          `json:"type"`
	Versions         string          `json:"versions"`
	NullableVersions string          `json:"nullableVersions"`
	TaggedVersions   string          `json:"taggedVersions"`
	FlexibleVersions string          `json:"flexibleVersions"`
	Tag              json.RawMessage `json:"tag"`
	Fields           []element       `json:"fields"`
}

var comment = regexp.MustCompile(`(?m)^\s*//.*$`)

// definitions are those of answers, by key.
func definitions(t *testing.T) map[int16]definition {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(clustertest.Jars(t), "kafka-clients-*.jar"))
	if err != nil || len(found) != 1 {
		t.Fatalf("Kafka's client: %v, %v", found, err)
	}
	jar, err := zip.OpenReader(found[0])
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = jar.Close() }()
	all := make(map[int16]definition)
	for _, f := range jar.File {
		if !strings.HasPrefix(f.Name, "common/message/") || !strings.HasSuffix(f.Name, "Response.json") {
			continue
		}
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		var d definition
		if err := json.Unmarshal(comment.ReplaceAll(text, nil), &d); err != nil {
			t.Fatalf("%s: %v", f.Name, err)
		}
		all[d.APIKey] = d
	}
	return all
}

// within reports whether a version is in a range such as 3, 3+, 3-5 or none.
func within(versions string, version int16) bool {
	first, last, isRange := strings.Cut(strings.TrimSuffix(versions, "+"), "-")
	from, err := strconv.Atoi(first)
	if err != nil || int(version) < from {
		return false
	}
	if strings.HasSuffix(versions, "+") {
		return true
	}
	to := from
	if isRange {
		to, _ = strconv.Atoi(last)
	}
	return int(version) <= to
}

// reader reads an answer by its definition.
type reader struct {
	definition
	version int16
	left    []byte
}

var errShort = errors.New("ends too early")

func (d definition) read(version int16, raw []byte) (err error) {
	r := &reader{d, version, raw}
	defer func() {
		if e, ok := recover().(error); ok {
			err = e
		}
	}()
	r.fields(d.Fields, "")
	if len(r.left) > 0 {
		return fmt.Errorf("has %d bytes behind its fields", len(r.left))
	}
	return nil
}

func (r *reader) take(n int) []byte {
	if n < 0 || n > len(r.left) {
		panic(errShort)
	}
	b := r.left[:n]
	r.left = r.left[n:]
	return b
}

func (r *reader) uvarint() int {
	v, n := binary.Uvarint(r.left)
	if n <= 0 {
		panic(errShort)
	}
	r.take(n)
	return int(v)
}

func (r *reader) flexible() bool { return within(r.FlexibleVersions, r.version) }

func (r *reader) fields(all []element, path string) {
	for _, e := range all {
		if within(e.Versions, r.version) && !(len(e.Tag) > 0 && within(e.TaggedVersions, r.version)) {
			r.element(e, strings.TrimPrefix(path+"."+e.Name, "."))
		}
	}
	if !r.flexible() {
		return
	}
	for range r.uvarint() {
		r.uvarint() // the tag
		r.take(r.uvarint())
	}
}

func (r *reader) element(e element, path string) {
	size := map[string]int{"bool": 1, "int8": 1, "int16": 2, "uint16": 2, "int32": 4, "uint32": 4, "int64": 8, "float64": 8, "uuid": 16}
	of, isArray := strings.CutPrefix(e.Type, "[]")
	switch {
	case isArray:
		n := r.length(e, path, 4)
		for range n {
			r.element(element{Name: e.Name, Type: of, Fields: e.Fields}, path)
		}
	case size[e.Type] > 0:
		r.take(size[e.Type])
	case e.Type == "string":
		r.take(r.length(e, path, 2))
	case e.Type == "bytes" || e.Type == "records":
		r.take(r.length(e, path, 4))
	default:
		if e.NullableVersions != "" && within(e.NullableVersions, r.version) && int8(r.take(1)[0]) < 0 {
			return
		}
		inner := e.Fields
		for _, s := range r.CommonStructs {
			if s.Name == e.Type {
				inner = s.Fields
			}
		}
		r.fields(inner, path)
	}
}

// length reads that of an array, text or bytes, of so many bytes itself.
func (r *reader) length(e element, path string, size int) int {
	var n int
	switch {
	case r.flexible() && e.FlexibleVersions != "none":
		n = r.uvarint() - 1
	case size == 2:
		n = int(int16(binary.BigEndian.Uint16(r.take(2))))
	default:
		n = int(int32(binary.BigEndian.Uint32(r.take(4))))
	}
	if n < 0 && !within(e.NullableVersions, r.version) {
		panic(fmt.Errorf("%s is null", path))
	}
	return max(n, 0)
}
