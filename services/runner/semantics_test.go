//go:build unix

package runner

import (
	"slices"
	"strings"
	"testing"

	"axion/web/view"
)

// TestSemantics: conditions of depends_on, services that are not required, profiles,
// replicas, deploy.restart_policy, stop_signal and a check that never passes are as compose
// has them.
func TestSemantics(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir(), `
services:
  fails:
    x-axion: {command: "echo x >> failures; exit 1", directory: .}
    deploy: {restart_policy: {condition: on-failure, max_attempts: 1}}
  optional:
    x-axion: {command: sleep 1000}
    depends_on:
      fails: {condition: service_completed_successfully, required: false}
      off: {condition: service_started, required: false}
  required:
    x-axion: {command: sleep 1000}
    depends_on: {fails: {condition: service_completed_successfully}}
  off:
    x-axion: {command: sleep 1000}
    profiles: [debug]
  on:
    x-axion: {command: sleep 1000}
    profiles: [test]
  many:
    x-axion: {command: PROGRAM child listen}
    environment: {PORT: 3000}
    scale: 3
  signalled:
    x-axion: {command: "trap 'echo x > usr1; exit 0' USR1; trap '' TERM; echo up; while :; do sleep 0.05; done", directory: ., ready: up}
    stop_signal: SIGUSR1
  sick:
    x-axion: {command: sleep 1000}
    healthcheck: {test: [CMD-SHELL, "echo no tea; exit 1"], interval: 20ms, retries: 2}
  patient:
    x-axion: {command: sleep 1000}
    depends_on: {sick: {condition: service_healthy}}
`, func(o *Options) { o.Profiles = []string{"test"} })
	all := s.await("all as they will be", func(all map[string]view.Service) bool {
		for _, name := range []string{"optional", "on", "many", "signalled"} {
			if all[name].State != view.ServiceRunning {
				return false
			}
		}
		return all["fails"].State == view.ServiceFailed && all["sick"].State == view.ServiceUnhealthy &&
			strings.Contains(all["required"].Detail, "fails to complete, which has failed") &&
			strings.Contains(all["patient"].Detail, "sick to be healthy, which is unhealthy")
	})
	if _, ok := all["off"]; ok || s.count("failures") != 2 || !strings.Contains(all["sick"].Detail, "no tea") {
		t.Errorf("got %+v, and %d failures", all, s.count("failures"))
	}
	var ports []string
	for i, port := range all["many"].Ports {
		ports = append(ports, port.Address)
		if got := get(t, "http://"+port.Address); got != "many" || all["many"].Instances[i].PID == 0 {
			t.Errorf("instance %d answers %q", i, got)
		}
	}
	slices.Sort(ports)
	if len(slices.Compact(ports)) != 3 || len(all["many"].Instances) != 3 {
		t.Errorf("the instances are %+v at %q", all["many"].Instances, ports)
	}
	if err := s.Stop(t.Context(), "signalled"); err != nil || s.count("usr1") != 1 {
		t.Errorf("it was not stopped by its signal: %v", err)
	}
}

// TestStopTime: what ends one after the other takes the sum, what ends side by side the
// longest.
func TestStopTime(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir(), `
services:
  db: {x-axion: {command: sleep 1000}, stop_grace_period: 1s}
  a: {x-axion: {command: sleep 1000}, stop_grace_period: 2s, depends_on: [db]}
  b: {x-axion: {command: sleep 1000}, stop_grace_period: 30s, depends_on: [db, kafka]}
  c: {x-axion: {command: sleep 1000}, stop_grace_period: 4s, depends_on: [a]}
  kafka: {image: apache/kafka}
`, nil)
	if got := s.StopTime().String(); got != "31s" {
		t.Errorf("got %s, want 31s", got)
	}
}
