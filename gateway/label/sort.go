package label

import (
	"fmt"
	"strings"

	"axion/gateway/config"
)

// maxLabel bounds the bytes of a label's name and of its value.
const maxLabel = 64 << 10

// sort separates the labels to decode from those that are not supported, and
// reports whether all are known.
func (d *decoder) sort() bool {
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
		switch s := known().find(segments); s {
		case newer:
			d.problem(config.Notice, key, "the label is followed, and Traefik 3.7 leaves out the whole container for it: it does not have it", "")
			fallthrough
		case understood:
			if len(segments) > 1 { // traefik.enable is dealt with
				d.locate(key, segments)
				d.labels[prefix+key[len(prefix):]] = d.Labels[key]
			}
		case tuning, essential:
			d.locate(key, segments)
			d.unsupported(key, segments, s)
			skipped = append(skipped, segments)
		case fileOnly:
			d.problem(config.Warning, key, "Traefik ignores this label: only files can set it", inFile(segments))
		case reserved:
			d.problem(config.Warning, key, "Traefik ignores this label: it keeps the field for itself", insteadOf(segments))
		case unknown:
			ok = d.unknown(key, segments) && ok
		case inert:
		}
	}
	d.skip(skipped)
	return ok
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
	if s == essential {
		d.out[strings.ToLower(strings.Join(segments[:3], "."))] = key
	}
	d.problem(config.Warning, key, "this label is not supported", whyNot(segments))
}

// whyNot tells what becomes of a label that is not supported.
func whyNot(segments []string) string {
	switch strings.ToLower(segments[min(3, len(segments)-1)]) {
	case "plugin":
		return "plugins cannot be loaded: routers that use this middleware are left out"
	case "ratelimit":
		return "the limit is counted in this process, without Redis"
	}
	absent := "Swarm"
	switch strings.ToLower(segments[0]) {
	case "consulcatalog":
		absent = "Consul"
	case "nomad":
		absent = "Nomad"
	}
	return "it is ignored: there is no " + absent + " here"
}

// insteadOf says what to write in place of a label that Traefik keeps for itself.
func insteadOf(segments []string) string {
	for _, f := range config.ReservedFields() {
		names := strings.Split(strings.ReplaceAll(f.Path, "servers[n]", "server"), ".")
		matches := len(names) <= len(segments)
		for i := 0; matches && i < len(names); i++ {
			matches = names[i] == "*" || strings.EqualFold(names[i], unindexed(segments[i]))
		}
		if matches {
			return f.Hint
		}
	}
	return ""
}

// skip settles which middlewares are left out because of labels that are not
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
