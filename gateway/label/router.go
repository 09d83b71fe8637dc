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
// default one where its labels define none. It reports whether all are sound.
// complete says that no service is missing for a mistake reported already.
func (d *decoder) routers(complete bool) bool {
	routers := d.tree.HTTP.Routers
	if len(routers) == 0 && len(d.set.Services) == 1 {
		routers = map[string]*config.Router{d.defaultName(): {}}
	}
	ok := true
	for _, name := range slices.Sorted(maps.Keys(routers)) {
		if d.out[ref("routers", name)] != "" {
			continue
		}
		r := routers[name]
		r.Origin = d.origin("routers", name)
		r.EntryPoints, r.Middlewares = filled(r.EntryPoints), filled(r.Middlewares)
		if r.Rule == "" {
			r.Rule = "Host(`" + d.defaultName() + "`)"
		}
		linked := !complete || d.link(name, r)
		if d.check(name, r) && linked {
			d.set.Routers[name] = r
		} else {
			ok = false
		}
	}
	return ok
}

// link gives a router without a service the only one.
func (d *decoder) link(name string, r *config.Router) bool {
	if r.Service != "" {
		return true
	}
	names := slices.Sorted(maps.Keys(d.set.Services))
	if len(names) != 1 {
		d.problem(config.Error, d.labelOf("routers", name),
			fmt.Sprintf("router %s cannot be linked automatically with multiple Services: %q", name, names),
			fmt.Sprintf("add the label traefik.http.routers.%s.service with one of them", name))
		return false
	}
	r.Service = names[0]
	return true
}

// check parses the rule.
func (d *decoder) check(name string, r *config.Router) bool {
	_, err := rule.Parse(r.Rule)
	if err == nil {
		return true
	}
	hint := ""
	if e, ok := errors.AsType[*rule.Error](err); ok {
		hint = e.Mend()
	}
	d.problem(config.Error, d.ruleLabel(name), err.Error(), hint)
	return false
}

// ruleLabel is the label that holds a router's rule.
func (d *decoder) ruleLabel(router string) string {
	at := prefix + ref("routers", router) + ".rule"
	for _, key := range d.keys() {
		if strings.EqualFold(key, at) {
			return key
		}
	}
	return d.labelOf("routers", router)
}

// filled drops the empty entries of a comma list.
func filled(list []string) []string {
	return slices.DeleteFunc(list, func(s string) bool { return s == "" })
}
