package explain

import (
	"net/http"
	"slices"
	"strings"

	"axion/gateway/hostname"
	"axion/gateway/notfound"
	"axion/gateway/routing"
	"axion/gateway/rule"
	"axion/web/loopback"
)

const (
	// maxPages bounds the pages that are made at once: to find what comes near, all
	// rules are asked.
	maxPages = 4
	// maxHosts bounds the hosts that a page links to.
	maxHosts = 12
)

// NotFound answers a request that no route takes.
func (x *Explainer) NotFound(w http.ResponseWriter, req *rule.Request, entrypoint string, secure bool) {
	defer x.pages.Add(-1)
	if x.pages.Add(1) > maxPages || !notfound.WantsPage(req.HTTP) {
		notfound.Plain(w)
		return
	}
	// What the sender wrote, but for the query, which may hold a token.
	target := strings.ReplaceAll(req.HTTP.URL.EscapedPath(), "'", "%27")
	p := &notfound.Page{Method: req.HTTP.Method, URL: schemeOf(secure) + "://" + req.HTTP.Host + target, EntryPoint: entrypoint}
	// Only a browser on this machine that asks for one of its names is shown routers:
	// a page from elsewhere whose name was made to resolve to this machine asks for its
	// own (DNS rebinding).
	if loopback.Name(req.Host) && req.ClientIP().IsLoopback() {
		p.Details, p.Dashboard = true, x.Dashboard
		addNear(x.Table(), p, req, secure)
	}
	notfound.Write(w, p)
}

func schemeOf(secure bool) string {
	if secure {
		return "https"
	}
	return "http"
}

// addNear fills in the routers that come near, and the hosts that there are.
func addNear(t *routing.Table, p *notfound.Page, req *rule.Request, secure bool) {
	for _, j := range nearMisses(t, req, &Explanation{EntryPoint: p.EntryPoint}, nil, secure) {
		n := notfound.Near{Router: j.Name, Origin: j.Origin.String(), Change: j.Change}
		for _, v := range j.Verdicts {
			matcher, secret := notfound.Hide(v.Matcher)
			n.Verdicts = append(n.Verdicts, notfound.Verdict{Matcher: matcher, Matched: v.Matched})
			if secret && v.Change == n.Change {
				n.Change = "what " + matcher + " matches"
			}
		}
		p.Near = append(p.Near, n)
	}
	_, port, _ := hostname.Split(req.HTTP.Host)
	var hosts []string
	for host := range t.Index(p.EntryPoint, secure).Hosts {
		hosts = append(hosts, host)
	}
	slices.Sort(hosts)
	for _, host := range hosts[:min(len(hosts), maxHosts)] {
		p.Hosts = append(p.Hosts, notfound.Host{Name: host, URL: schemeOf(secure) + "://" + hostname.Join(host, port) + "/"})
	}
	p.MoreHosts = max(0, len(hosts)-maxHosts)
}
