package gateway_test

import (
	"crypto/tls"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"axion/gateway"
	"axion/gateway/command"
	"axion/gateway/config"
	"axion/gateway/explain"
	"axion/web/view"
)

// TestTLSOptions asks for a client's certificate wherever a router says so, also
// where its hosts are not spelled out.
func TestTLSOptions(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	dynamic := filepath.Join(dir, "dynamic.yaml")
	write(t, dynamic, `tls:
  options:
    strict:
      clientAuth: {clientAuthType: RequireAnyClientCert}
`)
	file := filepath.Join(dir, "compose.yaml")
	labels := route("name", "Host(`name.localhost`)", upstream(t, "x"), "tls.options=strict@file")
	labels = append(labels, route("wild", "Host(`*.wild.localhost`)", upstream(t, "x"), "tls.options=strict@file")...)
	labels = append(labels, route("expr", "HostRegexp(`^expr[0-9]+\\.localhost$`)", upstream(t, "x"), "tls.options=strict@file")...)
	labels = append(labels, route("open", "Host(`open.localhost`)", upstream(t, "x"), "tls=true")...)
	_, behind, _ := net.SplitHostPort(echo(t))
	labels = append(labels, "tcp.routers.raw.rule=HostSNIRegexp(`^raw\\.localhost$`)", "tcp.routers.raw.tls.options=strict@file",
		"tcp.routers.raw.entrypoints=websecure",
		"tcp.services.raw.loadbalancer.server.port="+behind)
	write(t, file, strings.ReplaceAll(compose(labels...), "$", "$$"))
	plain, secure := port0(t), port0(t)
	g, err := gateway.New(gateway.Options{Web: plain, WebSecure: secure, Files: []string{file, dynamic}, CADir: filepath.Join(dir, "ca")})
	if err != nil {
		t.Fatal(err)
	}
	g.Start()
	t.Cleanup(func() { _ = g.Close(t.Context()) })
	if problems := g.API().Problems(); len(problems) > 0 {
		t.Fatalf("problems: %v", problems)
	}
	for host, strict := range map[string]bool{"name.localhost": true, "a.wild.localhost": true, "expr7.localhost": true, "raw.localhost": true,
		"open.localhost": false} {
		c, err := tls.Dial("tcp", secure.Addr().String(), &tls.Config{ServerName: host, InsecureSkipVerify: true})
		if err == nil { // in TLS 1.3 the server refuses after the client's handshake
			_ = c.SetDeadline(deadline())
			_, _ = c.Write([]byte("GET / HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n"))
			_, err = c.Read(make([]byte, 1))
			_ = c.Close()
		}
		if err != nil && strings.Contains(err.Error(), "unrecognized name") {
			t.Errorf("%s has no certificate", host)
		}
		if (err != nil) != strict {
			t.Errorf("%s without a certificate: got %v, want refused %t", host, err, strict)
		}
	}
	t.Run("Strict", strictTLSOptions)
}

