package infrastructure

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"

	"axion/services/contract"
)

// Bounds of one project.
const (
	maxFiles = 1000
	maxBytes = 16 << 20
)

var (
	// label is a DNS label (RFC 1123): it becomes part of a host name and of
	// label names.
	label = regexp.MustCompile(`^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$`)
	// id becomes the name of a folder.
	id = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$`)
)

// check refuses what could leave the project's folder or break its labels.
func check(req contract.ProvisionRequest) error {
	switch {
	case !id.MatchString(req.ProjectID):
		return fmt.Errorf("projectId %q: must be letters, digits, - and _", req.ProjectID)
	case !id.MatchString(req.DeploymentID):
		return fmt.Errorf("deploymentId %q: must be letters, digits, - and _", req.DeploymentID)
	case !label.MatchString(req.Slug):
		return fmt.Errorf("slug %q: must be lower-case letters, digits and -, at most 63", req.Slug)
	case len(req.Files) > maxFiles:
		return fmt.Errorf("files: %d are more than %d", len(req.Files), maxFiles)
	}
	size, index := 0, false
	for _, f := range req.Files {
		if !filepath.IsLocal(filepath.FromSlash(f.Path)) {
			return fmt.Errorf("file %q: must be a relative path that stays inside the project", f.Path)
		}
		size += len(f.Content)
		index = index || f.Path == "index.html" || f.Path == "public/index.html"
	}
	if size > maxBytes {
		return fmt.Errorf("files: %d bytes are more than %d", size, maxBytes)
	}
	if !index {
		return errors.New("nothing to serve: the project has neither index.html nor public/index.html")
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
