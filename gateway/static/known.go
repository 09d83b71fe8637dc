package static

// passedOver are settings of Traefik that mean nothing to this gateway, each with
// all that is inside it.
var passedOver = []string{
	configFile,
	"global.checknewversion", "global.sendanonymoususage", "log", "core", "hostresolver",
	"experimental.abortonpluginfailure", "experimental.fastproxy", "experimental.knative", "experimental.kubernetesgateway",
	"experimental.kubernetesingressnginx", "experimental.otlplogs",
	"providers.providersthrottleduration", "providers.precedence",
	"providers.docker.allowemptyservices", "providers.docker.endpoint", "providers.docker.httpclienttimeout",
	"providers.docker.password", "providers.docker.tls", "providers.docker.usebindportip", "providers.docker.username",
	"providers.docker.watch",
	"providers.file.debugloggeneratedtemplate", "providers.file.watch",
	"api.debug", "api.dashboardname", "api.disabledashboardad",
	"accesslog.addinternals", "accesslog.bufferingsize", "accesslog.dualoutput",
	"metrics.addinternals",
	"entrypoints.*.allowacmebypass", "entrypoints.*.reuseport", "entrypoints.*.transport.lifecycle",
	"entrypoints.*.http2.maxdecoderheadertablesize", "entrypoints.*.http2.maxencoderheadertablesize",
	"certificatesresolvers.*.acme.caservername", "certificatesresolvers.*.acme.casystemcertpool",
	"certificatesresolvers.*.acme.certificatesduration", "certificatesresolvers.*.acme.certificatetimeout",
	"certificatesresolvers.*.acme.clientresponseheadertimeout", "certificatesresolvers.*.acme.clienttimeout",
	"certificatesresolvers.*.acme.disablecommonname", "certificatesresolvers.*.acme.emailaddresses",
	"certificatesresolvers.*.acme.httpchallenge.delay", "certificatesresolvers.*.acme.tlschallenge.delay",
	"certificatesresolvers.*.acme.preferredchain", "certificatesresolvers.*.acme.profile",
	"certificatesresolvers.*.acme.dnschallenge.delaybeforecheck",
	"certificatesresolvers.*.acme.dnschallenge.disablepropagationcheck",
	"certificatesresolvers.*.acme.dnschallenge.propagation", "certificatesresolvers.*.acme.dnschallenge.resolvers",
}

// missing are settings of Traefik that this gateway does not follow.
var missing = []string{
	"tracing", "global.notappendxforwardedfor", "spiffe", "ocsp", "tcpserverstransport", "serverstransport.spiffe",
	"experimental.localplugins", "experimental.plugins",
	"accesslog.otlp",
	"metrics.datadog", "metrics.influxdb2", "metrics.otlp", "metrics.statsd",
	"entrypoints.*.forwardedheaders.connection", "entrypoints.*.forwardedheaders.notappendxforwardedfor",
	"entrypoints.*.observability",
	"certificatesresolvers.*.tailscale",
	"providers.consul", "providers.consulcatalog", "providers.ecs", "providers.etcd", "providers.http",
	"providers.knative", "providers.kubernetescrd", "providers.kubernetesgateway", "providers.kubernetesingress",
	"providers.kubernetesingressnginx", "providers.nomad", "providers.plugin", "providers.redis", "providers.rest",
	"providers.swarm", "providers.zookeeper",
}
