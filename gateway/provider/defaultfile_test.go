package provider

import (
	"slices"
	"testing"
)

func TestDefault(t *testing.T) {
	t.Chdir(t.TempDir())
	if got := Default(nil); got != nil {
		t.Errorf("got %v, want none in an empty directory", got)
	}
	write(t, "docker-compose.yml", "services: {}\n")
	write(t, "compose.yml", "services: {}\n")
	if got := Default(nil); !slices.Equal(got, []string{"compose.yml"}) {
		t.Errorf("got %v, want compose.yml before docker-compose.yml", got)
	}
	write(t, "docker-compose.override.yml", "services: {}\n")
	write(t, "compose.override.yaml", "services: {}\n")
	if got := Default(nil); !slices.Equal(got, []string{"compose.yml", "compose.override.yaml"}) {
		t.Errorf("got %v, want the override file too", got)
	}
	if got := Default([]string{"mine.yaml"}); !slices.Equal(got, []string{"mine.yaml"}) {
		t.Errorf("got %v, want the file that was named", got)
	}
}
