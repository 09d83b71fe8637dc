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
		case understood:
			if len(segments) > 1 { // traefik.enable is dealt with
				d.locate(key, segments)
				d.labels[prefix+key[len(prefix):]] = d.Labels[key]
			}
		case tuning, essential:
			d.locate(key, segments)
			d.unsupported(key, segments, s)
			skipped = append(skipped, segments)
		case unknown:
			ok = d.unknown(key, segments) && ok
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

// unknown refuses a label that Traefik does not know, and reports whether it
// can be passed over: Traefik ignores what lies outside of its own sections,
// where people keep labels for its constraints.
func (d *decoder) unknown(key string, segments []string) bool {
	root := strings.ToLower(segments[0])
	sections := []string{"enable", "http", "tcp", "udp", "tls", "docker", "swarm"}
	near := config.Nearest(root, sections)
	stray := near != root && near != "enable" && len(segments) < 3 // tags is not meant to be tls
	if near == "" || near == "docker" || near == "swarm" || stray {
		if hint := v1Hint(root); hint != "" {
			d.problem(config.Warning, key, "Traefik has no such label: it is ignored", hint)
		}
		return true
	}
	hint := ""
	if n := nearest(segments); n != "" {
		hint = "did you mean " + n + "?"
	}
	d.problem(config.Error, key, "Traefik has no such label", hint)
	return false
}

// v1Hint explains labels that Traefik had up to version 1.
func v1Hint(root string) string {
	switch root {
	case "frontend", "backend", "port", "protocol", "weight":
		return "it is Traefik v1's: see traefik.http.routers and traefik.http.services"
	}
	return ""
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
	return "it is ignored: there is no Swarm here"
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
