package static_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"axion/gateway/static"
)

// TestReadPlaces has files in a container, of which Traefik takes one.
func TestReadPlaces(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		source static.Source
		files  string // of the container, each an entrypoint of its own name
		want   string // the one that is taken; empty for none
		told   string
	}{
		"Etc":            {files: "/traefik.toml /root/.config/traefik.toml /etc/traefik/traefik.yml", want: "/etc/traefik/traefik.yml"},
		"Endings":        {files: "/traefik.yml /traefik.yaml", want: "/traefik.yaml"},
		"TOMLFirst":      {files: "/traefik.yml /traefik.yaml /traefik.toml", want: "/traefik.toml"},
		"Root":           {files: "/traefik.yml", want: "/traefik.yml"},
		"RootBeforeHome": {files: "/traefik.yml /root/.config/traefik.toml", want: "/traefik.yml"}, // as $XDG_CONFIG_HOME/traefik
		"Home":           {files: "/root/.config/traefik.yml", want: "/root/.config/traefik.yml"},
		"HomeOfVariable": {source: static.Source{Env: map[string]string{"HOME": "/h"}},
			files: "/root/.config/traefik.yml /h/.config/traefik.yml", want: "/h/.config/traefik.yml"},
		"HomeEmpty": {source: static.Source{Env: map[string]string{"HOME": ""}},
			files: "/root/.config/traefik.yml /.config/traefik.yml", want: "/.config/traefik.yml"},
		"HomeOfUser": {source: static.Source{User: "1000:1000"},
			files: "/root/.config/traefik.yml /.config/traefik.yml", want: "/.config/traefik.yml"},
		"HomeOfRoot": {source: static.Source{User: "0:0"},
			files: "/root/.config/traefik.yml /.config/traefik.yml", want: "/root/.config/traefik.yml"},
		"XDG": {source: static.Source{Env: map[string]string{"XDG_CONFIG_HOME": "/x"}},
			files: "/traefik.yml /root/.config/traefik.yml /x/traefik.yml", want: "/x/traefik.yml"},
		"XDGRelative": {source: static.Source{Env: map[string]string{"XDG_CONFIG_HOME": "x"}, WorkingDir: "/w"},
			files: "/x/traefik.yml /w/x/traefik.yml", want: "/w/x/traefik.yml"},
		"XDGNotRoot": {source: static.Source{Env: map[string]string{"XDG_CONFIG_HOME": "/x"}, WorkingDir: "/w"},
			files: "/traefik.yml", want: ""},
		"WorkingDir": {source: static.Source{WorkingDir: "/w"}, files: "/w/traefik.yml", want: "/w/traefik.yml"},
		"WorkingDirLast": {source: static.Source{WorkingDir: "/w"},
			files: "/w/traefik.toml /root/.config/traefik.yml", want: "/root/.config/traefik.yml"},
		"None": {files: "/traefik/traefik.yml /config/traefik.yml /traefik.json /etc/traefik.yml", want: ""},
		"Named": {source: static.Source{Args: args("--configFile=/c.yml")},
			files: "/etc/traefik/traefik.yml /c.yml", want: "/c.yml"},
		"NamedRelative": {source: static.Source{Args: args("--configFile=c.yml")}, files: "/c.yml", want: "/c.yml"},
		"NamedRelativeDir": {source: static.Source{Args: args("--configFile=./d/../c.yml"), WorkingDir: "/w"},
			files: "/c.yml /w/c.yml", want: "/w/c.yml"},
		"NamedVariable": {source: static.Source{Args: args("--configFile=$HOME/${C}.yml"), Env: map[string]string{"C": "c"}},
			files: "/root/c.yml", want: "/root/c.yml"},
		"NamedTwice": {source: static.Source{Args: args("--configFile=/c.yml", "--configfile=/d.yml")},
			files: "/c.yml /d.yml", want: "/d.yml"},
		"NamedEmpty": {source: static.Source{Args: args("--configFile=")}, files: "/traefik.yml", want: "/traefik.yml"},
		"NamedEnding": {source: static.Source{Args: args("--configFile=/c.conf")}, files: "/c.conf /traefik.yml", want: "",
			told: "error 10: the static configuration file /c.conf has none of the endings that Traefik reads"},
		"NamedNotThere": {source: static.Source{Args: args("--configFile=/c.yml")}, files: "/traefik.yml", want: "",
			told: "warning 10: the static configuration file, /c.yml, is on no volume"},
		"FolderInItsPlace": {files: "/traefik.toml/ /traefik.yml", want: "", told: "error 3: the static configuration file "},
		"RelativeProvider": {source: static.Source{Args: args("--providers.file.filename=d.yml"), WorkingDir: "/w"},
			files: "/d.yml", want: "",
			told: "warning 10: the file of the file provider, /w/d.yml, is on no volume"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, there := t.TempDir(), strings.Fields(tt.files)
			for _, place := range there {
				at := filepath.Join(dir, place)
				if err := os.MkdirAll(filepath.Dir(at), 0o700); err != nil {
					t.Fatal(err)
				}
				data := "entryPoints: {\"" + place + "\": {}}\n"
				switch {
				case strings.HasSuffix(place, "/"):
					if err := os.MkdirAll(at, 0o700); err != nil {
						t.Fatal(err)
					}
					continue
				case strings.HasSuffix(place, ".toml"):
					data = "[entryPoints.\"" + place + "\"]\n"
				}
				// By its name here a file says nothing about its form.
				if err := os.WriteFile(at+".here", []byte(data), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			source := tt.source
			source.Path = func(place string) (string, bool) {
				if slices.Contains(there, place+"/") {
					return filepath.Join(dir, place), true
				}
				return filepath.Join(dir, place+".here"), slices.Contains(there, place)
			}
			got, problems := read(source)
			var taken []string
			for name := range got.EntryPoints {
				taken = append(taken, name)
			}
			if strings.Join(taken, " ") != tt.want {
				t.Errorf("got %q, want %q", taken, tt.want)
			}
			if tt.told == "" && len(problems) > 0 || tt.told != "" && (len(problems) != 1 || !strings.HasPrefix(problems[0], tt.told)) {
				t.Errorf("got problems %q, want %q", problems, tt.told)
			}
		})
	}
}

// TestReadContent has the static file stand in the compose file itself.
func TestReadContent(t *testing.T) {
	t.Parallel()
	source := static.Source{
		Path: func(string) (string, bool) { return "", false },
		Content: func(place string) (static.Content, bool) {
			return static.Content{File: "compose.yml", Line: 20, Text: "entryPoints:\n  web: {address: ':81'}\nbogus: 1\n"}, place == "/traefik.yml"
		},
	}
	got, problems := read(source)
	if e := got.EntryPoints["web"]; e == nil || e.Address != ":81" || e.Origin.Line != 21 || e.Origin.File != "compose.yml" {
		t.Errorf("got %+v, want the entrypoint of line 21", e)
	}
	if len(problems) != 1 || !strings.HasPrefix(problems[0], "warning 22: Traefik has no setting bogus") {
		t.Errorf("got %q, want one of line 22", problems)
	}
	source.Args = args("--configFile=./traefik.yml")
	if got, _ = read(source); got.EntryPoints["web"] == nil {
		t.Error("got nothing of the named file")
	}
}
