package label

import (
	"fmt"
	"strings"

	"axion/gateway/config"
)

// maxLabel bounds the bytes of a label's name and of its value.
const maxLabel = 64 << 10

// classify separates the labels to decode from those that are not supported, and
// reports whether all are known.
func (d *decoder) classify() bool {
	d.labels, d.first, d.out = make(map[string]string, len(d.keys)), map[string]string{}, map[string]string{}
	ok := true
	var skipped [][]string
	for _, key := range d.keys {
		if len(key) > maxLabel || len(d.Labels[key]) > maxLabel {
			d.problem(config.Error, key[:min(len(key), 80)], fmt.Sprintf("the label is longer than %d bytes", maxLabel), "")
			ok = false
			continue
		}
		segments := strings.Split(key[len(prefix):], ".")
		s := known().find(segments)
		if s == optional || s == required {
			skipped = append(skipped, segments)
		}
		ok = d.sort(key, segments, s) && ok
	}
	d.skip(skipped)
	return ok
}

// sort puts a label among those to decode, or reports why it is none. It returns false for
// one with which all labels of the service are void.
func (d *decoder) sort(key string, segments []string, s status) bool {
	switch s {
	case newer:
		d.problem(config.Notice, key, "the label is followed, and Traefik 3.7 leaves out the whole container for it: it does not have it", "")
		fallthrough
	case understood:
		if len(segments) > 1 { // traefik.enable is dealt with
			d.locate(key, segments)
			d.labels[prefix+key[len(prefix):]] = d.Labels[key]
		}
	case optional, required:
		d.locate(key, segments)
		d.unsupported(key, segments, s)
	case fileOnly:
		d.problem(config.Warning, key, "Traefik ignores this label: only files can set it", inFile(segments))
	case reserved:
		d.problem(config.Warning, key, "Traefik ignores this label: it keeps the field for itself", insteadOf(segments))
	case unknown:
		return d.unknown(key, segments)
	case ignored:
	}
	return true
}

// locate notes the first label of what the label defines.
func (d *decoder) locate(key string, segments []string) {
	if len(segments) < 3 {
		return
	}
	at := strings.ToLower(strings.Join(segments[:3], "."))
	if d.first[at] == "" {
		d.first[at] = key
	}
}

// unsupported reports a label that Traefik knows and that means nothing here,
// and notes the middleware that cannot be without it.
func (d *decoder) unsupported(key string, segments []string, s status) {
	if s == required {
		d.out[strings.ToLower(strings.Join(segments[:3], "."))] = key
	}
	d.problem(config.Warning, key, "this label is not supported", whyNot(segments))
}

// skip decides which middlewares are left out because of labels that are not
// supported. One with nothing but harmless ones is what Traefik's is without them.
func (d *decoder) skip(labels [][]string) {
	for _, segments := range labels {
		if len(segments) < 4 {
			continue
		}
		at := strings.ToLower(strings.Join(segments[:3], "."))
		if key := d.out[at]; key != "" {
			put(&d.set.Unsupported, segments[2], key)
			continue
		}
		key := prefix + "http.middlewares." + segments[2] + ".ratelimit.average"
		if !d.decodes(key) {
			d.labels[key] = "0"
		}
	}
}

func (d *decoder) decodes(key string) bool {
	for k := range d.labels {
		if strings.EqualFold(k, key) {
			return true
		}
	}
	return false
}

// put adds an entry to a map that is made with its first one.
func put[V any](m *map[string]V, name string, value V) {
	if *m == nil {
		*m = map[string]V{}
	}
	(*m)[name] = value
}
