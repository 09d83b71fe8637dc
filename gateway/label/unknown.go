package label

import (
	"slices"
	"strings"

	"axion/gateway/config"
)

// read are the beginnings of the labels that Traefik decodes, without "traefik.". An
// unknown one among those makes it leave out the whole container; it does not look
// at any other.
var read = []string{"http", "tcp", "udp", "tls.stores.default", "docker.", "enable"}

// unknown reports a label that Traefik does not know, and whether it can be passed
// over as Traefik does: people keep labels of their own for its constraints.
func (d *decoder) unknown(key string, segments []string) bool {
	name := strings.ToLower(key[len(prefix):])
	hint := ""
	if n := nearest(segments); n != "" {
		hint = "did you mean " + n + "?"
	}
	if slices.ContainsFunc(read, func(begin string) bool { return strings.HasPrefix(name, begin) }) {
		d.problem(config.Error, key, "Traefik has no such label, and leaves out the whole container for it", hint)
		return false
	}
	root := strings.ToLower(segments[0])
	second, _, _ := strings.Cut(strings.ToLower(strings.Join(segments[1:], ".")), ".")
	second, _, _ = strings.Cut(second, "[")
	near := config.Nearest(root, []string{"enable", "http", "tcp", "udp", "tls", "docker"})
	switch {
	case root == "tls" && slices.Contains([]string{"options", "stores", "certificates"}, second):
		d.problem(config.Warning, key, "Traefik ignores this label: only files can set it", inFile(segments))
	case v1Hint(root) != "":
		d.problem(config.Warning, key, "Traefik has no such label: it is ignored", v1Hint(root))
	case near == "enable", near != "" && (near == root || len(segments) > 2): // tags is not meant to be tls
		d.problem(config.Warning, key, "Traefik has no such label: it is ignored", hint)
	}
	return true
}

// inFile says where in a file what a label cannot set belongs.
func inFile(segments []string) string {
	name, _, _ := strings.Cut(strings.ToLower(segments[1]), "[")
	if name == "serverstransports" {
		name = "serversTransports"
	}
	return "put it into a file of the file provider, below " + strings.ToLower(segments[0]) + "." + name
}

// whyNot says what becomes of a label that is not supported.
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

// v1Hint explains labels that Traefik had up to version 1.
func v1Hint(root string) string {
	switch root {
	case "frontend", "backend", "port", "protocol", "weight":
		return "it is Traefik v1's: see traefik.http.routers and traefik.http.services"
	}
	return ""
}
