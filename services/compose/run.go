package compose

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/go-viper/mapstructure/v2"
	"github.com/mattn/go-shellwords"
	"go.yaml.in/yaml/v4"
)

// Extension is the key of a service that compose leaves to others, and axion reads.
const Extension = "x-axion"

// PersonalFile lies beside the compose file, for those who must not change that: it says
// what [Extension] would, under the names of services, and comes first.
const PersonalFile = "axion.yaml"

// DefaultHold is how long requests are held while a service is started anew.
const DefaultHold = 10 * time.Second

// Run is how a service runs as a process.
type Run struct {
	Command   Argv              `mapstructure:"command"`
	Directory string            `mapstructure:"directory"` // relative to the compose file; default: the build's context
	Watch     []string          `mapstructure:"watch"`     // globs below the directory; a change starts the service anew
	Port      int               `mapstructure:"port"`      // that it listens on; 0: what PORT, labels and ports say
	Env       map[string]string `mapstructure:"env"`       // over what environment says
	Ready     Ready             `mapstructure:"ready"`
	Hold      *time.Duration    `mapstructure:"hold"` // of requests while it starts anew; default: DefaultHold
	Keep      []string          `mapstructure:"keep"` // variables in which names are not made addresses

	personal bool
}

// Argv is a command and its arguments. In a file it is a list, or a text, which a shell
// runs if it needs one.
type Argv []string

// Ready is when a service counts as started. The zero value: when its health check
// passes, or its port is open, or it runs, whichever the file knows.
type Ready struct {
	Log    string `mapstructure:"log"`    // a text of a line that it writes
	Port   int    `mapstructure:"port"`   // that it listens on
	Health bool   `mapstructure:"health"` // its health check passes
}

// HoldTime is how long the gateway holds requests while the service starts anew.
func (r *Run) HoldTime() time.Duration {
	if r.Hold == nil {
		return DefaultHold
	}
	return *r.Hold
}

// read takes what the compose file says, and over it what the personal file does.
func (r *Run) read(extensions map[string]any, personal map[string]any) error {
	if raw, ok := extensions[Extension]; ok {
		if err := r.decode(raw, Extension); err != nil {
			return err
		}
	}
	if personal == nil {
		return nil
	}
	r.personal = personal["command"] != nil
	return r.decode(personal, PersonalFile)
}

func (r *Run) decode(raw any, name string) error {
	decoder, err := mapstructure.NewDecoder(&mapstructure.DecoderConfig{
		Result: r, ErrorUnused: true, WeaklyTypedInput: true,
		DecodeHook: mapstructure.ComposeDecodeHookFunc(decodeArgv, decodeReady, mapstructure.StringToTimeDurationHookFunc()),
	})
	if err != nil {
		return err
	}
	if err := decoder.Decode(raw); err != nil {
		return hintError{
			fmt.Errorf("%s: %s", name, strings.Join(strings.Fields(err.Error()), " ")),
			"it has command, directory, watch, port, env, ready, hold and keep",
		}
	}
	if r.Hold != nil && *r.Hold < 0 {
		return hintError{fmt.Errorf("%s: hold is %s", name, *r.Hold), "write a time as 10s, or 0s to hold nothing"}
	}
	return nil
}

func decodeArgv(_, to reflect.Type, value any) (any, error) {
	text, ok := value.(string)
	if to != reflect.TypeFor[Argv]() || !ok {
		return value, nil
	}
	return ParseCommand(text)
}

// ParseCommand splits a command as a shell does. One that needs a shell gets one.
func ParseCommand(text string) (Argv, error) {
	if strings.ContainsAny(text, "|&;<>()$`*?[~\n") {
		return Shell(text), nil
	}
	argv, err := shellwords.Parse(text)
	if err != nil || len(argv) == 0 {
		return nil, fmt.Errorf("command %q cannot be read as a shell would", text)
	}
	return argv, nil
}

func decodeReady(_, to reflect.Type, value any) (any, error) {
	if to != reflect.TypeFor[Ready]() {
		return value, nil
	}
	switch v := value.(type) {
	case int:
		return Ready{Port: v}, nil
	case string:
		if v == "health" {
			return Ready{Health: true}, nil
		}
		return Ready{Log: v}, nil
	}
	return value, nil
}

// personal is what the personal file says.
type personal struct {
	Services map[string]map[string]any `yaml:"services"`

	file  string
	lines map[string]int
}

// readPersonal reads the personal file of a project, which may be missing.
func readPersonal(dir string) (personal, error) {
	p := personal{file: filepath.Join(dir, PersonalFile), lines: map[string]int{}}
	data, err := os.ReadFile(p.file)
	if errors.Is(err, fs.ErrNotExist) {
		return p, nil
	}
	if err != nil {
		return p, err
	}
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	decoder.KnownFields(true)
	if err := decoder.Decode(&p); err != nil && !errors.Is(err, io.EOF) { // an empty one says nothing
		return p, hintError{fmt.Errorf("%s: %w", p.file, err), "write services:, and below it for each service what x-axion would say"}
	}
	p.lines = linesOf(data)
	return p, nil
}

// checkDirectory says what is wrong with where a command shall run.
func checkDirectory(dir string) error {
	info, err := os.Stat(dir)
	switch {
	case isRemote(dir):
		return hintError{fmt.Errorf("its build context %s is not on this machine", dir), "say where it is: x-axion: {directory: ...}"}
	case err != nil:
		return hintError{fmt.Errorf("its directory %s: %w", dir, err), "make it, or say another: x-axion: {directory: ...}"}
	case !info.IsDir():
		return hintError{fmt.Errorf("its directory %s is a file", dir), "say another: x-axion: {directory: ...}"}
	}
	return nil
}

// NeedsShell says whether a command is one that [Shell] made.
func (a Argv) NeedsShell() bool { return slices.Equal(a, Shell(a[len(a)-1])) }
