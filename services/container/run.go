package container

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"

	"axion/services/compose"
)

// Options say how one instance of a service runs.
type Options struct {
	Service *compose.Service
	Name    string // the container's
	Image   string
	Network Network
	// Volumes are the names of the project's volumes, by what services call them.
	Volumes map[string]string
	// Environment is "NAME=value" each.
	Environment []string
	// Publish are this machine's addresses for ports, as docker run has them.
	Publish []string
	// Hosts lead to this machine.
	Hosts []string
}

// Command is the command of a container in the foreground: it ends with the container, and
// passes signals on to it.
func (e *Engine) Command(o Options) (*exec.Cmd, error) {
	args := flags{"run", "--rm", "--name", o.Name, "--label", label + "=" + e.dataDir}
	s := o.Service
	switch s.NetworkMode {
	case "":
		args.add("--network", o.Network.Name)
		args.add("--network-alias", append([]string{s.Name}, s.Names()...)...)
		args.add("--publish", o.Publish...)
		gateway := "host-gateway"
		if o.Network.Gateway != (netip.Addr{}) {
			gateway = o.Network.Gateway.String()
		}
		for _, host := range append(o.Hosts, Host) {
			args.add("--add-host", host+":"+gateway)
		}
	case "host", "none":
		args.add("--network", s.NetworkMode)
	default:
		return nil, hintError{fmt.Errorf("network_mode %q is not supported", s.NetworkMode), "use host or none, or leave it out"}
	}
	args.service(s)
	if err := args.mounts(s.Volumes, o.Volumes); err != nil {
		return nil, err
	}
	var names []string
	for _, variable := range o.Environment {
		name, _, _ := strings.Cut(variable, "=")
		names = append(names, name) // its value is in the command's environment: others can see the arguments
	}
	args.add("--env", names...)
	rest := []string(s.Command)
	if s.Entrypoint != nil {
		first := ""
		if len(s.Entrypoint) > 0 {
			first, rest = s.Entrypoint[0], append(slices.Clone(s.Entrypoint[1:]), rest...)
		}
		args = append(args, "--entrypoint="+first)
	}
	cmd := exec.Command(e.program, append(append(args, o.Image), rest...)...)
	cmd.Env = append(os.Environ(), o.Environment...)
	return cmd, nil
}

// flags are arguments of the engine's command line.
type flags []string

// add adds a flag for each value that is not empty.
func (f *flags) add(flag string, values ...string) {
	for _, value := range values {
		if value != "" {
			*f = append(*f, flag, value)
		}
	}
}

func (f *flags) addIf(flag string, is bool) {
	if is {
		*f = append(*f, flag)
	}
}

// addNumber adds a flag for a number that is not 0, compose's for unset.
func addNumber[T ~int64 | ~float32](f *flags, flag string, n T) {
	if n != 0 {
		f.add(flag, fmt.Sprint(n))
	}
}

