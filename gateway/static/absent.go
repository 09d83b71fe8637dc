package static

import (
	"fmt"
	"slices"
	"strings"

	"axion/gateway/config"

	"github.com/traefik/paerser/env"
)

// absent is a setting that Traefik 3.7 does not have, though it has what is around it, or
// an older version had it: it does not start with it (pkg/cli/deprecation.go).
type absent struct {
	path  string // lower case, * for a name; with all that is inside it
	since string // the version that dropped it; empty where none had it
	hint  string // what to use instead
}

// dropped lists settings that one version dropped: pairs of a path and its hint.
func dropped(since string, pairs ...string) []absent {
	var list []absent
	for i := 0; i < len(pairs); i += 2 {
		list = append(list, absent{pairs[i], since, pairs[i+1]})
	}
	return list
}

// ofDynamic are fields of structures that are shared with dynamic configuration, which
// Traefik's static one does not have.
func ofDynamic(hint string, paths ...string) []absent {
	var list []absent
	for _, p := range paths {
		list = append(list, absent{path: p, hint: hint})
	}
	return list
}

const (
	otlpHint       = "Traefik v3 sends traces by tracing.otlp alone"
	caOptionalHint = "remove it: whether clients need a certificate is for servers to say"
	namespaceHint  = "write namespaces, a list"
	internalHint   = "lead a router to the service api@internal, with the middlewares and entrypoints that it is to have"
)

// absentSettings are all of them.
var absentSettings = slices.Concat(
	ofDynamic("it is a setting of routers: put it there", "entrypoints.*.http.tls.passthrough"),
	ofDynamic("define a transport under http.serversTransports in dynamic configuration, and name it at the service",
		"serverstransport.certificates", "serverstransport.certificates[0]", "serverstransport.ciphersuites",
		"serverstransport.disablehttp2", "serverstransport.maxversion", "serverstransport.minversion",
		"serverstransport.peercerturi", "serverstransport.servername",
		"serverstransport.forwardingtimeouts.pingtimeout", "serverstransport.forwardingtimeouts.readidletimeout"),
	ofDynamic("it is dynamic configuration: put it into a file of its own, and name that in providers.file.filename",
		"http", "tcp", "tls", "udp"),
	ofDynamic("define a transport under tcp.serversTransports in dynamic configuration, and name it at the service",
		"tcpserverstransport.proxyprotocol"),
	dropped("v3.0",
		"pilot", "remove it: there is no Traefik Pilot any more",
		"hub", "remove it: Traefik Hub is a program of its own",
		"experimental.http3", "remove it: entryPoints.<name>.http3 is enough",
		"metrics.influxdb", "Traefik v3 has metrics.influxDB2 alone",
		"metrics.opentelemetry", "Traefik v3 calls it metrics.otlp", "tracing.opentelemetry", "Traefik v3 calls it tracing.otlp",
		"providers.docker.swarmmode", "Traefik v3 has providers.swarm for it",
		"providers.docker.swarmmoderefreshseconds", "Traefik v3 has providers.swarm.refreshSeconds for it",
		"providers.marathon", "remove it: Traefik v3 has no Marathon", "providers.rancher", "remove it: Traefik v3 has no Rancher v1",
		"providers.consul.namespace", namespaceHint, "providers.consulcatalog.namespace", namespaceHint,
		"providers.nomad.namespace", namespaceHint,
		"providers.docker.tls.caoptional", caOptionalHint, "providers.swarm.tls.caoptional", caOptionalHint,
		"providers.consul.tls.caoptional", caOptionalHint, "providers.consulcatalog.endpoint.tls.caoptional", caOptionalHint,
		"providers.nomad.endpoint.tls.caoptional", caOptionalHint, "providers.etcd.tls.caoptional", caOptionalHint,
		"providers.redis.tls.caoptional", caOptionalHint, "providers.http.tls.caoptional", caOptionalHint,
		"tracing.jaeger", otlpHint, "tracing.zipkin", otlpHint, "tracing.datadog", otlpHint, "tracing.instana", otlpHint,
		"tracing.haystack", otlpHint, "tracing.elastic", otlpHint,
		"tracing.spannamelimit", "remove it: the names of spans are short in Traefik v3"),
	dropped("v2.5", "entrypoints.*.enablehttp3", "write entryPoints.<name>.http3"),
	dropped("v2.0",
		"acme", "write certificatesResolvers.<name>.acme",
		"accesslogsfile", "write accessLog.filePath", "traefiklogsfile", "write log.filePath", "traefiklog", "write log",
		"loglevel", "write log.level", "debug", "write log.level",
		"api.entrypoint", internalHint, "api.middlewares", internalHint, "web", "write api, ping and metrics",
		"api.statistics", "remove it: metrics.prometheus counts requests",
		"ping.middlewares", "set ping.manualRouting and lead a router to ping@internal",
		"metrics.prometheus.middlewares", "set metrics.prometheus.manualRouting and lead a router to prometheus@internal",
		"checknewversion", "write global.checkNewVersion", "sendanonymoususage", "write global.sendAnonymousUsage",
		"defaultentrypoints", "write entryPoints.<name>.asDefault",
		"docker", "write providers.docker", "file", "write providers.file", "rest", "write providers.rest",
		"entrypoints.*.tls", "write entryPoints.<name>.http.tls", "entrypoints.*.redirect", "write entryPoints.<name>.http.redirections",
		"insecureskipverify", "write serversTransport.insecureSkipVerify", "rootcas", "write serversTransport.rootCAs",
		"maxidleconnsperhost", "write serversTransport.maxIdleConnsPerHost",
		"providersthrottleduration", "write providers.providersThrottleDuration",
		"providers.rest.entrypoint", "lead a router to the service rest@internal",
		"providers.kubernetescrd.disablepasshostheaders", "set passHostHeader at the services",
		"providers.kubernetesingress.disablepasshostheaders", "set passHostHeader at the services"),
)

// newer are settings that are followed here and that Traefik 3.7 does not start with: a
// version after it has them.
var newer = []string{"entrypoints.*.forwardedheaders.addxforwardedschemeheaders"}

// isNewer reports whether a setting is one of those.
func isNewer(path []string) bool {
	for _, pattern := range newer {
		if isPrefix(strings.Split(pattern, "."), path) {
			return true
		}
	}
	return false
}

// unknown reports a setting that Traefik does not have.
func (r *reader) unknown(f field, s setting) {
	message, hint, severity := fmt.Sprintf("Traefik has no setting %s", s.text), "", config.Warning
	if f.absent != nil {
		hint = f.absent.hint
		if f.absent.since != "" {
			message += " since " + f.absent.since
		}
	} else if near := nearest(s.path); near != "" {
		hint = fmt.Sprintf("did you mean %s?", near)
	}
	switch {
	case !s.ignored:
		message += ", and does not start with it"
	case hint == "" && strings.HasPrefix(strings.ToUpper(s.text), env.DefaultNamePrefix): // it may be meant for something else
		severity = config.Notice
	}
	r.problem(severity, s.line, message+": it is ignored", hint)
}
