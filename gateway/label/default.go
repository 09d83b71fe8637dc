package label

import (
	"context"
	"fmt"
	"maps"
	"text/template"
	"time"

	"axion/gateway/gotemplate"
)

// maxRule bounds the bytes of a rule that a template makes.
const maxRule = 32 << 10

// DefaultRule is Traefik's providers.docker.defaultRule: a Go template that makes
// the rule of routers without one. Name, ContainerName and Labels are its data;
// normalize and those of Sprig that only look at their arguments are its functions.
type DefaultRule struct {
	template *gotemplate.Template
}

// NewDefaultRule parses the template. An empty one is nil, which means Traefik's.
func NewDefaultRule(text string) (*DefaultRule, error) {
	if text == "" {
		return nil, nil
	}
	t, err := gotemplate.Parse(text, template.FuncMap{"normalize": normalize}, "missingkey=zero")
	if err != nil {
		return nil, fmt.Errorf("read the default rule: %w", err)
	}
	return &DefaultRule{t}, nil
}

// limits are those of the template: it runs for each service.
var limits = gotemplate.Limits{Output: maxRule, Steps: 20_000, Time: time.Second}

// rule makes the rule of a service's router.
func (t *DefaultRule) rule(s *Service) (string, error) {
	text, err := t.template.Execute(context.Background(), struct {
		Name, ContainerName string
		Labels              map[string]string
	}{s.defaultName(), s.container(), AllLabels(*s)}, limits)
	if err != nil {
		return "", fmt.Errorf("the default rule: %w", err)
	}
	return string(text), nil
}

// container is the name that compose gives to the first container of a service.
func (s *Service) container() string {
	if s.Project == "" {
		return s.Name
	}
	return s.Project + "-" + s.Name + "-1"
}

// AllLabels are the labels of a service with those that compose itself adds,
// which default rules and constraints go by.
func AllLabels(s Service) map[string]string {
	all := map[string]string{}
	if s.Project != "" {
		all["com.docker.compose.project"] = s.Project
	}
	all["com.docker.compose.service"] = s.Name
	maps.Copy(all, s.Labels)
	return all
}
