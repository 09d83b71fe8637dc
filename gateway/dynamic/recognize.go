package dynamic

import (
	"bytes"
	"regexp"

	"axion/gateway/dynamic/document"
)

// A template need be neither YAML nor TOML before it has run, so that its lines
// are all that can be looked at.
var (
	yamlSection = regexp.MustCompile(`(?mi)^["']?(http|tcp|udp|tls)["']?[ \t]*:([ \t\r]|$)`)
	tomlSection = regexp.MustCompile(`(?mi)^[ \t]*\[{1,2}[ \t]*"?(http|tcp|udp|tls)"?[ \t]*[.\]]`)
)

// IsDynamicConfig reports whether a file looks like one of Traefik's dynamic
// configuration, rather than a compose file: whether its top level has http, tcp,
// udp or tls.
func IsDynamicConfig(data []byte) bool {
	if len(data) > document.MaxBytes {
		return false
	}
	if trimmed := bytes.TrimSpace(data); len(trimmed) > 0 && trimmed[0] == '{' {
		for _, form := range []string{"a.json", "a.yaml"} {
			if root, problem := document.Parse(form, data); problem == nil {
				return root.At("http") != nil || root.At("tcp") != nil || root.At("udp") != nil || root.At("tls") != nil
			}
		}
	}
	return yamlSection.Match(data) || tomlSection.Match(data)
}
