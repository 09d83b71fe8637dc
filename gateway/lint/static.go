package lint

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"

	"axion/gateway/config"
)

// setting reports one of Traefik's own, such as "accesslog.format".
func (c *checker) setting(o config.Origin, path, message, hint string) {
	p := c.dynamic.Static.Problem(o, config.Warning, path+": "+message, hint)
	for at := strings.ToLower(path); at != ""; at = at[:max(0, strings.LastIndexByte(at, '.'))] {
		if line := c.dynamic.Static.Lines[at]; line > 0 {
			p.Line = line
			break
		}
	}
	c.problems = append(c.problems, p)
}

func (c *checker) static() {
	s := c.dynamic.Static
	if s.AccessLog != nil {
		c.accessLog(s.AccessLog)
	}
	each(c, s.EntryPoints, func(name string, e *config.EntryPoint) {
		path := "entrypoints." + name
		for field, n := range negatives("", reflect.ValueOf(*e)) {
			c.setting(e.Origin, path+"."+field, fmt.Sprintf("%s is negative: it is passed over, and Traefik may not start with it", n), "")
		}
		if r := e.HTTP.TLS; r != nil {
			if fault, hint := resolverFault(s, r.CertResolver); fault != "" {
				c.setting(e.Origin, path+".http.tls.certresolver", fault, hint)
			}
		}
	})
}

func (c *checker) accessLog(l *config.AccessLog) {
	o := c.dynamic.Static.Origin
	if dir := filepath.Dir(l.FilePath); l.FilePath != "" {
		if info, err := os.Stat(dir); err != nil || !info.IsDir() {
			c.setting(o, "accesslog.filepath", fmt.Sprintf("the folder %s does not exist: no access log is written", dir), "create it")
		}
	}
	if f := l.Filters; f != nil && f.MinDuration < 0 {
		c.setting(o, "accesslog.filters.minduration", "it is negative: it is passed over", "")
	}
}

// negatives are the negative numbers below v, by field.
func negatives(field string, v reflect.Value) map[string]string {
	found := &checker{dynamic: &config.Dynamic{Static: &config.Static{}}}
	negative(thing{found, config.Origin{Provider: "file"}, ""}, field, v)
	out := map[string]string{}
	for _, p := range found.problems {
		path, text, _ := strings.Cut(strings.TrimPrefix(p.Message, "."), ": ")
		out[path], _, _ = strings.Cut(text, " ")
	}
	return out
}
