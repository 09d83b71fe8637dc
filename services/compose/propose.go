package compose

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Proposal is a command that a folder suggests.
type Proposal struct {
	Argv Argv
	From string // the file that suggests it
}

// String is the command as it would be written into a file.
func (p *Proposal) String() string {
	return strings.Join(p.Argv, " ")
}

// maxScan bounds what is read of a file to find out what it is.
const maxScan = 1 << 20

// propose looks for a command in a folder; nil where nothing suggests one. What runs
// the code with reload comes before what an image runs.
func propose(dir string) (*Proposal, error) {
	if err := checkDirectory(dir); err != nil {
		return nil, err
	}
	for _, find := range []func(folder) (*Proposal, error){
		folder.node, folder.golang, folder.rust, folder.python, folder.dockerfile,
	} {
		if p, err := find(folder(dir)); p != nil || err != nil {
			return p, err
		}
	}
	return nil, nil
}

// folder is a folder in which commands are looked for.
type folder string

func (f folder) has(name string) bool {
	_, err := os.Stat(filepath.Join(string(f), name))
	return err == nil
}

// read reads a file; "" if there is none.
func (f folder) read(name string) (string, error) {
	info, err := os.Stat(filepath.Join(string(f), name))
	if errors.Is(err, fs.ErrNotExist) || err == nil && (!info.Mode().IsRegular() || info.Size() > maxScan) {
		return "", nil
	}
	data, err := os.ReadFile(filepath.Join(string(f), name))
	return string(data), err
}

// node proposes the script that develops, or else starts, by the package manager whose
// lock file is there.
func (f folder) node() (*Proposal, error) {
	text, err := f.read("package.json")
	if text == "" || err != nil {
		return nil, err
	}
	var manifest struct {
		Scripts map[string]string `json:"scripts"`
	}
	if err := json.Unmarshal([]byte(text), &manifest); err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(string(f), "package.json"), err)
	}
	manager := "npm"
	for lock, name := range map[string]string{"pnpm-lock.yaml": "pnpm", "yarn.lock": "yarn", "bun.lockb": "bun", "bun.lock": "bun"} {
		if f.has(lock) {
			manager = name
		}
	}
	for _, script := range []string{"start:dev", "dev", "start"} {
		if manifest.Scripts[script] != "" {
			return &Proposal{Argv{manager, "run", script}, "package.json"}, nil
		}
	}
	return nil, nil
}

var mainPackage = regexp.MustCompile(`(?m)^package main\b`)

// golang proposes the module's one program.
func (f folder) golang() (*Proposal, error) {
	if !f.has("go.mod") {
		return nil, nil
	}
	var programs []string
	for _, pattern := range []string{"*.go", "cmd/*/*.go"} {
		files, err := filepath.Glob(filepath.Join(string(f), pattern))
		if err != nil {
			return nil, err
		}
		for _, file := range files {
			name, _ := filepath.Rel(string(f), file)
			text, err := f.read(name)
			if err != nil {
				return nil, err
			}
			at := "./" + filepath.ToSlash(filepath.Dir(name))
			if mainPackage.MatchString(text) && !strings.HasSuffix(name, "_test.go") && !slices.Contains(programs, at) {
				programs = append(programs, at)
			}
		}
	}
	if len(programs) == 0 || len(programs) > 1 && programs[0] != "./." {
		return nil, nil
	}
	return &Proposal{Argv{"go", "run", strings.TrimSuffix(programs[0], "/.")}, "go.mod"}, nil
}

func (f folder) rust() (*Proposal, error) {
	if !f.has("Cargo.toml") {
		return nil, nil
	}
	return &Proposal{Argv{"cargo", "run"}, "Cargo.toml"}, nil
}

var asgi = regexp.MustCompile(`(?m)^(\w+)\s*=\s*(?:fastapi\.)?(?:FastAPI|Starlette)\(`)

// python proposes uvicorn for an application that needs a server, and what runs by
// itself as it is.
func (f folder) python() (*Proposal, error) {
	if f.has("manage.py") {
		return &Proposal{Argv{"python3", "manage.py", "runserver"}, "manage.py"}, nil
	}
	for _, name := range []string{"main.py", "app.py", "app/main.py", "src/main.py"} {
		text, err := f.read(name)
		if err != nil {
			return nil, err
		}
		if match := asgi.FindStringSubmatch(text); match != nil {
			module := strings.ReplaceAll(strings.TrimSuffix(name, ".py"), "/", ".")
			return &Proposal{Argv{"uvicorn", module + ":" + match[1], "--reload"}, name}, nil
		}
		if text != "" {
			return &Proposal{Argv{"python3", name}, name}, nil
		}
	}
	packages, err := filepath.Glob(filepath.Join(string(f), "*", "__main__.py"))
	if err != nil || len(packages) != 1 {
		return nil, err
	}
	module := filepath.Base(filepath.Dir(packages[0]))
	return &Proposal{Argv{"python3", "-m", module}, module + "/__main__.py"}, nil
}

// dockerfile proposes what the last stage's ENTRYPOINT and CMD say.
func (f folder) dockerfile() (*Proposal, error) {
	text, err := f.read("Dockerfile")
	if err != nil {
		return nil, err
	}
	var entrypoint, command Argv
	for line := range strings.Lines(strings.ReplaceAll(text, "\\\n", " ")) {
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch strings.ToUpper(word) {
		case "FROM":
			entrypoint, command = nil, nil
		case "ENTRYPOINT":
			entrypoint, command = dockerArgv(rest), nil
		case "CMD":
			command = dockerArgv(rest)
		}
	}
	if argv := slices.Concat(entrypoint, command); len(argv) > 0 {
		return &Proposal{argv, "Dockerfile"}, nil
	}
	return nil, nil
}

// dockerArgv is a command in one of the two forms that a Dockerfile has.
func dockerArgv(text string) Argv {
	var argv Argv
	if json.Unmarshal([]byte(text), &argv) == nil {
		return argv
	}
	return Shell(strings.TrimSpace(text))
}
