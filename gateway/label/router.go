package label

import (
	"axion/gateway/config"
	"fmt"
	"slices"
	"strings"
)

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

// linkService gives a router without a service the only one.
func (d *decoder) linkService(section, name string, service *string, names []string) bool {
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

// filled drops the empty entries of a comma list.
func filled(list []string) []string {
	return slices.DeleteFunc(list, func(s string) bool { return s == "" })
}
