package tcp

import (
	"fmt"

	"axion/gateway/config"
	"axion/gateway/layer4"
	"axion/gateway/rule"
)

// route is a router as built.
type route struct {
	name        string
	config      *config.TCPRouter
	rule        *rule.TCPRule // nil where it was refused
	priority    int
	entries     []string
	middlewares []*middleware
	service     *service
	findings    layer4.Findings
}

func (r *route) describe() Route {
	d := Route{Name: r.name, Config: r.config, EntryPoints: r.entries, Priority: r.priority,
		Enabled: !r.findings.Refused(), Findings: r.findings}
	if r.rule != nil {
		d.Hosts, d.AnyHost = r.rule.Hosts()
	}
	return d
}

func (r *route) refuse(field, message, hint string) { r.report(config.Error, field, message, hint) }
func (r *route) warn(field, message, hint string)   { r.report(config.Warning, field, message, hint) }

func (r *route) report(s config.Severity, field, message, hint string) {
	r.findings = append(r.findings, layer4.Finding{Router: r.name, Severity: s, Field: field, Message: message, Hint: hint})
}

// review reports routes that stand in each other's way.
func (t *Table) review(entrypoint string) {
	for _, list := range [][]*route{t.plain, t.secure} {
		for i, r := range list {
			for _, first := range list[:i] {
				if first.rule.String() != r.rule.String() && !first.rule.CatchAll() {
					continue
				}
				why := fmt.Sprintf("on entrypoint %s the router %q takes its connections", entrypoint, first.name)
				if first.priority == r.priority {
					why += ", which has the same priority"
				}
				r.warn("rule", why, "give it a higher priority, or another entrypoint")
				break
			}
		}
	}
	if len(t.secure) == 0 {
		return
	}
	for _, r := range t.plain {
		r.report(config.Notice, "entrypoints",
			fmt.Sprintf("on entrypoint %s the client has to speak first, since %q is asked with TLS there: servers that greet, as of SMTP and "+
				"MySQL, stay silent",
				entrypoint, t.secure[0].name), "give it an entrypoint of its own")
	}
}
