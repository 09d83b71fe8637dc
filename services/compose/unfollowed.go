package compose

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"
)

// unfollowed are keys of a service that nothing but a container can follow.
var unfollowed = []struct {
	key string
	set func(*Service) bool
	why string
}{
	{"user", func(s *Service) bool { return s.User != "" }, "the process runs as you"},
	{"privileged", func(s *Service) bool { return s.Privileged }, isolated},
	{"cap_add", func(s *Service) bool { return len(s.CapAdd) > 0 }, isolated},
	{"cap_drop", func(s *Service) bool { return len(s.CapDrop) > 0 }, isolated},
	{"security_opt", func(s *Service) bool { return len(s.SecurityOpt) > 0 }, isolated},
	{"read_only", func(s *Service) bool { return s.ReadOnly }, isolated},
	{"devices", func(s *Service) bool { return len(s.Devices) > 0 }, isolated},
	{"gpus", func(s *Service) bool { return len(s.Gpus) > 0 }, isolated},
	{"pid", func(s *Service) bool { return s.Pid != "" }, isolated},
	{"ipc", func(s *Service) bool { return s.Ipc != "" }, isolated},
	{"sysctls", func(s *Service) bool { return len(s.Sysctls) > 0 }, isolated},
	{"network_mode", func(s *Service) bool { return s.NetworkMode != "" }, "it listens on this machine, as all services do"},
	{"extra_hosts", func(s *Service) bool { return len(s.ExtraHosts) > 0 }, "this machine's hosts file and DNS have the names"},
	{"dns", func(s *Service) bool { return len(s.DNS) > 0 }, "this machine's DNS is asked"},
	{"mem_limit", func(s *Service) bool { return s.MemLimit != 0 }, unbounded},
	{"mem_reservation", func(s *Service) bool { return s.MemReservation != 0 }, unbounded},
	{"cpus", func(s *Service) bool { return s.CPUS != 0 }, unbounded},
	{"cpuset", func(s *Service) bool { return s.CPUSet != "" }, unbounded},
	{"pids_limit", func(s *Service) bool { return s.PidsLimit != 0 }, unbounded},
	{"ulimits", func(s *Service) bool { return len(s.Ulimits) > 0 }, unbounded},
	{"shm_size", func(s *Service) bool { return s.ShmSize != 0 }, unbounded},
	{"deploy", func(s *Service) bool {
		return s.Deploy != nil && (s.Deploy.Resources.Limits != nil || s.Deploy.Resources.Reservations != nil)
	}, "resources: " + unbounded},
	{"deploy", func(s *Service) bool {
		return s.Deploy != nil && s.Deploy.RestartPolicy != nil && (s.Deploy.RestartPolicy.Delay != nil || s.Deploy.RestartPolicy.Window != nil)
	}, "restart_policy: the pause before a restart grows by itself, in place of delay and window"},
	{"tmpfs", func(s *Service) bool { return len(s.Tmpfs) > 0 }, "nothing is mounted"},
	{"configs", func(s *Service) bool { return len(s.Configs) > 0 }, "nothing is mounted: have the program read the files where they are"},
	{"volumes", (*Service).mountsOthers, "nothing is mounted: the program sees this machine's files, where they are"},
	{"working_dir", func(s *Service) bool { return filepath.IsAbs(s.WorkingDir) }, "it is a container's: say x-axion: {directory: ...}"},
	{"pre_start", func(s *Service) bool { return len(s.PreStart) > 0 }, hooks},
	{"post_start", func(s *Service) bool { return len(s.PostStart) > 0 }, hooks},
	{"pre_stop", func(s *Service) bool { return len(s.PreStop) > 0 }, hooks},
}

const (
	isolated  = "the process has what you have on this machine"
	unbounded = "the process is not bounded"
	hooks     = "hooks do not run: let the command do it"
)

// noteUnfollowed notes what the file says of a process that only a container could follow.
func (s *Service) noteUnfollowed(secrets types.Secrets) {
	note := func(key, why string) {
		file, line := s.Where(key)
		s.Notes = append(s.Notes, fmt.Sprintf("%s:%d: %s is not followed without a container: %s", file, line, key, why))
	}
	for _, u := range unfollowed {
		if u.set(s) {
			note(u.key, u.why)
		}
	}
	s.Paths = map[string]string{}
	for _, use := range s.Secrets {
		target := use.Target
		if target == "" {
			target = use.Source
		}
		if !strings.HasPrefix(target, "/") {
			target = "/run/secrets/" + target
		}
		if file := secrets[use.Source].File; file != "" {
			s.Paths[target] = file
			continue
		}
		note("secrets", use.Source+" is no file: nothing is mounted")
	}
}

// mountsOthers says whether the service has volumes that are not of its own folder.
func (s *Service) mountsOthers() bool {
	own := s.Dir
	if s.Build != nil {
		own = s.Build.Context
	}
	return slices.ContainsFunc(s.Volumes, func(v types.ServiceVolumeConfig) bool {
		inside := v.Source == own || strings.HasPrefix(v.Source, own+string(filepath.Separator))
		return v.Source != "" && (v.Type != types.VolumeTypeBind || !inside)
	})
}

// RewritePaths puts the files of this machine for those of a container that a value names,
// as /run/secrets/NAME.
func (s *Service) RewritePaths(value string) string {
	for target, file := range s.Paths {
		if value == target {
			return file
		}
	}
	return value
}
