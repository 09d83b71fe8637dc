package static

import (
	"cmp"
	"slices"
	"strings"

	"axion/gateway/config"
)

// listed is a setting of Traefik, with all that is inside it, that this gateway does
// not decode.
type listed struct {
	path string // lower case, * for a name
	// harmless is the value that asks for nothing that is not so anyway: Traefik's
	// default, mostly. Empty means false, which switches a section off.
	harmless string
	// inert settings are about Traefik's own process: there is nothing to follow.
	inert bool
	alone bool // what is inside it is not meant
	// severity is with which another one is reported.
	severity config.Severity
	hint     string
}

// asksNothing reports whether a value is the harmless one.
func (l *listed) asksNothing(value string) bool {
	if l.harmless == none {
		value = strings.TrimSuffix(value, "s")
	}
	return strings.EqualFold(value, cmp.Or(l.harmless, "false"))
}

// none is a duration of zero.
const none = "0"

// inertly lists settings that there is nothing to follow of.
func inertly(paths ...string) []listed {
	var list []listed
	for _, p := range paths {
		list = append(list, listed{path: p, inert: true})
	}
	return list
}

// missing lists settings that are not followed, all for one reason.
func missing(hint string, paths ...string) []listed {
	var list []listed
	for _, p := range paths {
		list = append(list, listed{path: p, severity: config.Warning, hint: hint})
	}
	return list
}

// undecoded are all of them.
var undecoded = slices.Concat(
	inertly(
		configFile,
		"global.checknewversion", "global.sendanonymoususage", // nothing looks for versions, or sends statistics
		"log.level", "log.nocolor", "log.maxsize", "log.maxage", "log.maxbackups", "log.compress", // of Traefik's own log
		"experimental.abortonpluginfailure", "experimental.fastproxy", // plugins are reported one by one; there is one proxy only
		"providers.providersthrottleduration", // changes count at once
		"api.disabledashboardad",              // there is none
		"accesslog.bufferingsize",             // lines are written as they come
		// Where the challenge is needed, all of it is reported.
		"certificatesresolvers.*.acme.dnschallenge.resolvers", "certificatesresolvers.*.acme.dnschallenge.delaybeforecheck",
		"certificatesresolvers.*.acme.dnschallenge.disablepropagationcheck", "certificatesresolvers.*.acme.dnschallenge.propagation",
	),
	[]listed{
		{path: "log", inert: true, alone: true},
		{path: "log.format", harmless: "common", severity: config.Notice, hint: "this gateway has a log of its own"},
		{path: "core.defaultrulesyntax", harmless: "v3", hint: "write the rules in Traefik v3's syntax"},
		{path: "entrypoints.*.transport.lifecycle.requestacceptgracetimeout", harmless: none,
			hint: "graceTimeOut is followed"},
		{path: "providers.docker.httpclienttimeout", harmless: none, severity: config.Notice, hint: engineHint},
		{path: "providers.docker.endpoint", harmless: "unix:///var/run/docker.sock", severity: config.Notice, hint: engineHint},
		{path: "providers.docker.watch", harmless: "true", hint: "changes are always followed"},
		{path: "providers.file.watch", harmless: "true", hint: "changes are always followed"},
		{path: "entrypoints.*.observability.traceverbosity", harmless: "minimal", hint: "requests' traces are on the dashboard"},
	},
	notices(engineHint, "providers.docker.password", "providers.docker.tls",
		"providers.docker.username"),
	notices("this gateway has a log of its own", "log.filepath", "log.otlp"),
	missing("plugins cannot be loaded: routers that use them are left out", "experimental.plugins.*", "experimental.localplugins.*"),
	missing("requests' traces are on the dashboard", "tracing"),
	missing("metrics.prometheus is followed", "metrics.datadog", "metrics.influxdb2", "metrics.otlp", "metrics.statsd"),
	missing("the access log is written to accessLog.filePath, or to standard output", "accesslog.otlp", "accesslog.dualoutput",
		"experimental.otlplogs"),
	missing("trust the servers by rootCAs of a transport", "spiffe", "serverstransport.spiffe"),
	missing("define a transport under tcp.serversTransports in dynamic configuration, and name it at the service", "tcpserverstransport"),
	missing("rules go by the host that a request names", "hostresolver"),
	missing("no OCSP response is sent with certificates", "ocsp"),
	missing("the page is that of this stack", "api.dashboardname", "api.debug"),
	missing("the address of the peer is always appended", "global.notappendxforwardedfor",
		"entrypoints.*.forwardedheaders.notappendxforwardedfor"),
	missing("one process listens there", "entrypoints.*.reuseport"),
	missing("axion check reports mistakes in templates", "providers.file.debugloggeneratedtemplate"),
	missing("certificates are asked for without it",
		"certificatesresolvers.*.acme.caservername", "certificatesresolvers.*.acme.casystemcertpool",
		"certificatesresolvers.*.acme.certificatesduration", "certificatesresolvers.*.acme.certificatetimeout",
		"certificatesresolvers.*.acme.clientresponseheadertimeout", "certificatesresolvers.*.acme.clienttimeout",
		"certificatesresolvers.*.acme.disablecommonname", "certificatesresolvers.*.acme.emailaddresses",
		"certificatesresolvers.*.acme.httpchallenge.delay", "certificatesresolvers.*.acme.tlschallenge.delay",
		"certificatesresolvers.*.acme.preferredchain", "certificatesresolvers.*.acme.profile"),
	missing("use acme, or the certificates of the local authority", "certificatesresolvers.*.tailscale"),
	missing("give the routers priorities that put them in order", "providers.precedence"),
	missing("plugins cannot be loaded", "providers.plugin"),
	missing("the gateway reads compose files, the labels of Docker's containers and files of the file provider",
		"experimental.knative", "experimental.kubernetesgateway", "experimental.kubernetesingressnginx",
		"providers.consul", "providers.consulcatalog", "providers.ecs", "providers.etcd", "providers.http",
		"providers.knative", "providers.kubernetescrd", "providers.kubernetesgateway", "providers.kubernetesingress",
		"providers.kubernetesingressnginx", "providers.nomad", "providers.redis", "providers.rest",
		"providers.swarm", "providers.zookeeper"),
)

// engineHint says where the engine comes from.
const engineHint = "the engine is found by DOCKER_HOST, DOCKER_CERT_PATH and DOCKER_TLS_VERIFY"

// notices lists settings that are not followed, which most will not miss.
func notices(hint string, paths ...string) []listed {
	list := missing(hint, paths...)
	for i := range list {
		list[i].severity = config.Notice
	}
	return list
}
