package label

import (
	"fmt"
	"strings"

	"axion/gateway/config"
)

// maxLabel bounds the bytes of a label's name and of its value.
const maxLabel = 64 << 10

// sort separates the labels to decode from those that are not supported yet,
// and reports whether all are known.
func (d *decoder) sort() bool {
	d.labels, d.first, d.out = map[string]string{}, map[string]int{}, map[string]string{}
	ok := true
	for _, key := range d.keys() {
		if len(key) > maxLabel || len(d.Labels[key]) > maxLabel {
			d.problem(config.Error, key[:min(len(key), 80)], fmt.Sprintf("the label is longer than %d bytes", maxLabel), "")
			ok = false
			continue
		}
		segments := strings.Split(key[len(prefix):], ".")
		d.locate(key, segments)
		switch s := known().find(segments); s {
		case understood:
			if len(segments) > 1 { // traefik.enable is dealt with
				d.labels[prefix+strings.Join(segments, ".")] = d.Labels[key]
			}
		case tuning, essential:
			d.unsupported(key, segments, s)
		case unknown:
			ok = d.unknown(key, segments) && ok
		}
	}
	d.skip()
	return ok
}

// locate notes the first line of what the label defines.
func (d *decoder) locate(key string, segments []string) {
	if len(segments) < 3 {
		return
	}
	at := strings.ToLower(strings.Join(segments[:3], "."))
	if line := d.Lines[key]; d.first[at] == 0 || line < d.first[at] {
		d.first[at] = line
	}
}

// unknown refuses a label that Traefik does not know, and reports whether it
// can be passed over: Traefik ignores what lies outside of its own sections,
// where people keep labels for its constraints.
func (d *decoder) unknown(key string, segments []string) bool {
	root := strings.ToLower(segments[0])
	sections := []string{"enable", "http", "tcp", "udp", "tls", "docker", "swarm"}
	near := config.Nearest(root, sections)
	if near == "" || near == "docker" || near == "swarm" {
		d.problem(config.Warning, key, "Traefik has no such label: it is ignored", v1Hint(root))
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

// unsupported reports a label that Traefik knows and this gateway does not yet,
// and notes what has to be left out for want of it.
func (d *decoder) unsupported(key string, segments []string, s status) {
	kind := strings.ToLower(segments[0])
	if kind == "tcp" || kind == "udp" {
		name := strings.ToLower(strings.Join(segments[:min(3, len(segments))], "."))
		if d.out[name] == "" {
			d.out[name] = key
			what := strings.TrimSuffix(strings.ToLower(segments[1]), "s")
			d.problem(config.Error, key, fmt.Sprintf("the %s %s %q is left out: %s is not supported yet",
				strings.ToUpper(kind), what, segments[2], strings.ToUpper(kind)), "")
		}
		return
	}
	if s == essential {
		d.out[strings.ToLower(strings.Join(segments[:3], "."))] = key
		if strings.EqualFold(segments[1], "routers") {
			d.problem(config.Error, key, fmt.Sprintf("the router %q is left out: this label is not supported yet", segments[2]), "")
			return
		}
	}
	d.problem(config.Warning, key, "this label is not supported yet", "")
	if strings.EqualFold(segments[0], "http") && strings.EqualFold(segments[1], "middlewares") {
		d.set.Skipped[segments[2]] = true // unless other labels build it
	}
}

// skip settles which middlewares are left out and how much that matters.
func (d *decoder) skip() {
	built := map[string]bool{}
	for key := range d.labels {
		if segments := strings.Split(key[len(prefix):], "."); len(segments) > 2 {
			built[strings.ToLower(strings.Join(segments[:3], "."))] = true
		}
	}
	for name := range d.set.Skipped {
		at := ref("middlewares", name)
		switch key := d.out[at]; {
		case key != "":
			d.set.Unsupported[name] = key
			delete(d.set.Skipped, name)
		case built[at]:
			delete(d.set.Skipped, name)
		}
	}
}
