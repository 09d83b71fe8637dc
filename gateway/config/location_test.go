package config_test

import (
	"testing"

	"axion/gateway/config"
)

func TestPlace(t *testing.T) {
	t.Parallel()
	o := config.Origin{Provider: "docker", File: "b.yaml", Service: "web", Line: 9, Layer: 1}
	d := &config.Dynamic{Locations: map[config.Scope][]*config.LabelLocations{{Provider: "docker", Service: "web", Layer: 1}: {
		{File: "a.yaml", Lines: map[string]int{"traefik.enable": 3, "traefik.a": 4}},
		{File: "b.yaml", Lines: map[string]int{"traefik.enable": 5, "Traefik.HTTP.x": 6, "traefik.far": 7},
			Files: map[string]string{"traefik.far": "c.yaml"}},
	}}}
	for _, tt := range []struct {
		name, label, file string
		line              int
	}{
		{"OKOwnFile", "traefik.enable", "b.yaml", 5},
		{"OKCase", "traefik.http.X", "b.yaml", 6},
		{"OKElsewhere", "traefik.far", "c.yaml", 7},
		{"OKOther", "traefik.a", "a.yaml", 4},
		{"OKUnknown", "traefik.none", "b.yaml", 9},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if file, line := d.Locate(tt.label, o); file != tt.file || line != tt.line {
				t.Errorf("got %s:%d, want %s:%d", file, line, tt.file, tt.line)
			}
		})
	}
}
