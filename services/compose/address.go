package compose

import (
	"maps"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Addresses is where services really listen.
type Addresses struct {
	hosts map[string]host
}

type host struct {
	service string
	ports   map[int]string // by the port in the container; 0 is any other
}

// Add says where a service, which others call by names, listens in place of a port: at
// a "host:port" of this machine. Port 0 is for all ports that are not said.
func (a *Addresses) Add(service string, names []string, port int, address string) {
	if a.hosts == nil {
		a.hosts = map[string]host{}
	}
	for _, name := range append([]string{service}, names...) {
		name = strings.ToLower(name)
		if a.hosts[name].ports == nil {
			a.hosts[name] = host{service, map[int]string{}}
		}
		a.hosts[name].ports[port] = address
	}
}

func (h host) at(port int) (address string, ok bool) {
	if address, ok = h.ports[port]; !ok {
		address, ok = h.ports[0]
	}
	return address, ok
}

// Rewrite is one variable whose value was changed.
type Rewrite struct {
	Variable string `json:"variable"`
	From     string `json:"from"`
	To       string `json:"to"`
	Service  string `json:"service"` // that is meant
}

// Unresolved is a variable that names a service, but not in a way that an address can
// stand for.
type Unresolved struct {
	Variable, Service string
}

// Names are what other services call a service by.
func (s *Service) Names() []string {
	var names []string
	if s.ContainerName != "" {
		names = append(names, s.ContainerName)
	}
	if s.Hostname != "" {
		names = append(names, s.Hostname)
	}
	for _, network := range s.Networks {
		if network != nil {
			names = append(names, network.Aliases...)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// RewriteAll makes addresses of the services that an environment names, but in the
// variables to keep, and says what it changed. The environment itself stays as it is.
func (a *Addresses) RewriteAll(environment map[string]string, keep []string) (map[string]string, []Rewrite, []Unresolved) {
	out := maps.Clone(environment)
	var all []Rewrite
	var unresolved []Unresolved
	for _, key := range slices.Sorted(maps.Keys(environment)) {
		if slices.Contains(keep, key) {
			continue
		}
		value, service := a.inText(environment[key])
		if service == "" {
			port := portOf(key, environment, keep)
			if port == "" {
				if h, ok := a.hosts[strings.ToLower(environment[key])]; ok && hostKey.MatchString(key) {
					unresolved = append(unresolved, Unresolved{key, h.service})
				}
				continue
			}
			value, service = a.inPair(out, environment, key, port, &all)
		}
		if service != "" && value != environment[key] {
			all = append(all, Rewrite{key, environment[key], value, service})
			out[key] = value
		}
	}
	return out, all, unresolved
}

// hostKey matches the end of a variable's name whose value is a host alone.
var hostKey = regexp.MustCompile(`(?i)(^|_|PG|MYSQL)(HOST|HOSTNAME|HOSTADDR|SERVER|ENDPOINT)$`)

// portOf finds the variable with the port that belongs to one with a host: DB_PORT to
// DB_HOST, PGPORT to PGHOST.
func portOf(key string, environment map[string]string, keep []string) string {
	at := hostKey.FindStringSubmatchIndex(key)
	if at == nil {
		return ""
	}
	stem := key[:at[4]]
	for _, name := range []string{stem + "PORT", stem + "port"} {
		if _, ok := environment[name]; ok && !slices.Contains(keep, name) {
			return name
		}
	}
	return ""
}

// inPair rewrites a host whose port is in another variable.
func (a *Addresses) inPair(out, environment map[string]string, key, portKey string, all *[]Rewrite) (value, service string) {
	named, ok := a.hosts[strings.ToLower(environment[key])]
	if !ok {
		return "", ""
	}
	port, err := strconv.Atoi(environment[portKey])
	if err != nil {
		return "", ""
	}
	address, ok := named.at(port)
	if !ok {
		return "", ""
	}
	to, toPort, err := net.SplitHostPort(address)
	if err != nil {
		return "", ""
	}
	if toPort != environment[portKey] {
		*all = append(*all, Rewrite{portKey, environment[portKey], toPort, named.service})
		out[portKey] = toPort
	}
	return to, named.service
}

// schemePorts are the ports of URLs that name none.
var schemePorts = map[string]int{
	"http": 80, "https": 443, "ws": 80, "wss": 443, "postgres": 5432, "postgresql": 5432, "redis": 6379, "rediss": 6379,
	"amqp": 5672, "mongodb": 27017, "mysql": 3306, "nats": 4222,
}

var (
	// withPort matches a host and its port.
	withPort = regexp.MustCompile(`([A-Za-z0-9](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?):(\d{1,5})`)
	// withoutPort matches the host of a URL that has no port.
	withoutPort = regexp.MustCompile(
		`([A-Za-z][A-Za-z0-9+.-]*)://((?:[^\s/@?#,'"]*@)?)([A-Za-z0-9](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?)($|[\s,;/?#'"])`)
	// keywords matches the host of a list of words such as PostgreSQL's and .NET's.
	keywords = regexp.MustCompile(`(?i)\b(host|server|data source)=([A-Za-z0-9_.-]+)`)
	keyPort  = regexp.MustCompile(`(?i)\b(port)=(\d{1,5})\b`)
)

// inText rewrites all of the names in a value; service is the first of them.
func (a *Addresses) inText(text string) (rewritten, service string) {
	found := func(s string) {
		if service == "" {
			service = s
		}
	}
	text = a.withPorts(text, found)
	text = withoutPort.ReplaceAllStringFunc(text, func(match string) string {
		m := withoutPort.FindStringSubmatch(match)
		if named, ok := a.hosts[strings.ToLower(m[3])]; ok {
			if address, ok := named.at(schemePorts[lastScheme(m[1])]); ok {
				found(named.service)
				return m[1] + "://" + m[2] + address + m[4]
			}
		}
		return match
	})
	return a.inKeywords(text, found), service
}

// withPorts rewrites "host:port" wherever it can stand: alone, in a list, in a URL after
// its user, in brackets as of a driver.
func (a *Addresses) withPorts(text string, found func(string)) string {
	var out strings.Builder
	end := 0
	for _, m := range withPort.FindAllStringSubmatchIndex(text, -1) {
		before, after := text[:m[0]], text[m[1]:]
		named, ok := a.hosts[strings.ToLower(text[m[2]:m[3]])]
		if !ok || !begins(before) || after != "" && !strings.ContainsRune(" \t\n,;)/?&#'\"", rune(after[0])) {
			continue
		}
		port, _ := strconv.Atoi(text[m[4]:m[5]])
		if address, ok := named.at(port); ok {
			found(named.service)
			out.WriteString(text[end:m[0]] + address)
			end = m[1]
		}
	}
	return out.String() + text[end:]
}

// begins says whether a host can follow a text: not in the middle of a word or a path.
func begins(before string) bool {
	if before == "" || strings.HasSuffix(before, "//") {
		return true
	}
	return strings.ContainsRune(" \t\n,;@(='\"", rune(before[len(before)-1]))
}

// lastScheme is the scheme that says the port, of one like "jdbc:postgresql".
func lastScheme(scheme string) string {
	scheme, _, _ = strings.Cut(scheme, "+")
	return strings.ToLower(scheme[strings.LastIndexByte(scheme, ':')+1:])
}

// inKeywords rewrites "host=name port=5432".
func (a *Addresses) inKeywords(text string, found func(string)) string {
	m := keywords.FindStringSubmatchIndex(text)
	if m == nil {
		return text
	}
	named, ok := a.hosts[strings.ToLower(text[m[4]:m[5]])]
	if !ok {
		return text
	}
	port, at := 5432, keyPort.FindStringSubmatchIndex(text)
	if at != nil {
		port, _ = strconv.Atoi(text[at[4]:at[5]])
	}
	address, ok := named.at(port)
	if !ok {
		return text
	}
	to, toPort, err := net.SplitHostPort(address)
	if err != nil {
		return text
	}
	found(named.service)
	if at == nil {
		return text[:m[4]] + to + separator(text) + "port=" + toPort + text[m[5]:]
	}
	if at[4] > m[5] {
		return text[:m[4]] + to + text[m[5]:at[4]] + toPort + text[at[5]:]
	}
	return text[:at[4]] + toPort + text[at[5]:m[4]] + to + text[m[5]:]
}

// separator is what stands between the words of such a list.
func separator(text string) string {
	if strings.Contains(text, ";") {
		return ";"
	}
	return " "
}

// Rewrite makes addresses of the services that a text names.
func (a *Addresses) Rewrite(text string) string {
	out, _ := a.inText(text)
	return out
}
