package container

import (
	"reflect"
	"slices"
	"strings"

	"axion/services/compose"
)

// followed are the fields of a service, as the file has them, that are followed for a
// container, by this package or by who runs it.
var followed = strings.Fields(`annotations attach build cap_add cap_drop cgroup cgroup_parent command container_name cpu_period cpu_quota
	cpu_shares cpus cpuset depends_on deploy device_cgroup_rules devices dns dns_opt dns_search domainname entrypoint env_file environment
	expose extends extra_hosts group_add healthcheck hostname image init ipc isolation label_file labels mac_address mem_limit
	mem_reservation memswap_limit name network_mode networks oom_kill_disable oom_score_adj pid pids_limit platform ports privileged
	profiles pull_policy read_only restart runtime scale security_opt shm_size stdin_open stop_grace_period stop_signal storage_opt
	sysctls tmpfs tty ulimits user userns_mode uts volumes working_dir`)

// Unsupported lists the fields of a service that its container will not have.
func Unsupported(s *compose.Service) []string {
	var all []string
	add(&all, reflect.ValueOf(s.ServiceConfig))
	slices.Sort(all)
	return all
}

func add(all *[]string, v reflect.Value) {
	for i := range v.NumField() {
		field := v.Type().Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("yaml"), ",")
		switch {
		case field.Anonymous:
			add(all, v.Field(i))
		case name == "" || name == "-" || strings.HasPrefix(name, "#") || v.Field(i).IsZero():
		case !slices.Contains(followed, name):
			*all = append(*all, name)
		}
	}
}
