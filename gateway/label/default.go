package label

import (
	"bytes"
	"fmt"
	"maps"
	"sync"
	"text/template"

	"github.com/Masterminds/sprig/v3"
)

// maxRule bounds the bytes of a rule that a template makes.
const maxRule = 32 << 10

// DefaultRule is Traefik's providers.docker.defaultRule: a Go template that makes
// the rule of routers without one. Name, ContainerName and Labels are its data;
// normalize and those of Sprig that only look at their arguments are its functions.
type DefaultRule struct {
	template *template.Template
}

// NewDefaultRule parses the template. An empty one is nil, which means Traefik's.
func NewDefaultRule(text string) (*DefaultRule, error) {
	if text == "" {
		return nil, nil
	}
	t, err := template.New("defaultRule").Option("missingkey=zero").Funcs(functions()).Parse(text)
	if err != nil {
		return nil, fmt.Errorf("read the default rule: %w", err)
	}
	return &DefaultRule{t}, nil
}

// functions are Sprig's and Traefik's own, but for those that reach out of the
// template, or make as much as a number says.
var functions = sync.OnceValue(func() template.FuncMap {
	all := sprig.TxtFuncMap()
	for _, name := range []string{"env", "expandenv", "getHostByName", "until", "untilStep", "seq", "repeat", "indent", "nindent",
		"randAlpha", "randAlphaNum", "randAscii", "randNumeric", "randBytes", "randInt", "genPrivateKey", "genCA", "genCAWithKey",
		"genSelfSignedCert", "genSelfSignedCertWithKey", "genSignedCert", "genSignedCertWithKey", "bcrypt", "htpasswd", "derivePassword"} {
		delete(all, name)
	}
	all["normalize"] = normalize
	return all
})

// rule makes the rule of a service's router.
func (t *DefaultRule) rule(d *decoder) (string, error) {
	var b bytes.Buffer
	err := t.template.Execute(&limited{&b}, struct {
		Name, ContainerName string
		Labels              map[string]string
	}{d.defaultName(), d.container(), AllLabels(d.Service)})
	if err != nil {
		return "", fmt.Errorf("the default rule: %w", err)
	}
	return b.String(), nil
}

// container is the name that compose gives to the first container of a service.
func (d *decoder) container() string {
	if d.Project == "" {
		return d.Name
	}
	return d.Project + "-" + d.Name + "-1"
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

// limited refuses to write more than a rule may hold.
type limited struct{ *bytes.Buffer }

func (l *limited) Write(p []byte) (int, error) {
	if l.Len()+len(p) > maxRule {
		return 0, fmt.Errorf("it makes a rule longer than %d bytes", maxRule)
	}
	return l.Buffer.Write(p)
}
