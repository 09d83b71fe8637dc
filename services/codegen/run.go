package codegen

import (
	"encoding/json"
	"slices"

	"axion/services/contract"
)

// run says how the project runs: by the runtime that its config names, which is
// static where it names none. A project with a graph runs the service that an
// ingress leads to, or else its first.
func run(req contract.GenerateCodeRequest, template string, p *plan) (contract.Run, error) {
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
	if a := p.front(); a != nil {
		return start(a.node.Language, folderOf(a)), nil
	}
	if template == contract.NestJSTemplate {
		return start(languageNestJS, ""), nil
	}
	return contract.Run{}, &ConfigError{"runtime", "there is nothing to run: template " + template + " has no service, nor has the graph"}
}

// start are the commands of a skeleton. The process itself runs without a shell
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

// front is the program that a project is seen by: the first that an ingress leads
// to, or else the first; nil for none.
func (p *plan) front() *part {
	if p == nil {
		return nil
	}
	programs := p.programs()
	if at := slices.IndexFunc(programs, func(a *part) bool { return len(a.routes) > 0 }); at >= 0 {
		return programs[at]
	}
	if len(programs) > 0 {
		return programs[0]
	}
	return nil
}
