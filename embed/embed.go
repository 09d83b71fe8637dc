// Package embed holds the files shipped inside the binary: the labelled compose
// files that describe the builtins, the dashboard's assets, the blueprints that code
// is generated from, and the documentation.
package embed

import (
	"embed"
	"io/fs"
)

// Dashboard is the compose layer with the dashboard's route, always there.
//
//go:embed dashboard.yaml
var Dashboard []byte

// Builtins is the compose layer with the builtin services and their routes.
//
//go:embed builtins.yaml
var Builtins []byte

//go:embed all:dashboard
var assets embed.FS

//go:embed all:blueprints
var blueprints embed.FS

//go:embed docs/*.md
var docs embed.FS

// Assets are the dashboard's files; index.html is at the root.
func Assets() fs.FS { return sub(assets, "dashboard") }

// Blueprints has one folder a template of codegen.
func Blueprints() fs.FS { return sub(blueprints, "blueprints") }

// Docs is the documentation, a Markdown file for each topic.
func Docs() fs.FS { return sub(docs, "docs") }

func sub(files embed.FS, dir string) fs.FS {
	f, err := fs.Sub(files, dir)
	if err != nil {
		panic(err) // only for an invalid path, and dir is a constant
	}
	return f
}
