package compose

import (
	"strings"
	"testing"
)

func TestPropose(t *testing.T) {
	t.Parallel()
	const scripts = `{"scripts": {"start": "node .", "dev": "vite"}}`
	for name, c := range map[string]struct {
		files      map[string]string
		want, from string
	}{
		"Npm": {map[string]string{"package.json": scripts, "package-lock.json": ""}, "npm run dev", "package.json"},
		"Nest": {map[string]string{"package.json": `{"scripts": {"start:dev": "nest start --watch", "dev": "x"}}`, "yarn.lock": ""},
			"yarn run start:dev", "package.json"},
		"Pnpm": {map[string]string{"package.json": scripts, "pnpm-lock.yaml": ""}, "pnpm run dev", "package.json"},
		"Bun":  {map[string]string{"package.json": scripts, "bun.lock": ""}, "bun run dev", "package.json"},
		"NoScript": {map[string]string{"package.json": "{}", "Dockerfile": "FROM node\nCMD [\"node\", \"a.js\"]\n"}, "node a.js",
			"Dockerfile"},
		"Go": {map[string]string{"go.mod": "module a", "main.go": "// A.\npackage main\n", "cmd/x/main.go": "package main\n"},
			"go run .", "go.mod"},
		"GoCmd": {map[string]string{"go.mod": "module a", "a.go": "package a\n", "cmd/x/main.go": "package main\n"}, "go run ./cmd/x",
			"go.mod"},
		"GoTwo": {map[string]string{"go.mod": "module a", "cmd/x/main.go": "package main\n", "cmd/y/main.go": "package main\n"}, "", ""},
		"Rust":  {map[string]string{"Cargo.toml": ""}, "cargo run", "Cargo.toml"},
		"FastAPI": {map[string]string{"app/main.py": "from fastapi import FastAPI\nserver = FastAPI()\n"}, "uvicorn app.main:server --reload",
			"app/main.py"},
		"Python":      {map[string]string{"app.py": "print(1)"}, "python3 app.py", "app.py"},
		"Module":      {map[string]string{"shop/__main__.py": ""}, "python3 -m shop", "shop/__main__.py"},
		"Django":      {map[string]string{"manage.py": "x"}, "python3 manage.py runserver", "manage.py"},
		"LastStage":   {map[string]string{"Dockerfile": "FROM a\nCMD [\"x\"]\nFROM b\nENTRYPOINT [\"y\"]\nCMD [\"z\"]\n"}, "y z", "Dockerfile"},
		"Continued":   {map[string]string{"Dockerfile": "FROM a\nCMD [\"x\", \\\n  \"y\"]\n"}, "x y", "Dockerfile"},
		"NothingHere": {map[string]string{"README": ""}, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, err := propose(write(t, c.files))
			if err != nil {
				t.Fatal(err)
			}
			var got, from string
			if p != nil {
				got, from = strings.Join(p.Argv, " "), p.From
			}
			if got != c.want || from != c.from {
				t.Errorf("got %q of %q, want %q of %q", got, from, c.want, c.from)
			}
		})
	}
}
