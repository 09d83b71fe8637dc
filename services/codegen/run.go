package codegen

import (
	"encoding/json"
	"slices"

	"axion/services/contract"
)

// run returns how the project runs: by the runtime that its config names, by default
// static. A project with a graph runs the service that an
// ingress leads to, or else its first.
func run(req contract.GenerateCodeRequest, template string, l *layout) (contract.Run, error) {
	var config struct {
		Runtime *string `json:"runtime"`
	}
	if len(req.Config) > 0 {
		if err := json.Unmarshal(req.Config, &config); err != nil {
			return contract.Run{}, &ConfigError{"runtime", "must be a string"}
		}
	}
	switch {
	case config.Runtime == nil || *config.Runtime == contract.RuntimeStatic:
		return contract.Run{}, nil
	case *config.Runtime != contract.RuntimeProcess:
		return contract.Run{}, &ConfigError{"runtime", "must be " + contract.RuntimeStatic + " or " + contract.RuntimeProcess}
	}
	if a := l.entryProgram(); a != nil {
		return start(a.node.Language, folderOf(a)), nil
	}
	if template == contract.NestJSTemplate {
		return start(languageNestJS, ""), nil
	}
	return contract.Run{}, &ConfigError{"runtime", "there is nothing to run: template " + template + " has no service, nor has the graph"}
}

// start returns the commands of a skeleton. The process itself runs without a shell
// or a package manager around it, which would not pass signals on.
func start(language, dir string) contract.Run {
	r := contract.Run{Runtime: contract.RuntimeProcess, Directory: dir, Health: healthPath}
	if language == languageGo {
		r.Build, r.Command = [][]string{{"go", "build", "-o", "service", "."}}, []string{"./service"}
		return r
	}
	r.Build = [][]string{{"npm", "install", "--no-audit", "--no-fund"}, {"npm", "run", "build"}}
	r.Command = []string{"node", "dist/main.js"}
	return r
}

// entryProgram returns the program to run for a project: the first that an ingress leads
// to, or else the first; nil for none.
func (l *layout) entryProgram() *component {
	if l == nil {
		return nil
	}
	programs := l.programs()
	if at := slices.IndexFunc(programs, func(a *component) bool { return len(a.routes) > 0 }); at >= 0 {
		return programs[at]
	}
	if len(programs) > 0 {
		return programs[0]
	}
	return nil
}
