package runner

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"net/url"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"time"

	"axion/services/compose"
	"axion/services/container"
	"axion/services/process"
	"axion/services/runner/forward"
	"axion/web/view"
)

// containers is what the services that run in containers share: the engine, their network,
// and where they reach what runs beside them on this machine. It is opened by the first.
type containers struct {
	runner *Runner

	mu        sync.Mutex
	engine    *container.Engine // nil until it is open
	network   container.Network
	addresses *compose.Addresses // where containers reach others
	hosts     []string           // names that lead to this machine
	variables map[string]string  // that every container gets, unless the file sets them
	opened    []*forward.Forwarder
}

// open finds the engine, makes the network and has it lead to what listens on this machine.
// An error is not kept: the next container tries again.
func (c *containers) open(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.engine != nil {
		return nil
	}
	engine, err := container.Find(ctx, c.runner.opts.DataDir)
	if err != nil {
		return err
	}
	if c.network, err = engine.Network(ctx, c.runner.project); err != nil {
		return err
	}
	c.addresses, c.hosts, c.variables = &compose.Addresses{}, nil, map[string]string{}
	kafka, err := c.listenKafka()
	if err != nil {
		return err
	}
	c.variables["KAFKA_BROKERS"] = kafka
	if endpoint, err := url.Parse(c.runner.opts.Environment["OTEL_EXPORTER_OTLP_ENDPOINT"]); err == nil && endpoint.Host != "" {
		_, address, err := c.lead(0, func() string { return endpoint.Host })
		if err != nil {
			return err
		}
		c.variables["OTEL_EXPORTER_OTLP_ENDPOINT"] = "http://" + address
	}
	for _, u := range c.runner.units {
		if err := c.add(u, kafka); err != nil {
			return fmt.Errorf("lead containers to %s: %w", u.service.Name, err)
		}
	}
	c.engine = engine
	return nil
}

// host is this machine, as containers call it.
func (c *containers) host() string {
	if c.network.Gateway.IsValid() {
		return c.network.Gateway.String()
	}
	return container.Host
}

// add has containers reach a service that is not one of them.
func (c *containers) add(u *unit, kafka string) error {
	name, names := u.service.Name, u.service.Names()
	switch {
	case u.service.Provider == compose.ByContainer:
		return nil // they are in one network
	case u.service.Kind == compose.Kafka:
		c.addresses.Add(name, names, 0, kafka)
	case u.service.Kind == compose.Traefik:
		for port, address := range c.runner.opts.Gateway {
			if err := c.addPort(name, names, port, func() string { return address }); err != nil {
				return err
			}
		}
	case len(u.at) > 0:
		if err := c.addPort(name, names, u.port, func() string { return u.target(u.at[0]) }); err != nil {
			return err
		}
	default:
		return nil
	}
	c.hosts = append(append(c.hosts, name), names...)
	return nil
}

// addPort has containers reach a port of a service by its name, or where another service
// has that port, at another one.
func (c *containers) addPort(name string, names []string, port int, target func() string) error {
	same, address, err := c.lead(port, target)
	if err != nil {
		return err
	}
	if same {
		address = net.JoinHostPort(name, strconv.Itoa(port))
	}
	c.addresses.Add(name, names, port, address)
	return nil
}

// lead returns where containers reach a target on this machine. It listens there, where the
// network's own address of this machine is to be listened at: at the port, which may be 0,
// or a free one. Else the engine's machine leads here by itself.
func (c *containers) lead(port int, target func() string) (same bool, address string, err error) {
	if !c.network.Gateway.IsValid() {
		_, at, err := net.SplitHostPort(target())
		return at == strconv.Itoa(port), net.JoinHostPort(container.Host, at), err
	}
	l, err := c.listen(port)
	if err != nil {
		return false, "", err
	}
	f := forward.Serve(c.runner.opts.guard(l), target)
	c.opened = append(c.opened, f)
	return l.Addr().(*net.TCPAddr).Port == port, l.Addr().String(), nil
}

// listen listens at the network's address of this machine, at a port or a free one.
func (c *containers) listen(port int) (net.Listener, error) {
	if l, err := net.Listen("tcp", net.JoinHostPort(c.host(), strconv.Itoa(port))); err == nil {
		return l, nil
	}
	return net.Listen("tcp", net.JoinHostPort(c.host(), "0"))
}

// listenKafka has the broker listen where containers reach it, and returns that address.
func (c *containers) listenKafka() (string, error) {
	const kafkaPort = 9092
	host, port, err := net.SplitHostPort(c.runner.opts.Kafka)
	switch {
	case err != nil || host != "localhost" && host != "127.0.0.1" && host != "::1":
		return c.runner.opts.Kafka, nil // a cluster elsewhere
	case !c.network.Gateway.IsValid():
		return net.JoinHostPort(container.Host, port), nil
	}
	l, err := c.listen(kafkaPort)
	if err != nil {
		return "", err
	}
	return l.Addr().String(), c.runner.opts.ListenKafka(c.runner.opts.guard(l))
}

