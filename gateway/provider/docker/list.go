package docker

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"axion/gateway/label"
	"axion/web/loopback"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
	"golang.org/x/sync/errgroup"
)

// maxInspections is how many containers are inspected at once.
const maxInspections = 8

// inspectEngine finds out whether this process can reach containers by their own
// addresses: those of an engine in a virtual machine, remoteHost or without root's
// rights can only be reached where they are published.
func (p *Provider) inspectEngine(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	answer, err := p.engine.Info(ctx, client.InfoOptions{})
	if err != nil {
		return fmt.Errorf("ask the engine what it is: %w", err)
	}
	p.remote = remoteHost(p.engine.DaemonHost())
	p.direct = runtime.GOOS == "linux" && p.remote == "" && answer.Info.OperatingSystem != "Docker Desktop" &&
		!slices.ContainsFunc(answer.Info.SecurityOptions, func(o string) bool { return strings.Contains(o, "name=rootless") })
	return nil
}

// remoteHost is the host of an engine on another machine, or empty.
func remoteHost(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" || loopback.Host(u.Host) {
		return ""
	}
	return u.Hostname()
}

// list gives all containers that are served and have labels of Traefik's, in a fixed
// order.
func (p *Provider) list(ctx context.Context) ([]label.Service, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	answer, err := p.engine.ContainerList(ctx, client.ContainerListOptions{All: true})
	if err != nil {
		return nil, fmt.Errorf("list the containers: %w", err)
	}
	found := make([]*container.InspectResponse, len(answer.Items))
	group, together := errgroup.WithContext(ctx)
	group.SetLimit(maxInspections)
	for i, c := range answer.Items {
		if !labelled(c.Labels) || c.State != "" && c.State != container.StateRunning && !allowNonRunning(c.Labels) {
			continue
		}
		group.Go(func() (err error) {
			found[i], err = p.inspect(together, c.ID)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	list := []label.Service{}
	names := map[string]bool{}
	for _, c := range found {
		if c == nil || c.Config == nil || !p.isServed(c.State, c.Config.Labels) {
			continue
		}
		names[strings.TrimPrefix(c.Name, "/")] = true
		if s, ok := p.service(ctx, c); ok {
			list = append(list, s)
		}
	}
	for name := range p.warned {
		if !names[name] {
			delete(p.warned, name)
		}
	}
	slices.SortFunc(list, func(a, b label.Service) int {
		return cmp.Or(cmp.Compare(a.Project, b.Project), cmp.Compare(a.Name, b.Name), cmp.Compare(a.File, b.File))
	})
	return list, nil
}

// inspect is all there is to know of a container, or nil if it has just gone.
func (p *Provider) inspect(ctx context.Context, id string) (*container.InspectResponse, error) {
	answer, err := p.engine.ContainerInspect(ctx, id, client.ContainerInspectOptions{})
	switch {
	case errdefs.IsNotFound(err):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("inspect a container: %w", err)
	}
	return &answer.Container, nil
}

func labelled(labels map[string]string) bool {
	for name := range labels {
		if len(name) > len(traefik) && strings.EqualFold(name[:len(traefik)], traefik) {
			return true
		}
	}
	return false
}

// isServed reports whether a container that runs is healthy, if it has a check, or need
// not be, and whether one that does not run counts nevertheless.
func (p *Provider) isServed(state *container.State, labels map[string]string) bool {
	if !running(state) {
		return allowNonRunning(labels)
	}
	return healthy(state) || p.empty()
}

func healthy(state *container.State) bool {
	return state.Health == nil || state.Health.Status == "" || state.Health.Status == container.NoHealthcheck ||
		state.Health.Status == container.Healthy
}

func running(state *container.State) bool {
	return state != nil && state.Running && !state.Paused && !state.Restarting
}

// allowNonRunning reports whether a container counts even while it does not run: its
// routers then answer that there is no server.
func allowNonRunning(labels map[string]string) bool {
	on, err := strconv.ParseBool(valueOf(labels, "docker.allownonrunning"))
	return on && err == nil
}

// valueOf is the value of one of Traefik's labels, case aside, or empty.
func valueOf(labels map[string]string, name string) string {
	for key, value := range labels {
		if strings.EqualFold(key, traefik+name) {
			return value
		}
	}
	return ""
}
