package merge

import (
	"axion/gateway/config"
	"axion/gateway/dynamic"
	"axion/gateway/label"
)

// The layers, of which a higher one wins at equal priority.
const (
	BaseLayer      = 0
	FileLayer      = 1 // the user's project, and dynamic files
	ContainerLayer = 2
	FragmentLayer  = 3
)

// The providers, as Traefik names them.
const (
	dockerProvider = "docker" // labels
	fileProvider   = "file"   // dynamic configuration files
)

// Document is what one version of a source configures.
type Document struct {
	Layer    int
	Running  bool               // its sets are those of containers
	Sets     []*label.Set       // of a project's services, or of containers
	Unserved []*config.Unserved // of services that are not among those
	File     *Definitions       // of a dynamic file
	Static   *config.Static
	Problems []config.Problem // beyond those of the sets
}

// Definitions are those of one compose service or dynamic file, without provider.
type Definitions struct {
	provider    string
	routers     map[string]*config.Router
	services    map[string]*config.Service
	middlewares map[string]*config.Middleware
	transports  map[string]*config.ServersTransport
	tcp         config.TCP
	udp         config.UDP
	tls         config.TLS
	unsupported map[string]string      // middlewares, as [label.Set].Unsupported
	origin      config.Origin          // of those
	places      *config.LabelLocations // of a dynamic file
}

// OfFile are the definitions of a dynamic file, whose origins get the layer.
func OfFile(set *dynamic.Set, layer int) *Definitions {
	d := &Definitions{
		provider: fileProvider, routers: set.Routers, services: set.Services, middlewares: set.Middlewares,
		transports: set.ServersTransports, tcp: set.TCP, udp: set.UDP, tls: set.TLS, places: set.Locations,
	}
	d.setLayer(layer)
	return d
}

// ofLabels are the definitions of a set, under their qualified names.
func ofLabels(set *label.Set) *Definitions {
	return &Definitions{
		provider: dockerProvider, routers: qualified(set.Routers), services: qualified(set.Services), middlewares: qualified(set.Middlewares),
		tcp: set.TCP, udp: set.UDP, tls: config.TLS{Stores: set.TLSStores},
		unsupported: set.Unsupported, origin: set.Origin,
	}
}

// Len is how many definitions there are.
func (d *Definitions) Len() int {
	return len(d.routers) + len(d.services) + len(d.middlewares) + len(d.transports) + len(d.tls.Certificates) + len(d.tls.Options) +
		len(d.tls.Stores) + len(d.tcp.Routers) + len(d.tcp.Services) + len(d.udp.Routers) + len(d.udp.Services)
}

func qualified[T any](of map[string]*T) map[string]*T {
	out := make(map[string]*T, len(of))
	for name, v := range of {
		out[qualify(name, dockerProvider)] = v
	}
	if len(out) < len(of) {
		return of // some have one name: they are qualified where that is reported
	}
	return out
}
