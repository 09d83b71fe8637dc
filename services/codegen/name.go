package codegen

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"axion/services/contract"
)

// maxName leaves room for what Kubernetes adds to the names of some objects, which
// have to be labels too.
const maxName = 52

// nameForm is a DNS label that begins with a letter (RFC 1035), as the name of a
// Kubernetes service has to.
var nameForm = regexp.MustCompile(`^[a-z](?:[a-z0-9-]*[a-z0-9])?$`)

// chooseNames are what generated files call each node: folders, hosts, containers
// and objects. It is the node's name, or else its id. One that cannot be all of
// these, such as "Order API" or "7", becomes the nearest that can and that no other
// node has.
func chooseNames(nodes []contract.Node) ([]string, error) {
	names, taken := make([]string, len(nodes)), map[string]string{}
	for i, n := range nodes {
		wish := wishOf(n)
		if !usable(wish) {
			continue
		}
		if other, twice := taken[wish]; twice {
			return nil, &GraphError{fmt.Sprintf("node %.64q", n.ID), fmt.Sprintf("node %.64q is called %q already", other, wish)}
		}
		names[i], taken[wish] = wish, n.ID
	}
	for i, n := range nodes {
		if names[i] != "" {
			continue
		}
		base := near(wishOf(n))
		names[i] = base
		for k := 2; taken[names[i]] != ""; k++ {
			names[i] = base + "-" + strconv.Itoa(k)
		}
		taken[names[i]] = n.ID
	}
	return names, nil
}

func wishOf(n contract.Node) string {
	if n.Name != "" {
		return n.Name
	}
	return n.ID
}

// usable tells what every place takes. A node called localhost would lead each
// other to itself.
func usable(name string) bool {
	return len(name) <= maxName && nameForm.MatchString(name) && name != "localhost"
}

func near(wish string) string {
	if name := packageName(wish); name != "localhost" {
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

// envName makes a part of an environment variable's name.
func envName(name string) string { return strings.ToUpper(strings.ReplaceAll(name, "-", "_")) }
