// Package static reads the static configuration of a compose service that runs Traefik
// itself: its flags, its environment or its static configuration file.
package static

import (
	"fmt"
	"slices"
	"strings"

	"axion/gateway/config"
	"axion/gateway/hint"

	"github.com/traefik/paerser/parser"
)

// Source is a compose service that runs Traefik.
type Source struct {
	File    string // for origins and problems
	Service string
	Line    int // of the service, from 1; 0 where unknown
	// Args is the command as a list, with or without the word traefik in front.
	Args []Arg
	// Env is the service's own environment. Only TRAEFIK_* are settings; others may be in
	// the names of files.
	Env map[string]string
	// WorkingDir is the service's own one. Empty means the root, as in Traefik's image.
	WorkingDir string
	// User is whom the service runs as: a name or number, with or without a group. Empty
	// means root, as in Traefik's image.
	User string
	// Path finds a path of the container on this machine, and whether some volume
	// holds it. Nil means that both see the same files.
	Path func(containerPath string) (hostPath string, ok bool)
	// Content finds what the compose file itself holds at a path of the container. Nil
	// means that there is nothing.
	Content func(containerPath string) (Content, bool)
	// Writable finds where a file that Traefik writes is on this machine, and the
	// directory that it must not leave. The error says why it may not be written,
	// and has a Hint method. Nil means that both see the same files, wherever.
	Writable func(containerPath string) (root, hostPath string, err error)
}

// Content is the text of a config or secret that stands in a compose file.
type Content struct {
	File string // as problems call the compose file
	Line int    // of the first line of the text, from 1; 0 where unknown
	Text string
}

// Arg is one word of a command.
type Arg struct {
	Text string
	Line int // from 1; 0 where unknown
}

// tree is the shape of Traefik's static configuration, as far as it matters here.
type tree struct {
	EntryPoints           map[string]*config.EntryPoint
	CertificatesResolvers map[string]*config.CertResolver
	Providers             struct {
		Docker *config.StaticDocker `label:"allowEmpty" file:"allowEmpty"`
		File   *fileProvider        `label:"allowEmpty" file:"allowEmpty"`
	}
	AccessLog        *config.AccessLog `label:"allowEmpty" file:"allowEmpty"`
	Metrics          *config.Metrics
	Ping             *config.Ping `label:"allowEmpty" file:"allowEmpty"`
	API              *config.API  `label:"allowEmpty" file:"allowEmpty"`
	ServersTransport *config.ServersTransport
	Core             struct{ StrictTLSOptions bool }
}

type fileProvider struct {
	Filename  string
	Directory string
}

// Read reads the source. Like Traefik it takes exactly one of the static file,
// the flags and the environment, the first of these that there is. No problem is
// fatal: a setting that is unknown or not supported is left out with a Warning,
// one that cannot be read with an Error. Those that mean nothing to this gateway,
// such as the log's level, are ignored. The static configuration is never nil;
// the File of its Origin is the static file where that was read, which its caller
// may want to watch.
func Read(s Source) (*config.Static, []config.Problem) {
	r := &reader{report: &report{lines: map[string]int{}}, reported: map[string]bool{}}
	r.origin = config.Origin{Provider: "docker", File: s.File, Service: s.Service, Line: s.Line}
	r.files = files{Source: s, report: r.report}
	flags := r.flags()
	env := r.environment()
	switch file := r.files.static(flags); {
	case file != nil:
		r.fromFile(file)
		if len(flags) > 0 || len(env) > 0 {
			r.reportIgnored(append(flags, env...), "Traefik takes its settings from "+file.place)
		}
	case len(flags) > 0:
		r.fromSettings(flags)
		r.reportIgnored(env, "Traefik takes its settings from the flags")
	default:
		r.fromSettings(env)
	}
	return r.static(), r.problems
}

// reader reads one source.
type reader struct {
	*report
	files    files
	tree     tree
	reported map[string]bool // what is not followed, in lower case
}

// setting is one, such as entrypoints.web.address.
type setting struct {
	path  []string
	value string
	text  string // as its author wrote the name
	line  int
	// ignored is one that Traefik ignores: a variable or a file's section whose name
	// is none of Traefik's.
	ignored bool
}

// namesFile reports whether the setting is the flag that names the static file.
func (s setting) namesFile() bool {
	return len(s.path) == 1 && strings.EqualFold(s.path[0], configFile) && strings.HasPrefix(s.text, "--")
}

// reportIgnored reports in one problem all settings that Traefik does not look at.
func (r *reader) reportIgnored(settings []setting, why string) {
	var names []string
	line := 0
	for _, s := range settings {
		if s.namesFile() || slices.Contains(names, s.text) {
			continue
		}
		if line == 0 {
			line = s.line
		}
		names = append(names, s.text)
	}
	if len(names) == 0 {
		return
	}
	are := "is"
	if len(names) > 1 {
		are = "are"
	}
	r.problems = append(r.problems, config.Problem{Severity: config.Warning, File: r.files.File, Line: line, Service: r.files.Service,
		Message: fmt.Sprintf("%s %s ignored: %s", strings.Join(names, ", "), are, why),
		Fix:     "keep all settings in one place: the file, the flags or the environment"})
}

