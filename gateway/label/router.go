package label

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"axion/gateway/config"
	"axion/gateway/rule"
)

// routers gives every router its rule and service, and the compose service a
// default one where its labels define none. One that lacks either, or whose rule
// cannot be read, is left out by itself, as in Traefik. complete says that no service is missing for a mistake
// reported already.
func (d *decoder) routers(complete bool) {
	routers := d.tree.HTTP.Routers
	if len(routers) == 0 && len(d.set.Services) == 1 {
		routers = map[string]*config.Router{d.defaultName(): {}}
	}
	services := slices.Sorted(maps.Keys(d.set.Services))
	for _, name := range slices.Sorted(maps.Keys(routers)) {
		r := routers[name]
		r.Origin = d.origin("http", "routers", name)
		r.EntryPoints, r.Middlewares = filled(r.EntryPoints), filled(r.Middlewares)
		if !d.syntax("http", name, r.RuleSyntax) {
			continue
		}
		sound := r.Rule != "" || d.giveRule(name, r)
		linked := !complete || d.link("http", name, &r.Service, services)
		if sound && d.check(name, r) && linked {
			put(&d.set.Routers, name, r)
		}
	}
}

// giveRule gives a router the default rule.
func (d *decoder) giveRule(name string, r *config.Router) bool {
	if d.DefaultRule == nil {
		r.Rule = "Host(`" + d.defaultName() + "`)"
		return true
	}
	var err error
	if r.Rule, err = d.DefaultRule.rule(d); err != nil {
		d.problem(config.Error, d.labelOf("http", "routers", name), fmt.Sprintf("the default rule cannot be made: %v", err),
			fmt.Sprintf("add the label traefik.http.routers.%s.rule", name))
		return false
	}
	return true
}

// syntax leaves out a router that is written in the grammar of Traefik v2, which
// can mean another thing in that of v3.
func (d *decoder) syntax(section, name, version string) bool {
	switch strings.ToLower(version) {
	case "", "v3", "default":
		return true
	}
	d.problem(config.Error, d.fieldLabel(section, "routers", name, "rulesyntax"),
		fmt.Sprintf("the router %q is left out: rules in the syntax %q are not supported", name, version),
		"write the rule in Traefik v3's syntax, and remove this label")
	return false
}

// link gives a router without a service the only one.
func (d *decoder) link(section, name string, service *string, names []string) bool {
	if *service != "" {
		return true
	}
	if len(names) != 1 {
		d.problem(config.Error, d.labelOf(section, "routers", name),
			fmt.Sprintf("router %s cannot be linked automatically with multiple Services: %q", name, names),
			fmt.Sprintf("add the label traefik.%s.routers.%s.service with one of them", section, name))
		return false
	}
	*service = names[0]
	return true
}

// check parses the rule.
func (d *decoder) check(name string, r *config.Router) bool {
	_, err := d.Rules.Parse(r.Rule)
	if err == nil {
		return true
	}
	hint := ""
	if e, ok := errors.AsType[*rule.Error](err); ok {
		hint = e.Hint()
	}
	d.problem(config.Error, d.fieldLabel("http", "routers", name, "rule"), err.Error(), hint)
	return false
}

// filled drops the empty entries of a comma list.
func filled(list []string) []string {
	return slices.DeleteFunc(list, func(s string) bool { return s == "" })
}
