package api

import (
	"cmp"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// perPage is how many objects a page has by default.
const perPage = 100

// List are objects by "name@provider".
type List map[string]Object

// Select gives the page of a list that a query asks for, by Traefik's parameters
// (search, status, serviceName, middlewareName, sortBy, direction, page, per_page), and
// which page comes next: 1 after the last one. The error says what is wrong with the
// page.
func Select(list List, q url.Values) (page []Object, next int, err error) {
	found := []Object{}
	for _, o := range list {
		if o.wanted(q) {
			found = append(found, o)
		}
	}
	sort(found, q.Get("sortBy"), q.Get("direction"))
	return Page(found, q)
}

// Page gives the page of all that a query asks for, and which comes next.
func Page[T any](all []T, q url.Values) (page []T, next int, err error) {
	size, err := number(q, "per_page", perPage)
	if err != nil {
		return nil, 0, err
	}
	n, err := number(q, "page", 1)
	if err != nil {
		return nil, 0, err
	}
	// By division: who asks for page 2⁶² of 2⁶² is to get no other page.
	if n > 1 && n-1 > (len(all)-1)/size || n > 1 && len(all) == 0 {
		return nil, 0, fmt.Errorf("invalid request: page: %d, per_page: %d", n, size)
	}
	start := 0
	if n > 1 {
		start = (n - 1) * size
	}
	if size >= len(all)-start {
		return all[start:], 1, nil
	}
	return all[start : start+size], n + 1, nil
}

// number reads a positive number.
func number(q url.Values, name string, usual int) (int, error) {
	text := q.Get(name)
	if text == "" {
		return usual, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n <= 0 {
		return 0, fmt.Errorf("invalid request: %s: %d", name, n)
	}
	return n, nil
}

func (o Object) text(name string) string {
	text, _ := o[name].(string)
	return text
}

// Strings are the items of a list of texts.
func (o Object) Strings(name string) []string {
	switch list := o[name].(type) {
	case []string:
		return list
	case []any:
		texts := make([]string, 0, len(list))
		for _, v := range list {
			if text, ok := v.(string); ok {
				texts = append(texts, text)
			}
		}
		return texts
	}
	return nil
}

// wanted applies the filters of a query. Those for services and middlewares are for
// routers: nothing else has the rule that says these.
func (o Object) wanted(q url.Values) bool {
	if status := q.Get("status"); status != "" && !strings.EqualFold(o.text("status"), status) {
		return false
	}
	if search := strings.ToLower(q.Get("search")); !strings.Contains(strings.ToLower(o.text("name")), search) &&
		!strings.Contains(strings.ToLower(o.text("rule")), search) {
		return false
	}
	service, isRouter := o["service"].(string)
	if !isRouter {
		return true
	}
	if want := q.Get("serviceName"); want != "" {
		if !strings.Contains(service, "@") { // as its author wrote it
			want, _, _ = strings.Cut(want, "@")
		}
		if service != want {
			return false
		}
	}
	want := q.Get("middlewareName")
	return want == "" || slices.Contains(o.Strings("middlewares"), want)
}

// sort puts objects in order: by name, or by what is asked for and then by name.
func sort(list []Object, by, direction string) {
	compare := func(a, b Object) int {
		return cmp.Or(compareBy(by, a, b), strings.Compare(a.text("name"), b.text("name")))
	}
	if direction != "" && direction != "asc" {
		slices.SortFunc(list, func(a, b Object) int { return compare(b, a) })
		return
	}
	slices.SortFunc(list, compare)
}

func compareBy(by string, a, b Object) int {
	switch by {
	case "provider", "status", "rule", "service", "type":
		return strings.Compare(a.text(by), b.text(by))
	case "priority":
		return cmp.Compare(a.priority(), b.priority())
	case "entryPoints":
		return cmp.Compare(len(a.Strings(by)), len(b.Strings(by)))
	case "servers":
		return cmp.Compare(a.servers(), b.servers())
	}
	return 0
}

func (o Object) priority() int {
	n, _ := o["priority"].(int)
	return n
}

func (o Object) servers() int {
	balancer, _ := o["loadBalancer"].(map[string]any)
	servers, _ := balancer["servers"].([]any)
	return len(servers)
}

// UsedBy notes that each of the objects named is used by user. The names may leave out
// the user's own provider.
func (l List) UsedBy(user string, names ...string) {
	_, provider, _ := strings.Cut(user, "@")
	for _, name := range names {
		if !strings.Contains(name, "@") {
			name += "@" + provider
		}
		o := l[name]
		if o == nil {
			continue
		}
		users := o.Strings("usedBy")
		if i, found := slices.BinarySearch(users, user); !found {
			o["usedBy"] = slices.Insert(slices.Clone(users), i, user)
		}
	}
}

// Providers are those of the objects.
func (l List) Providers() []string {
	set := map[string]bool{}
	for _, o := range l {
		set[o.text("provider")] = true
	}
	return slices.Sorted(maps.Keys(set))
}
