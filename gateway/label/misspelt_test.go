package label_test

import (
	"strings"
	"testing"

	"axion/gateway/config"
	"axion/gateway/label"
)

// Labels that Traefik passes over for how they begin are reported, and leave the others
// in force.
func TestSlips(t *testing.T) {
	t.Parallel()
	const ignored = "ignored"
	for label, tt := range map[string]struct{ message, hint string }{
		"treafik.http.routers.a.rule=x":            {ignored, "traefik.http.routers.a.rule"},
		"traeffik.enable=true":                     {ignored, "traefik.enable"},
		"traefic.http.router.a.rule=x":             {ignored, "traefik.http.routers.a.rule"},
		"traefik-http.routers.a.rule=x":            {ignored, "traefik.http.routers.a.rule"},
		"traefik/http/routers/a/rule=x":            {ignored, "traefik.http.routers.a.rule"},
		"traefik_http_routers_a_rule=x":            {ignored, "traefik.http.routers.a.rule"},
		"traefik:http.routers.my-app.rule=x":       {ignored, "traefik.http.routers.my-app.rule"},
		"traefik..http.routers.a.rule=x":           {ignored, "traefik.http.routers.a.rule"},
		" traefik.http.routers.a.rule=x":           {ignored, "traefik.http.routers.a.rule"},
		"treafik.htpp.routers.a.rule=x":            {ignored, "traefik.http.routers.a.rule"},
		"http.routers.a.rule=x":                    {ignored, "traefik.http.routers.a.rule"},
		"traefik.routers.a.rule=x":                 {ignored, "traefik.http.routers.a.rule"},
		"traefik.services.a.weighted.sticky=true":  {ignored, "traefik.http.services.a.weighted.sticky"},
		"Traefik.http.routers.ok.priority=1":       {"refuses all labels", "write traefik.http.routers.ok.priority"},
		"traefik.tier=web":                         {"", ""},
		"traefik-ui.theme=dark":                    {"", ""},
		"traffic.shape=1":                          {"", ""},
		"traefikee.license=x":                      {"", ""},
		"http.port=80":                             {"", ""},
		"com.example.traefik.http.routers.a.rule=": {"", ""},
	} {
		t.Run(label, func(t *testing.T) {
			t.Parallel()
			slip(t, label, tt.message, tt.hint)
		})
	}
}

func slip(t *testing.T, text, message, hint string) {
	t.Helper()
	set := label.Decode(service("traefik.http.routers.ok.rule=Path(`/`)", port, text))
	if len(set.Routers) != 1 {
		t.Errorf("got routers %v, want the other one", set.Routers)
	}
	if message == "" {
		if len(set.Problems) > 0 {
			t.Errorf("got problems %v, want none: the label is somebody's own", set.Problems)
		}
		return
	}
	if len(set.Problems) != 1 {
		t.Fatalf("got problems %v, want one", set.Problems)
	}
	p := set.Problems[0]
	if p.Severity != config.Warning || p.Line != 7 || !strings.Contains(p.Message, message) || !strings.Contains(p.Fix, hint) {
		t.Errorf("got %+v, want a warning at line 7 with %q and %q", p, message, hint)
	}
}

// A service that switches its labels off gets no hint how to write them.
func TestSlipsOff(t *testing.T) {
	t.Parallel()
	if set := label.Decode(service("traefik.enable=false", "treafik.http.routers.a.rule=x")); len(set.Problems) > 0 || set.Unserved != nil {
		t.Errorf("got %+v, want nothing", set)
	}
}

func TestNamesWithDots(t *testing.T) {
	t.Parallel()
	for text, hint := range map[string]string{
		"traefik.http.routers.my.app.rule=Path(`/`)":               "traefik.http.routers.my-app.rule",
		"traefik.http.routers.a.b.c.tls.certresolver=le":           "traefik.http.routers.a-b-c.tls.certresolver",
		"traefik.http.services.my.svc.loadbalancer.server.port=80": "traefik.http.services.my-svc.loadbalancer.server.port",
		"traefik.http.middlewares.my.mw.headers.customrequestheaders.X-A.B=1": "" +
			"traefik.http.middlewares.my-mw.headers.customrequestheaders.X-A.B",
		"traefik.tcp.routers.my.db.rule=HostSNI(`*`)": "traefik.tcp.routers.my-db.rule",
	} {
		set := label.Decode(service(port, text))
		if len(set.Problems) != 1 || !strings.Contains(set.Problems[0].Fix, "labels cannot give such a name; write "+hint) {
			t.Errorf("%s: got %+v, want the hint %s", text, set.Problems, hint)
		}
	}
}
