package infrastructure

import (
	"slices"
	"strings"
)

// Of axion's own environment a project's process inherits what programs need to run and to
// be built, not its secrets.
var (
	inheritedEnv = []string{
		"PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "TZ", "TMPDIR", "TEMP", "TMP", "PATHEXT", "COMSPEC", "SYSTEMROOT", "SYSTEMDRIVE",
		"USERPROFILE", "APPDATA", "LOCALAPPDATA", "PROGRAMDATA", "SSL_CERT_FILE", "SSL_CERT_DIR", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY",
		"NODE_OPTIONS", "NODE_EXTRA_CA_CERTS", "JAVA_HOME",
		"GOROOT", "GOPATH", "GOCACHE", "GOMODCACHE", "GOPROXY", "GOSUMDB", "GONOSUMDB", "GONOPROXY", "GOPRIVATE", "GOFLAGS", "GOTOOLCHAIN",
	}
	inheritedPrefixes = []string{"LC_", "XDG_", "NPM_CONFIG_"}
)

// environment returns what a project's process inherits of all, and GOWORK=off: with a
// go.work in a folder above, such as the one in which axion was started, go builds only the
// modules that it names.
func environment(all []string) []string {
	kept := []string{"GOWORK=off"}
	for _, entry := range all {
		name, _, _ := strings.Cut(entry, "=")
		name = strings.ToUpper(name)
		inherits := func(prefix string) bool { return strings.HasPrefix(name, prefix) }
		if slices.Contains(inheritedEnv, name) || slices.ContainsFunc(inheritedPrefixes, inherits) {
			kept = append(kept, entry)
		}
	}
	return kept
}