// service adds what the file says of the container but for its volumes, network and
// environment.
func (f *flags) service(s *compose.Service) {
	for _, one := range []struct {
		flag   string
		values []string
	}{
		{"--user", []string{s.User}}, {"--workdir", []string{s.WorkingDir}}, {"--hostname", []string{s.Hostname}},
		{"--domainname", []string{s.DomainName}}, {"--ipc", []string{s.Ipc}}, {"--pid", []string{s.Pid}},
		{"--platform", []string{s.Platform}}, {"--runtime", []string{s.Runtime}}, {"--userns", []string{s.UserNSMode}},
		{"--uts", []string{s.Uts}}, {"--cpuset-cpus", []string{s.CPUSet}}, {"--cgroup-parent", []string{s.CgroupParent}},
		{"--cgroupns", []string{s.Cgroup}}, {"--isolation", []string{s.Isolation}}, {"--stop-signal", []string{s.StopSignal}},
		{"--mac-address", []string{s.MacAddress}}, {"--cap-add", s.CapAdd}, {"--cap-drop", s.CapDrop},
		{"--device-cgroup-rule", s.DeviceCgroupRules}, {"--dns", s.DNS}, {"--dns-option", s.DNSOpts}, {"--dns-search", s.DNSSearch},
		{"--group-add", s.GroupAdd}, {"--security-opt", s.SecurityOpt}, {"--tmpfs", s.Tmpfs}, {"--expose", s.Expose},
	} {
		f.add(one.flag, one.values...)
	}
	f.addIf("--init", s.Init != nil && *s.Init)
	f.addIf("--privileged", s.Privileged)
	f.addIf("--read-only", s.ReadOnly)
	f.addIf("--oom-kill-disable", s.OomKillDisable)
	f.addIf("--interactive", s.StdinOpen)
	f.addIf("--tty", s.Tty && !s.StdinOpen)
	if s.Deploy != nil && s.Deploy.Resources.Limits != nil {
		limits := s.Deploy.Resources.Limits
		addNumber(f, "--cpus", limits.NanoCPUs)
		addNumber(f, "--memory", limits.MemoryBytes)
		addNumber(f, "--pids-limit", limits.Pids)
	}
	addNumber(f, "--cpus", s.CPUS)
	addNumber(f, "--cpu-shares", s.CPUShares)
	addNumber(f, "--cpu-period", s.CPUPeriod)
	addNumber(f, "--cpu-quota", s.CPUQuota)
	addNumber(f, "--memory", s.MemLimit)
	addNumber(f, "--memory-reservation", s.MemReservation)
	addNumber(f, "--memory-swap", s.MemSwapLimit)
	addNumber(f, "--pids-limit", s.PidsLimit)
	addNumber(f, "--shm-size", s.ShmSize)
	addNumber(f, "--oom-score-adj", s.OomScoreAdj)
	f.pairs("--sysctl", s.Sysctls)
	f.pairs("--storage-opt", s.StorageOpt)
	f.pairs("--annotation", s.Annotations)
	for _, host := range s.ExtraHosts.AsList(":") {
		f.add("--add-host", host)
	}
	for _, name := range slices.Sorted(maps.Keys(s.Ulimits)) {
		limit := s.Ulimits[name]
		if limit.Single != 0 {
			f.add("--ulimit", fmt.Sprintf("%s=%d", name, limit.Single))
		} else {
			f.add("--ulimit", fmt.Sprintf("%s=%d:%d", name, limit.Soft, limit.Hard))
		}
	}
	for _, d := range s.Devices {
		f.add("--device", strings.TrimRight(strings.Join([]string{d.Source, d.Target, d.Permissions}, ":"), ":"))
	}
	f.addIf("--no-healthcheck", s.HealthCheck != nil) // the file's is run by Check
}

func (f *flags) pairs(flag string, all map[string]string) {
	for _, name := range slices.Sorted(maps.Keys(all)) {
		f.add(flag, name+"="+all[name])
	}
}

// mounts adds volumes. The folder of a bind is made where there is none, as compose does it.
func (f *flags) mounts(all []types.ServiceVolumeConfig, names map[string]string) error {
	for _, v := range all {
		source, err := source(v, names)
		if err != nil {
			return err
		}
		mount := []string{"type=" + v.Type, "target=" + v.Target}
		if source != "" {
			mount = append(mount, "source="+source)
		}
		if v.Tmpfs != nil && v.Tmpfs.Size > 0 {
			mount = append(mount, fmt.Sprintf("tmpfs-size=%d", v.Tmpfs.Size))
		}
		if v.ReadOnly {
			mount = append(mount, "readonly")
		}
		line, err := csvLine(mount)
		if err != nil {
			return fmt.Errorf("volume %s: %w", v.Target, err)
		}
		f.add("--mount", line)
	}
	return nil
}

// source is what a volume mounts; empty where that has no name.
func source(v types.ServiceVolumeConfig, names map[string]string) (string, error) {
	switch v.Type {
	case types.VolumeTypeBind:
		if !filepath.IsAbs(v.Source) {
			return "", fmt.Errorf("volume %s: its source %q is no absolute path", v.Target, v.Source)
		}
		if err := os.MkdirAll(v.Source, 0o755); err != nil {
			if _, missing := os.Stat(v.Source); missing != nil {
				return "", fmt.Errorf("volume %s: %w", v.Target, err)
			}
		}
		return v.Source, nil
	case types.VolumeTypeVolume:
		return cmp.Or(names[v.Source], v.Source), nil
	case types.VolumeTypeTmpfs:
		return "", nil
	}
	return "", hintError{fmt.Errorf("volume %s: its type %q is not supported", v.Target, v.Type), "use bind, volume or tmpfs"}
}

// csvLine is how the engine's command line reads a mount.
func csvLine(fields []string) (string, error) {
	var line bytes.Buffer
	w := csv.NewWriter(&line)
	if err := w.Write(fields); err != nil {
		return "", err
	}
	w.Flush()
	return strings.TrimSuffix(line.String(), "\n"), w.Error()
}
