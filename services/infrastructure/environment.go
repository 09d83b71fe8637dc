package infrastructure

import (
	"slices"
	"strings"
)

// Of axion's own environment a project's process is given what programs need to
// run and to be built, not its secrets.
var (
	passed = []string{
		"PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "TZ", "TMPDIR", "TEMP", "TMP", "PATHEXT", "COMSPEC", "SYSTEMROOT", "SYSTEMDRIVE",
		"USERPROFILE", "APPDATA", "LOCALAPPDATA", "PROGRAMDATA", "SSL_CERT_FILE", "SSL_CERT_DIR", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY",
		"NODE_OPTIONS", "NODE_EXTRA_CA_CERTS", "JAVA_HOME",
		"GOROOT", "GOPATH", "GOCACHE", "GOMODCACHE", "GOPROXY", "GOSUMDB", "GONOSUMDB", "GONOPROXY", "GOPRIVATE", "GOFLAGS", "GOTOOLCHAIN",
	}
	passedPrefixes = []string{"LC_", "XDG_", "NPM_CONFIG_"}
)

// environment is what is kept of all, and what makes a project stand alone: a go.work in
// a folder above it, such as the one in which axion was started, is not its own, and go
// builds nothing that the workspace does not name.
func environment(all []string) []string {
	kept := []string{"GOWORK=off"}
	for _, entry := range all {
		name, _, _ := strings.Cut(entry, "=")
		name = strings.ToUpper(name)
		if slices.Contains(passed, name) || slices.ContainsFunc(passedPrefixes, func(p string) bool { return strings.HasPrefix(name, p) }) {
			kept = append(kept, entry)
		}
	}
	return kept
}
