// Package docs shows the documentation that is in the binary: as text by the command
// `axion docs`, and as pages of the dashboard.
package docs

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"

	"github.com/spf13/cobra"
)

const (
	commandLine = "command-line" // is made of the commands themselves
	labels      = "labels"       // is made of the gateway's lists of keys, by a test
)

// order is the topics' own, from the first thing to read to the last. Each has a file, but
// for [commandLine].
var order = []string{
	"getting-started", "compose", "nestjs", "tests", "gateway", labels, "bus", "dashboard", "cluster", "operations",
	"troubleshooting", commandLine, "figures", "architecture", "contributing",
}

// Topic is one page of the documentation.
type Topic struct {
	Name  string `json:"name" doc:"Its name in addresses and for axion docs"`
	Title string `json:"title"`
}

// Docs is the documentation. Its methods are safe for concurrent use.
type Docs struct {
	files    fs.FS
	commands func() string          // the command line as Markdown
	pages    func() ([]page, error) // in the order of the topics
}

// New returns the documentation of files, which has a NAME.md for each topic, and of the
// command line below root, which is read when it is first shown.
func New(files fs.FS, root *cobra.Command) *Docs {
	d := &Docs{files: files, commands: sync.OnceValue(func() string { return describe(root) })}
	d.pages = sync.OnceValues(d.render)
	return d
}

// Topics lists the topics in the order to read them.
func (d *Docs) Topics() ([]Topic, error) {
	topics := make([]Topic, 0, len(order))
	for _, name := range order {
		text, err := d.Text(name)
		if err != nil {
			return nil, err
		}
		title, _ := split(text)
		topics = append(topics, Topic{Name: name, Title: title})
	}
	return topics, nil
}

// Text is a topic in Markdown. The error is an [*UnknownError] where there is no such topic.
func (d *Docs) Text(name string) (string, error) {
	if !slices.Contains(order, name) {
		return "", &UnknownError{Name: name}
	}
	if name == commandLine {
		return d.commands(), nil
	}
	text, err := fs.ReadFile(d.files, name+".md")
	return string(text), err
}

// split gives a topic's title, which is its first line, and what follows it.
func split(text string) (title, rest string) {
	title, rest, _ = strings.Cut(text, "\n")
	return strings.TrimPrefix(title, "# "), rest
}

// UnknownError says that there is no such topic.
type UnknownError struct{ Name string }

func (e *UnknownError) Error() string { return fmt.Sprintf("there is no topic %q", e.Name) }

// Hint names those that the name may have been meant for, and all topics where there is none.
func (e *UnknownError) Hint() string {
	topics := &cobra.Command{SuggestionsMinimumDistance: 2} // cobra knows what is near, of commands
	for _, name := range order {
		topics.AddCommand(&cobra.Command{Use: name, Run: func(*cobra.Command, []string) {}})
	}
	if near := topics.SuggestionsFor(e.Name); len(near) > 0 && e.Name != "" {
		return fmt.Sprintf("did you mean %s?", strings.Join(near, " or "))
	}
	return "the topics are " + strings.Join(order, ", ")
}
