package command

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"strings"
)

// variable is one of an environment.
type variable struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	// From is what the compose file has in the value's place, and Service what it names; both
	// are empty where nothing was rewritten.
	From    string `json:"from"`
	Service string `json:"service"`
	Source  string `json:"source"` // file, axion, or with, of what --with has started
}

// formats are how an environment can be written; comments says whether what was rewritten is
// said beside it.
var formats = map[string]func(w io.Writer, all []variable, comments bool) error{
	"dotenv": writeDotenv, "shell": writeShell, "json": writeJSON, "github": writeGitHub,
}

var (
	// identifier is a name that a POSIX shell can set (IEEE 1003.1, 3.216).
	identifier = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	dotenvName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]*$`)
	// bare needs no quotes, in files and in shells.
	bare = regexp.MustCompile(`^[A-Za-z0-9_./:@%+,=-]*$`)
)

// writeDotenv writes a file as compose and the libraries of that name read it.
func writeDotenv(w io.Writer, all []variable, comments bool) error {
	return writeLines(w, all, comments, dotenvName, func(v variable) string { return v.Name + "=" + quoteDotenv(v.Value) })
}

// quoteDotenv quotes a value as little as it needs. In single quotes it is as it stands, but
// for an end by a backslash.
func quoteDotenv(value string) string {
	switch {
	case bare.MatchString(value):
		return value
	case !strings.ContainsAny(value, "'\r\n") && !strings.HasSuffix(value, `\`):
		return "'" + value + "'"
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "$", `\$`, "\n", `\n`, "\r", `\r`).Replace(value) + `"`
}

// writeShell writes what a POSIX shell evaluates.
func writeShell(w io.Writer, all []variable, comments bool) error {
	return writeLines(w, all, comments, identifier, func(v variable) string { return "export " + v.Name + "=" + quoteShell(v.Value) })
}

func quoteShell(value string) string {
	if bare.MatchString(value) {
		return value
	}
	return "'" + strings.ReplaceAll(value, "'", `'\''`) + "'"
}

// writeLines writes variables, a line each. One whose name the format has no form for becomes
// a comment.
func writeLines(w io.Writer, all []variable, comments bool, names *regexp.Regexp, line func(variable) string) error {
	var b strings.Builder
	for _, v := range all {
		if !names.MatchString(v.Name) {
			fmt.Fprintf(&b, "# left out: %q is no name here\n", v.Name)
			continue
		}
		if comments && v.From != "" {
			fmt.Fprintf(&b, "# %s: was %q\n", printable(v.Service), v.From)
		}
		b.WriteString(line(v) + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func writeJSON(w io.Writer, all []variable, _ bool) error {
	values := map[string]string{}
	for _, v := range all {
		values[v.Name] = v.Value
	}
	return json.NewEncoder(w).Encode(values)
}

// writeGitHub writes what the file that $GITHUB_ENV names takes: a value of several lines
// between two of a delimiter that is not in it
// (https://docs.github.com/actions/reference/workflow-commands-for-github-actions).
func writeGitHub(w io.Writer, all []variable, _ bool) error {
	var b strings.Builder
	for _, v := range all {
		switch {
		case v.Name == "" || strings.ContainsAny(v.Name, "=\r\n") || strings.Contains(v.Name, "<<"):
			continue // there is no comment to say so
		case strings.ContainsAny(v.Value, "\r\n"):
			delimiter := "EOF_" + rand.Text()
			fmt.Fprintf(&b, "%s<<%s\n%s\n%s\n", v.Name, delimiter, v.Value, delimiter)
		default:
			fmt.Fprintf(&b, "%s=%s\n", v.Name, v.Value)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}
