package infrastructure

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"axion/services/contract"
)

// Bounds of one project.
const (
	maxFiles   = 1000
	maxBytes   = 16 << 20
	maxPath    = 255
	maxBuild   = 10      // commands
	maxCommand = 8 << 10 // bytes of one
)

var (
	// label is a DNS label (RFC 1123): it becomes part of a host name and of
	// label names.
	label = regexp.MustCompile(`^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$`)
	// id becomes the name of a folder.
	id = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$`)
)

// modules is a folder from which Node.js loads what a program below the folder's parent
// requires and does not bring: other projects' processes would run the files of one with
// this id.
const modules = "node_modules"

// named reports whether an id may name a folder, also where case does not distinguish names.
func named(text string) bool { return id.MatchString(text) && !strings.EqualFold(text, modules) }

// check refuses what could leave the project's folder or break its labels.
func check(req contract.ProvisionRequest) error {
	switch {
	case !named(req.ProjectID):
		return fmt.Errorf("projectId %q: must be letters, digits, - and _, and not "+modules, req.ProjectID)
	case !named(req.DeploymentID):
		return fmt.Errorf("deploymentId %q: must be letters, digits, - and _, and not "+modules, req.DeploymentID)
	case !label.MatchString(req.Slug):
		return fmt.Errorf("slug %q: must be lower-case letters, digits and -, at most 63", req.Slug)
	case len(req.Files) > maxFiles:
		return fmt.Errorf("files: %d are more than %d", len(req.Files), maxFiles)
	}
	if req.Run.Runtime == contract.RuntimeProcess {
		return errors.Join(checkRun(req.Run), checkFiles(req.Files, false))
	}
	if req.Run.Runtime != "" && req.Run.Runtime != contract.RuntimeStatic {
		return fmt.Errorf("run.runtime %q: there are %s and %s", req.Run.Runtime, contract.RuntimeStatic, contract.RuntimeProcess)
	}
	return checkFiles(req.Files, true)
}

// checkRun refuses commands that no machine could start.
func checkRun(run contract.Run) error {
	if len(run.Build) > maxBuild {
		return fmt.Errorf("run.build: %d commands are more than %d", len(run.Build), maxBuild)
	}
	for i, command := range append(run.Build[:len(run.Build):len(run.Build)], run.Command) {
		name := "run.command"
		if i < len(run.Build) {
			name = fmt.Sprintf("run.build[%d]", i)
		}
		if len(command) == 0 || command[0] == "" {
			return fmt.Errorf("%s: is missing", name)
		}
		if text := strings.Join(command, ""); len(text) > maxCommand || strings.ContainsRune(text, 0) {
			return fmt.Errorf("%s: must be at most %d bytes, without a NUL character", name, maxCommand)
		}
	}
	if dir := run.Directory; dir != "" && !filepath.IsLocal(filepath.FromSlash(dir)) {
		return fmt.Errorf("run.directory %q: must be a relative path that stays inside the project", dir)
	}
	if u, err := url.Parse(run.Health); run.Health != "" && (err != nil || u.Host != "" || !strings.HasPrefix(run.Health, "/")) {
		return fmt.Errorf("run.health %q: must be a path such as /health", run.Health)
	}
	return nil
}

// checkFiles refuses files that cannot be written; with page, also a project that
// has no page to show.
func checkFiles(files []contract.File, page bool) error {
	size, index := 0, false
	isFile := map[string]bool{} // false: a folder
	for _, f := range files {
		if err := checkPath(f.Path, isFile); err != nil {
			return fmt.Errorf("file %q: %w", f.Path, err)
		}
		size += len(f.Content)
		index = index || f.Path == "index.html" || f.Path == "public/index.html"
	}
	if size > maxBytes {
		return fmt.Errorf("files: %d bytes are more than %d", size, maxBytes)
	}
	if page && !index {
		return errors.New("nothing to serve: the project has neither index.html nor public/index.html")
	}
	return nil
}

// checkPath refuses a path that leads out or that another one stands in the way
// of, and notes it and its folders in isFile.
func checkPath(name string, isFile map[string]bool) error {
	if !fs.ValidPath(name) || name == "." || strings.ContainsRune(name, 0) || !filepath.IsLocal(filepath.FromSlash(name)) {
		return errors.New("must be a relative path that stays inside the project")
	}
	if len(name) > maxPath {
		return fmt.Errorf("its path is longer than %d bytes", maxPath)
	}
	if _, ok := isFile[name]; ok {
		return errors.New("is there twice")
	}
	isFile[name] = true
	for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
		if isFile[dir] {
			return fmt.Errorf("lies in %q, which is a file", dir)
		}
		isFile[dir] = false
	}
	return nil
}

// writeFiles makes folder hold exactly files. They are written beside it first,
// so that a folder by that name is always whole.
func writeFiles(folder string, files []contract.File) error {
	if err := os.MkdirAll(filepath.Dir(folder), 0o700); err != nil {
		return fmt.Errorf("write site: %w", err)
	}
	tmp, err := os.MkdirTemp(filepath.Dir(folder), ".new-")
	if err != nil {
		return fmt.Errorf("write site: %w", err)
	}
	defer func() { _ = os.RemoveAll(tmp) }()
	for _, f := range files {
		name := filepath.Join(tmp, filepath.FromSlash(f.Path))
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			return fmt.Errorf("write site: %w", err)
		}
		if err := os.WriteFile(name, []byte(f.Content), 0o600); err != nil {
			return fmt.Errorf("write site: %w", err)
		}
	}
	if err := os.RemoveAll(folder); err != nil {
		return fmt.Errorf("write site: %w", err)
	}
	if err := os.Rename(tmp, folder); err != nil {
		return fmt.Errorf("write site: %w", err)
	}
	return nil
}

// sites is the directory of all projects' files.
type sites string

// folder returns the folder of a deployment's files.
func (s sites) folder(rt runtime) string {
	return filepath.Join(string(s), rt.projectID, rt.deploymentID)
}

// remove removes the files of a project.
func (s sites) remove(projectID string) error {
	return os.RemoveAll(filepath.Join(string(s), projectID))
}

// prune removes all folders but those of stored runtimes: of projects and deployments whose
// removal a crash cut short.
func (s sites) prune(stored []runtime) error {
	keep := map[string]string{}
	for _, rt := range stored {
		keep[rt.projectID] = rt.deploymentID
	}
	projects, err := os.ReadDir(string(s))
	if err != nil {
		return fmt.Errorf("prune sites: %w", err)
	}
	for _, p := range projects {
		folder := filepath.Join(string(s), p.Name())
		current, ok := keep[p.Name()]
		if !ok {
			if err := os.RemoveAll(folder); err != nil {
				return fmt.Errorf("prune sites: %w", err)
			}
			continue
		}
		deployments, err := os.ReadDir(folder)
		if err != nil {
			return fmt.Errorf("prune sites: %w", err)
		}
		for _, d := range deployments {
			if d.Name() == current {
				continue
			}
			if err := os.RemoveAll(filepath.Join(folder, d.Name())); err != nil {
				return fmt.Errorf("prune sites: %w", err)
			}
		}
	}
	return nil
}