func (c *containers) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, one := range c.opened {
		one.Close()
	}
	c.opened = nil
}

// prepareContainer has the engine build or pull the image, and makes the command of each
// instance.
func (u *unit) prepareContainer(ctx context.Context) ([]commandFunc, error) {
	c := u.runner.containers
	if err := c.open(ctx); err != nil {
		return nil, err
	}
	for _, field := range container.Unsupported(u.service) {
		u.note(field, "its container will not have it")
	}
	u.set(view.ServiceStarting, "its image is made ready", "")
	out := u.lines("stderr")
	image, err := c.engine.Image(ctx, u.runner.project, u.service, out)
	_ = out.Close()
	if err != nil {
		return nil, err
	}
	volumes := map[string]string{}
	for key, v := range u.runner.volumes {
		volumes[key] = v.Name
	}
	commands := make([]commandFunc, u.scale())
	for i := range commands {
		name := u.containerName(i)
		commands[i] = func(ctx context.Context) (*exec.Cmd, error) {
			if err := c.engine.Remove(ctx, name); err != nil {
				return nil, err
			}
			return c.engine.Command(container.Options{
				Service: u.service, Name: name, Image: image, Network: c.network, Volumes: volumes, Environment: u.resolve(i),
				Publish: u.containerPorts(i), Hosts: c.hosts,
			})
		}
	}
	return commands, nil
}

// removeContainers ends containers that outlive their command, as where that was killed.
func (u *unit) removeContainers(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), killTime)
	defer cancel()
	for i := range u.scale() {
		if err := u.runner.containers.engine.Remove(ctx, u.containerName(i)); err != nil {
			u.log().Error("its container may go on", "container", u.containerName(i), "error", err)
		}
	}
}

// containerHealth checks an instance: in the container as the file says, or else by what the
// engine knows of the image's own check.
func (u *unit) containerHealth(i int) process.Health {
	name, engine := u.containerName(i), u.runner.containers.engine
	c := u.service.HealthCheck
	if c == nil {
		return process.Health{
			Interval: 5 * time.Second, Timeout: time.Hour, Retries: 1, // the engine has the image's own
			Check: func(ctx context.Context) error { return engine.Health(ctx, name) },
		}
	}
	h := settingsOf(c)
	h.Check = func(ctx context.Context) error {
		if err := engine.Health(ctx, name); err != nil { // once it runs
			return err
		}
		return engine.Check(ctx, name, c.Test)
	}
	return h
}

// containerName is what the engine calls an instance.
func (u *unit) containerName(i int) string {
	if u.service.ContainerName != "" && u.scale() == 1 {
		return u.service.ContainerName
	}
	return fmt.Sprintf("%s-%s-%d", u.runner.project, u.service.Name, i+1)
}

// containerPorts are the ports of this machine that lead to an instance.
func (u *unit) containerPorts(i int) []string {
	var all []string
	if i < len(u.at) {
		all = append(all, fmt.Sprintf("127.0.0.1:%d:%d", u.at[i], u.port))
	}
	if i > 0 || u.runner.opts.FreePorts {
		return all
	}
	for _, p := range u.service.Ports {
		if p.Published == "" || int(p.Target) == u.port && len(u.at) > 0 && p.Published == strconv.Itoa(u.at[0]) {
			continue
		}
		ip := p.HostIP
		if ip == "" { // as everything of the stack, for this machine alone
			ip = "127.0.0.1"
		}
		text := net.JoinHostPort(ip, p.Published) + ":" + strconv.Itoa(int(p.Target))
		if p.Protocol != "" {
			text += "/" + p.Protocol
		}
		all = append(all, text)
	}
	return all
}

// containerVariables are what the file says, with addresses that containers reach for
// names, over what every container gets.
func (u *unit) containerVariables() (map[string]string, []compose.Rewrite, []compose.Unresolved) {
	c := u.runner.containers
	c.mu.Lock()
	addresses, all := c.addresses, maps.Clone(c.variables)
	c.mu.Unlock()
	if addresses == nil { // it is not open yet
		return u.values(), nil, nil
	}
	values, rewrites, unresolved := addresses.RewriteAll(u.values(), u.service.Run.Keep)
	all["OTEL_SERVICE_NAME"] = u.service.Name
	maps.Copy(all, values)
	return all, rewrites, unresolved
}

// lines returns a writer whose lines are those of the service.
func (u *unit) lines(stream string) io.WriteCloser {
	r, w := io.Pipe()
	go func() {
		for in := bufio.NewScanner(r); in.Scan(); {
			u.line(process.Line{Time: time.Now(), Stream: stream, Text: strings.ToValidUTF8(in.Text(), "\uFFFD")})
		}
		_, _ = io.Copy(io.Discard, r) // what follows a line that is too long
	}()
	return w
}
