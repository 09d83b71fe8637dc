package compose

import (
	"cmp"

	"axion/gateway/config"
	"axion/gateway/label"
	"axion/gateway/provider/merge"
)

// Settings are those of a project's Traefik that concern all containers.
type Settings struct {
	// RequireEnable is its exposedByDefault=false, or [Reader.RequireEnable].
	RequireEnable bool

	rule       *label.DefaultRule
	constraint *label.Constraint
	docker     config.StaticDocker // what it was read from
}

// newSettings reads those of the Traefik in doc. A setting that cannot be read is a
// problem of doc, and is ignored.
func newSettings(doc *merge.Document, requireEnable bool, before Settings) Settings {
	s := Settings{RequireEnable: requireEnable}
	if doc.Static == nil {
		return s
	}
	s.docker = doc.Static.Docker
	s.RequireEnable = requireEnable || s.docker.ExposedByDefault != nil && !*s.docker.ExposedByDefault
	var ruleErr, constraintErr error
	if s.rule = before.rule; s.rule == nil || before.docker.DefaultRule != s.docker.DefaultRule {
		s.rule, ruleErr = label.NewDefaultRule(s.docker.DefaultRule)
	}
	s.constraint, constraintErr = label.NewConstraint(s.docker.Constraints)
	for setting, err := range map[string]error{"providers.docker.defaultrule": ruleErr, "providers.docker.constraints": constraintErr} {
		if err != nil {
			o := doc.Static.Origin
			o.Line = cmp.Or(doc.Static.Lines[setting], o.Line)
			doc.Problems = append(doc.Problems, doc.Static.Problem(o, config.Error, setting+": "+err.Error(), ""))
		}
	}
	return s
}

// Apply gives a service the settings, and reports whether it meets the constraints.
func (s Settings) Apply(service *label.Service) bool {
	service.RequireEnable = service.RequireEnable || s.RequireEnable
	service.DefaultRule, service.UseBindPortIP = s.rule, s.docker.UseBindPortIP
	return s.constraint.Met(*service)
}
