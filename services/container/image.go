package container

import (
	"context"
	"io"
	"maps"
	"path/filepath"
	"slices"

	"axion/services/compose"
)

// Image has the engine build or pull what a service runs, as the file asks for, and returns
// its name. What the engine writes meanwhile goes to out.
func (e *Engine) Image(ctx context.Context, project string, s *compose.Service, out io.Writer) (string, error) {
	image := s.Image
	if image == "" {
		image = project + "-" + s.Name
	}
	if s.Build != nil && s.PullPolicy != "always" {
		return image, e.build(ctx, image, s, out)
	}
	_, missing := e.call(ctx, "image", "inspect", "--format", "{{.Id}}", image)
	switch {
	case s.PullPolicy == "never" && missing != nil:
		return image, hintError{missing, "pull it, or leave pull_policy out"}
	case s.PullPolicy == "never" || missing == nil && s.PullPolicy != "always":
		return image, nil
	}
	args := []string{"pull"}
	if s.Platform != "" {
		args = append(args, "--platform", s.Platform)
	}
	if err := e.stream(ctx, out, append(args, image)...); err != nil {
		return image, hintError{err, "check the image's name and the network, or sign in: docker login"}
	}
	return image, nil
}

func (e *Engine) build(ctx context.Context, image string, s *compose.Service, out io.Writer) error {
	b := s.Build
	args := flags{"build", "--tag", image}
	for _, tag := range b.Tags {
		args.add("--tag", tag)
	}
	file := b.Dockerfile
	if file != "" && !filepath.IsAbs(file) {
		file = filepath.Join(b.Context, file)
	}
	args.add("--file", file)
	args.add("--target", b.Target)
	args.add("--network", b.Network)
	args.add("--platform", s.Platform)
	args.add("--cache-from", b.CacheFrom...)
	args.addIf("--no-cache", b.NoCache)
	args.addIf("--pull", b.Pull)
	for _, name := range slices.Sorted(maps.Keys(b.Args)) {
		if value := b.Args[name]; value != nil {
			args.add("--build-arg", name+"="+*value)
		} else {
			args.add("--build-arg", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(b.Labels)) {
		args.add("--label", name+"="+b.Labels[name])
	}
	if err := e.stream(ctx, out, append(args, b.Context)...); err != nil {
		return hintError{err, "see what the engine wrote: axion logs " + s.Name}
	}
	return nil
}
