package proxy

import (
	"errors"
	"net/http"

	"axion/gateway/config"
)

// Service answers requests for one configured service.
type Service interface {
	http.Handler
	// Up reports whether a request can be answered now.
	Up() bool
	// OnChange has f called when Up changes.
	OnChange(f func(up bool))
	// Servers tells every server's state.
	Servers() []Status
	// Close ends what runs behind; requests go on being served.
	Close()
}

// Transport is how servers are connected to.
type Transport struct{}

// Close closes unused connections.
func (t *Transport) Close() {}

// Transport makes one; nil means the default settings.
func (p *Proxy) Transport(*config.ServersTransport) (*Transport, error) { return &Transport{}, nil }

var errComposite = errors.New("services of services are not supported yet")

// NewWeighted spreads requests over services by weight.
func NewWeighted(string, *config.Weighted, []Service) (Service, error) { return nil, errComposite }

// NewHRW spreads clients over services.
func NewHRW(string, *config.HighestRandomWeight, []Service) (Service, error) {
	return nil, errComposite
}

// NewMirroring sends copies of requests to further services.
func NewMirroring(string, *config.Mirroring, Service, []Service) (Service, error) {
	return nil, errComposite
}

// NewFailover has a second service answer where the first cannot.
func NewFailover(string, *config.Failover, Service, Service) (Service, error) {
	return nil, errComposite
}