// fromSettings decodes flags or variables.
func (r *reader) fromSettings(settings []setting) {
	values := map[string]string{}
	keys := map[string]string{}
	for _, s := range settings {
		f := classify(s.path)
		if !r.accept(f, s) {
			if f.verdict == unfollowed {
				above(s.path, values)
			}
			continue
		}
		key := parser.DefaultRootName + "." + strings.Join(s.path, ".")
		if first, ok := keys[strings.ToLower(key)]; ok {
			key = first
		}
		keys[strings.ToLower(key)] = key
		if former, ok := values[key]; ok && f.isList() {
			s.value = former + "," + s.value
		}
		values[key] = s.value
		r.locate(s.path, s.line)
	}
	if len(values) == 0 {
		return
	}
	if err := parser.Decode(values, &r.tree, parser.DefaultRootName); err != nil {
		r.tree = tree{}
		r.problem(config.Error, 0, "Traefik's settings cannot be read: "+err.Error(), "")
	}
}

// above switches on the section around a setting that is not decoded, as any setting
// in it does.
func above(path []string, values map[string]string) {
	for n := len(path) - 1; n > 0; n-- {
		f := classify(path[:n])
		if f.verdict != known || !f.empty {
			continue
		}
		key := parser.DefaultRootName + "." + strings.ToLower(strings.Join(path[:n], "."))
		for k := range values {
			if strings.EqualFold(k, key) || len(k) > len(key) && strings.EqualFold(k[:len(key)+1], key+".") {
				return
			}
		}
		values[key] = "true"
		return
	}
}

// accept reports whether a setting is to be decoded, or reports why not.
func (r *reader) accept(f field, s setting) bool {
	switch f.verdict {
	case section:
		r.problem(config.Error, s.line, fmt.Sprintf("%s: it says nothing without one of its fields", s.text), "")
		return false
	case unfollowed:
		r.unknownValue(s)
		r.unfollowed(f.listed, s)
		return false
	case unknown:
		r.unknown(f, s)
		return false
	case known:
	}
	if why := f.unreadable(s.value); why != "" {
		r.problem(config.Error, s.line, fmt.Sprintf("%s: %s", s.text, why), "")
		return false
	}
	if isNewer(s.path) {
		r.problem(config.Notice, s.line, s.text+" is followed, and Traefik 3.7 does not start with it: a newer version has it", "")
	}
	return true
}

// unfollowed reports a setting that is not followed, once of all that is inside it.
func (r *reader) unfollowed(l *listed, s setting) {
	if l.path == configFile {
		if !s.namesFile() {
			r.problem(config.Warning, s.line, s.text+" is ignored: Traefik takes the name of its static file from a flag alone",
				"write --configFile="+s.value+" into the command")
		}
		return
	}
	whole := strings.Join(s.path[:strings.Count(l.path, ".")+1], ".")
	inside := len(whole) < len(strings.Join(s.path, "."))
	at := strings.ToLower(whole)
	if l.inert || !inside && l.asksNothing(s.value) || r.reported[at] {
		return
	}
	r.reported[at] = true
	message := s.text + " is not supported: it is ignored"
	if inside {
		message += ", as all of " + whole + " is"
	}
	r.problem(l.severity, s.line, message, l.hint)
}

// static is the result in the gateway's own shape.
func (r *reader) static() *config.Static {
	s := &config.Static{
		Origin: r.origin, Lines: r.lines, EntryPoints: r.tree.EntryPoints, CertResolvers: r.tree.CertificatesResolvers,
		AccessLog: r.accessLog(), Metrics: r.tree.Metrics, Ping: r.tree.Ping, API: r.tree.API,
		ServersTransport: r.tree.ServersTransport, StrictTLSOptions: r.tree.Core.StrictTLSOptions,
	}
	for name, e := range s.EntryPoints {
		e.Origin = r.origin
		if line := r.lines["entrypoints."+strings.ToLower(name)]; line > 0 {
			e.Origin.Line = line
		}
	}
	if s.ServersTransport != nil {
		s.ServersTransport.Origin = r.origin
	}
	if d := r.tree.Providers.Docker; d != nil {
		s.Docker = *d
	}
	if f := r.tree.Providers.File; f != nil {
		s.FileProviders = r.fileProvider(f)
	}
	(&checker{r.report}).check(s)
	return s
}

// accessLog finds on this machine where the access log is written. There is none
// where it may not be.
func (r *reader) accessLog() *config.AccessLog {
	c := r.tree.AccessLog
	if c == nil || c.FilePath == "" || r.files.Writable == nil {
		return c
	}
	root, host, err := r.files.Writable(c.FilePath)
	if err != nil {
		r.problem(config.Warning, r.lines["accesslog.filepath"], fmt.Sprintf("no access log is written to %s: %v", c.FilePath, err), hint.Of(err))
		return nil
	}
	log := *c
	log.Root, log.FilePath = root, host
	return &log
}

// fileProvider finds on this machine what Traefik's file provider reads. The
// directory wins over the file.
func (r *reader) fileProvider(f *fileProvider) []config.FileProvider {
	switch {
	case f.Directory != "":
		if host, ok := r.files.host(f.Directory, r.lines["providers.file.directory"], "the directory of the file provider"); ok {
			return []config.FileProvider{{Directory: host}}
		}
	case f.Filename != "":
		if host, ok := r.files.host(f.Filename, r.lines["providers.file.filename"], "the file of the file provider"); ok {
			return []config.FileProvider{{Path: host}}
		}
	default:
		r.problem(config.Warning, r.lines["providers.file"], "the file provider has neither a directory nor a file name",
			"add providers.file.directory or providers.file.filename")
	}
	return nil
}
