package codegen

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"axion/services/contract"
)

// maxName bounds a name so that it is a label too with what Kubernetes adds to the names of
// some objects.
const maxName = 52

// nameForm is a DNS label that begins with a letter (RFC 1035), as the name of a
// Kubernetes service has to.
var nameForm = regexp.MustCompile(`^[a-z](?:[a-z0-9-]*[a-z0-9])?$`)

// chooseNames returns the name of each node's folder, host, container and objects: the
// node's name, or else its id. One that is not valid for all of these, such as "Order API"
// or "7", becomes the closest that is, and that no other node has.
func chooseNames(nodes []contract.Node) ([]string, error) {
	names, taken := make([]string, len(nodes)), map[string]string{}
	for i, n := range nodes {
		name := preferredName(n)
		if !usable(name) {
			continue
		}
		if other, twice := taken[name]; twice {
			return nil, &GraphError{fmt.Sprintf("node %.64q", n.ID), fmt.Sprintf("node %.64q is called %q already", other, name)}
		}
		names[i], taken[name] = name, n.ID
	}
	for i, n := range nodes {
		if names[i] != "" {
			continue
		}
		base := closest(preferredName(n))
		names[i] = base
		for k := 2; taken[names[i]] != ""; k++ {
			names[i] = base + "-" + strconv.Itoa(k)
		}
		taken[names[i]] = n.ID
	}
	return names, nil
}

// preferredName returns the name of a node, by default its id.
func preferredName(n contract.Node) string {
	if n.Name != "" {
		return n.Name
	}
	return n.ID
}

// usable reports whether a name is valid in all generated files. A node called localhost
// would be each other's own address.
func usable(name string) bool {
	return len(name) <= maxName && nameForm.MatchString(name) && name != "localhost"
}

// closest returns the closest usable name.
func closest(title string) string {
	if name := packageName(title); name != "localhost" {
		return name
	}
	return "service-localhost"
}

var notPackage = regexp.MustCompile(`[^a-z0-9]+`)

// packageName makes a name that npm, compose and DNS labels all accept.
func packageName(title string) string {
	name := strings.Trim(notPackage.ReplaceAllString(strings.ToLower(title), "-"), "-")
	if len(name) > 40 {
		name = strings.TrimRight(name[:40], "-")
	}
	if name == "" || name[0] >= '0' && name[0] <= '9' {
		name = strings.TrimRight("service-"+name, "-")
	}
	return name
}

// envName returns a name as a part of an environment variable's name.
func envName(name string) string { return strings.ToUpper(strings.ReplaceAll(name, "-", "_")) }
