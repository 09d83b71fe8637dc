package recovery

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	settingsName = "resource_configs.json"
	sessionName  = "session_state.json"
)

// resourceConfigs are the settings of groups, and of subscriptions to client metrics, by
// their names.
type resourceConfigs struct {
	Version       int                           `json:"version"`
	Groups        map[string]map[string]*string `json:"groups,omitempty"`
	ClientMetrics map[string]map[string]*string `json:"clientMetrics,omitempty"`
}

// Settings keeps the settings of groups, and of subscriptions to client metrics. kfake
// (v0.0.0-20260918) writes them in its clean stop only, among the members of groups, and
// those of client metrics not even then where there is nothing else to write. Its methods
// are safe for concurrent use.
type Settings struct {
	root string

	mu    sync.Mutex
	known resourceConfigs
}

// RestoreSettings leaves kfake, in the file that it reads when it starts, the settings
// that were kept in root. No broker has root open; [Open] has looked at the file.
func RestoreSettings(root string) (*Settings, error) {
	s := &Settings{root: root}
	if err := readKnown(filepath.Join(root, settingsName), &s.known); err != nil {
		return nil, err
	}
	path := filepath.Join(root, sessionName)
	if s.known.Version == 0 { // nothing was kept yet: what a clean stop has left counts
		var left struct{ GroupConfigs, ClientMetrics map[string]map[string]*string }
		if err := readKnown(path, &left); err != nil {
			return nil, err
		}
		s.known = resourceConfigs{Version: formatVersion, Groups: left.GroupConfigs, ClientMetrics: left.ClientMetrics}
		if len(s.known.Groups)+len(s.known.ClientMetrics) > 0 {
			if err := writeJSON(filepath.Join(root, settingsName), &s.known); err != nil {
				return nil, err
			}
		}
	}
	session := make(map[string]json.RawMessage)
	if err := readKnown(path, &session); err != nil {
		return nil, err
	}
	if len(session) == 0 && len(s.known.Groups)+len(s.known.ClientMetrics) == 0 {
		return s, nil
	}
	set := func(name string, v any) error {
		data, err := json.Marshal(v)
		session[name] = data
		return err
	}
	for _, err := range []error{set("groupConfigs", s.known.Groups), set("clientMetrics", s.known.ClientMetrics)} {
		if err != nil {
			return nil, fmt.Errorf("encode settings: %w", err)
		}
	}
	if _, ok := session["shutdownAt"]; !ok {
		if err := set("shutdownAt", time.Now()); err != nil {
			return nil, fmt.Errorf("encode settings: %w", err)
		}
	}
	return s, writeJSON(path, session)
}

// KeepsSettings reports whether the settings of a kind of resource are for [Settings].
func KeepsSettings(kind kmsg.ConfigResourceType) bool {
	return kind == kmsg.ConfigResourceTypeGroupConfig || kind == kmsg.ConfigResourceTypeClientMetrics
}

// Keep writes down what is set of a resource, by what ask says of it: settings by name,
// none for a resource that is gone. It asks for one at a time, so that what is written
// last is what was asked for last.
func (s *Settings) Keep(kind kmsg.ConfigResourceType, name string, ask func() (map[string]*string, error)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	set, err := ask()
	if err != nil {
		return err
	}
	of := &s.known.Groups
	if kind == kmsg.ConfigResourceTypeClientMetrics {
		of = &s.known.ClientMetrics
	}
	if *of == nil {
		*of = make(map[string]map[string]*string)
	}
	if (*of)[name] = set; len(set) == 0 {
		delete(*of, name)
	}
	return writeJSON(filepath.Join(s.root, settingsName), &s.known)
}
