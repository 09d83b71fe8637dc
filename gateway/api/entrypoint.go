package api

import (
	"reflect"
	"time"

	"axion/gateway/config"
)

// TLS shows a router's TLS settings.
func TLS(c *config.RouterTLS) Object { return camelStruct(reflect.ValueOf(*c)) }

// EntryPoint shows an entrypoint's settings with Traefik's defaults. Its names and its
// address are the caller's to add.
func EntryPoint(c *config.EntryPoint) Object {
	e := *c
	orValue(&e.HTTP.MaxHeaderBytes, 1<<20)
	e.HTTP.SanitizePath = or(e.HTTP.SanitizePath, true)
	h2, udp, transport := config.HTTP2{}, config.EntryPointUDP{}, config.Transport{}
	if e.HTTP2 != nil {
		h2 = *e.HTTP2
	}
	orValue(&h2.MaxConcurrentStreams, 250)
	if e.UDP != nil {
		udp = *e.UDP
	}
	orValue(&udp.Timeout, config.Duration(3*time.Second))
	if e.Transport != nil {
		transport = *e.Transport
	}
	timeouts := config.RespondingTimeouts{}
	if transport.RespondingTimeouts != nil {
		timeouts = *transport.RespondingTimeouts
	}
	timeouts.ReadTimeout = or(timeouts.ReadTimeout, config.Duration(time.Minute))
	timeouts.IdleTimeout = or(timeouts.IdleTimeout, config.Duration(3*time.Minute))
	transport.RespondingTimeouts = &timeouts
	e.HTTP2, e.UDP, e.Transport, e.ForwardedHeaders = &h2, &udp, &transport, or(e.ForwardedHeaders, config.ForwardedHeaders{})
	o := Object(camelStruct(reflect.ValueOf(e)))
	hideIn("", o, false)
	return o
}
