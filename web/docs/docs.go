// Package docs shows the documentation that is in the binary: as text by the command
// `axion docs`, and as pages of the dashboard.
package docs

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// commandLine is the topic that is made of the commands themselves.
const commandLine = "command-line"

// order is the topics' own, from the first thing to read to the last. Each has a file, but
// for [commandLine].
var order = []string{
	"getting-started", "compose", "nestjs", "tests", "gateway", "labels", "bus", "dashboard", "cluster", "operations",
	"troubleshooting", commandLine, "figures", "architecture", "contributing",
}

// Topic is one page of the documentation.
type Topic struct {
	Name  string `json:"name" doc:"Its name in addresses and for axion docs"`
	Title string `json:"title"`
}

// Docs is the documentation. Its methods are safe for concurrent use.
type Docs struct {
	files fs.FS
	root  *cobra.Command
}

// New gives the documentation of files, which has a NAME.md for each topic, and of the
// command line below root.
func New(files fs.FS, root *cobra.Command) *Docs { return &Docs{files: files, root: root} }

// Topics lists the topics in the order to read them.
func (d *Docs) Topics() ([]Topic, error) {
	topics := make([]Topic, 0, len(order))
	for _, name := range order {
		text, err := d.Text(name)
		if err != nil {
			return nil, err
		}
		first, _, _ := strings.Cut(text, "\n")
		topics = append(topics, Topic{Name: name, Title: strings.TrimPrefix(first, "# ")})
	}
	return topics, nil
}

// Text is a topic in Markdown. The error is an [*UnknownError] where there is no such topic.
func (d *Docs) Text(name string) (string, error) {
	if !slices.Contains(order, name) {
		return "", &UnknownError{Name: name}
	}
	if name == commandLine {
		return describe(d.root), nil
	}
	text, err := fs.ReadFile(d.files, name+".md")
	return string(text), err
}

// UnknownError says that there is no such topic.
type UnknownError struct{ Name string }

func (e *UnknownError) Error() string { return fmt.Sprintf("there is no documentation of %q", e.Name) }

// Hint lists the topics.
func (e *UnknownError) Hint() string { return "the topics are " + strings.Join(order, ", ") }