// strictTLSOptions has core.strictTLSOptions disable what would get the default options.
func strictTLSOptions(t *testing.T) {
	t.Parallel()
	up := upstream(t, "x")
	doc := "services:\n  proxy:\n    image: traefik:v3.7\n" +
		"    command: [--entrypoints.websecure.address=:443, --entrypoints.aside.address=:9443," +
		" --core.stricttlsoptions]\n" + strings.TrimPrefix(compose(slices.Concat(
		route("a", "Host(`shared.localhost`)", up, "tls.options=old@file", "entrypoints=aside,websecure"),
		route("b", "Host(`SHARED.localhost`) && Path(`/b`)", up, "tls=true", "entrypoints=websecure"),
		route("path", "PathPrefix(`/n`)", up, "tls.options=old@file", "entrypoints=websecure"),
		route("expr", "HostRegexp(`^e[0-9]+\\.localhost$`)", up, "tls.options=old@file", "entrypoints=websecure"),
		route("wild", "Host(`*.w.localhost`)", up, "tls.options=old@file", "entrypoints=websecure"),
		route("wilder", "Host(`*.w.localhost`) && Path(`/x`)", up, "tls=true", "entrypoints=websecure"),
		route("half", "Host(`half.localhost`)", up, "tls=true", "entrypoints=websecure"),
		[]string{"http.routers.broken.rule=Host(`half.localhost`) && Path(`/x`)", "http.routers.broken.service=none",
			"http.routers.broken.tls.options=old@file", "http.routers.broken.entrypoints=websecure"},
		route("anypath", "PathPrefix(`/d`)", up, "tls.options=default", "entrypoints=websecure"),
		route("same", "Host(`same.localhost`)", up, "tls.options=old@file", "entrypoints=websecure"),
		route("again", "Host(`same.localhost`) && !Host(`open.localhost`) && Path(`/x`)", up, "tls.options=old@file", "entrypoints=websecure"),
		route("open", "Host(`open.localhost`)", up, "tls=true", "entrypoints=websecure"),
	)...), "services:\n")
	s := guard(t, strings.ReplaceAll(doc, "$`", "$$`"), "tls: {options: {old: {maxVersion: VersionTLS12}}}\n")
	disabled := map[string]string{
		"b": `"shared.localhost"`, "path": "names no host", "expr": "names no host", "wild": `"*.w.localhost"`, "wilder": `"*.w.localhost"`,
		"half": `"half.localhost"`, "broken": `"half.localhost"`,
	}
	for _, r := range s.Routes() {
		name, _, _ := strings.Cut(r.Name, "@")
		why, off := disabled[name]
		if all := strings.Join(r.Errors, "; "); strings.HasSuffix(r.Name, "@docker") && (off != (r.Status == view.RouteDisabled) ||
			!strings.Contains(all, why)) {
			t.Errorf("%s: got %s, %q; want disabled %t by %s", r.Name, r.Status, all, off, why)
		}
		if name == "a" && (r.Status != view.RouteWarning || !slices.Equal(r.EntryPoints, []string{"aside"})) {
			t.Errorf("a: got %s on %v, want aside alone", r.Status, r.EntryPoints)
		}
		delete(disabled, name)
	}
	if len(disabled) > 0 {
		t.Errorf("there are no routers %v", disabled)
	}
	for host, status := range map[string]int{"shared.localhost": 404, "half.localhost": 404, "a.w.localhost": 404, "e1.localhost": 404,
		"same.localhost": 200, "open.localhost": 200} {
		want(t, host, s.ask(host, "GET /b HTTP/1.1\r\nHost: "+host+"\r\nConnection: close\r\n\r\n"), status)
		a, err := s.Explainer.Explain(explain.Request{URL: "https://" + host + "/b"})
		if err != nil || (a.Router != nil) != (status == 200) {
			t.Errorf("explain %s: got %+v, %v; want status %d", host, a.Router, err, status)
		}
	}
	for _, e := range s.EntryPoints().List(s.Table()) {
		if e.Name == "aside" {
			s.secure = e.Address
			want(t, "the other entrypoint", s.ask("shared.localhost", "GET / HTTP/1.1\r\nHost: shared.localhost\r\nConnection: close\r\n\r\n"), 200)
		}
	}
}

// TestCheckTLS has `axion check` say what a running stack would refuse.
func TestCheckTLS(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		labels  []string
		dynamic string
		want    string
	}{
		"ErrCAFile": {route("a", "Host(`a.localhost`)", "http://127.0.0.1:1", "tls.options=m@file"),
			"tls: {options: {m: {clientAuth: {caFiles: [/no/such/ca.pem]}}}}", "/no/such/ca.pem"},
		"ErrNoCAFile": {route("a", "Host(`a.localhost`)", "http://127.0.0.1:1", "tls.options=m@file"),
			"tls: {options: {m: {clientAuth: {clientAuthType: RequireAndVerifyClientCert}}}}", "needs an authority to verify with"},
		"ErrVersion": {route("a", "Host(`a.localhost`)", "http://127.0.0.1:1", "tls=true"),
			"tls: {options: {default: {minVersion: VersionTLS1.2}}}", `did you mean "VersionTLS12"?`},
		"ErrCertFile": {route("a", "Host(`a.localhost`)", "http://127.0.0.1:1", "tls=true"),
			"tls: {stores: {default: {defaultCertificate: {certFile: /no/such/crt, keyFile: /no/such/key}}}}", "/no/such/crt"},
		"ErrProvider": {route("a", "Host(`a.localhost`)", "http://127.0.0.1:1", "tls.options=m"),
			"tls: {options: {m: {minVersion: VersionTLS13}}}", "write m@file"},
		"ErrTorn": {append(route("a", "Host(`a.localhost`)", "http://127.0.0.1:1", "tls.options=m@file"),
			route("b", "Host(`a.localhost`) && Path(`/x`)", "http://127.0.0.1:1", "tls=true")...),
			"tls: {options: {m: {minVersion: VersionTLS13}}}", "different TLS options: the default ones count"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			files := []string{filepath.Join(dir, "compose.yaml"), filepath.Join(dir, "dynamic.yaml")}
			write(t, files[0], compose(test.labels...))
			write(t, files[1], test.dynamic+"\n")
			problems, err := command.Check(nil, files)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.ContainsFunc(problems, func(p config.Problem) bool {
				return strings.Contains(p.Error()+p.Fix, test.want) && p.File != "" && p.Line > 0
			}) {
				t.Errorf("got %v, want one that says %q, and where", problems, test.want)
			}
		})
	}
}
