package bus

import (
	"embed"
	"io/fs"
)

//go:embed migrations
var migrations embed.FS

// Migrations create the tables of packages outbox and inbox, as SQL files for
// goose. A service applies them before its own.
func Migrations() fs.FS {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		panic(err) // only for an invalid path, and this one is a constant
	}
	return files
}
