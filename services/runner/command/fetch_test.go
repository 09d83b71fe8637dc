package command

import (
	"bytes"
	"strings"
	"testing"

	"axion/services/backing/postgres"
)

// TestFetchErr: a version that cannot be had, and one that cannot be reached, are errors with
// a hint, whatever other version is here.
func TestFetchErr(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		binaries postgres.Binaries
		major    int
		want     string
	}{
		"Unknown":   {postgres.Binaries{Cache: t.TempDir()}, 9, "there is no PostgreSQL 9 to fetch: 13 to "},
		"NoNetwork": {postgres.Binaries{Cache: t.TempDir(), Repository: "http://127.0.0.1:1"}, 14, "PostgreSQL 14: "},
		"NoCache":   {postgres.Binaries{}, 14, "PostgreSQL 14: fetching is off"},
	} {
		var out bytes.Buffer
		err := fetch(t.Context(), test.binaries, test.major, &out)
		hint, ok := err.(hinter)
		if !ok || !strings.Contains(err.Error(), test.want) || hint.Hint() == "" || out.Len() > 0 {
			t.Errorf("%s: got %v and %q, want an error with %q", name, err, out.String(), test.want)
		}
	}
}
