// Package config holds the gateway's dynamic configuration: routers, services
// and middlewares in the shape and with the names of Traefik v3's dynamic
// configuration, each with the place it was read from.
//
// Providers produce a [Dynamic]; the gateway turns one into a routing table.
// Values are read-only once they have left their provider.
package config

// Dynamic is one whole configuration: what every provider said, merged.
// Keys are qualified by provider, "name@provider"; those of TLS are not, where
// they are shared by all ("default").
type Dynamic struct {
	Routers           map[string]*Router
	Services          map[string]*Service
	Middlewares       map[string]*Middleware
	ServersTransports map[string]*ServersTransport
	TCP               TCP
	UDP               UDP
	TLS               TLS
	// Static is what files that start Traefik itself set on its command
	// line. It is never nil.
	Static *Static
	// Locations are those of the labels, for [Dynamic.Locate].
	Locations map[Scope][]*LabelLocations
	// Written holds what the maps above hold with names as their authors wrote them:
	// without the provider where they left it out. It is for showing.
	Written Written
	// Unserved are the compose services whose labels do not count.
	Unserved []*Unserved
	// Problems lists what was refused or doubtful while reading. A problem of
	// severity Error names something that is left out of the maps above, or a
	// change of it that is not in force.
	Problems []Problem
}

// Written are parts of a configuration before their names were qualified, by their own
// qualified names. One that is missing has no other names.
type Written struct {
	Routers     map[string]*Router
	Services    map[string]*Service
	Middlewares map[string]*Middleware
	TCP         TCP
	UDP         UDP
}

// Unserved is what a compose service would configure if its labels counted.
type Unserved struct {
	Origin  Origin // of the service; its line is 0
	Why     string // they do not, lowercase
	Hint    string // how to have them count
	Routers map[string]*Router
}

// Origin is where a piece of configuration was read. Line is 0 where unknown.
type Origin struct {
	Provider string // "docker" for compose labels and containers, "file" for dynamic files, as in Traefik
	File     string // path as the user gave it; "embedded" for the base layer
	Service  string // compose service
	Line     int    // first label that defines it, from 1
	Layer    int    // 0 is the base layer; a higher layer wins at equal priority
}
