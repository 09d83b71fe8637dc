package label_test

import (
	"strings"
	"testing"

	"axion/gateway/label"
)

func TestDefaultRule(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, text, want string }{
		{"OK", "Host(`{{ normalize .Name }}.localhost`)", "Host(`web-shop.localhost`)"},
		{"OKLabel", "Host(`{{ index .Labels \"com.docker.compose.service\" }}.{{ index .Labels \"zone\" }}`)", "Host(`web.eu`)"},
		{"OKPiped", "Host(`{{ .ContainerName | trimSuffix \"-1\" | replace \"-\" \".\" | upper }}`)", "Host(`SHOP.WEB`)"},
		{"OKNoRule", "", "Host(`web-shop`)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			rule, err := label.NewDefaultRule(tt.text)
			if err != nil {
				t.Fatal(err)
			}
			s := service(port, "zone=eu")
			s.DefaultRule = rule
			if got := decode(t, s).Routers["web-shop"].Rule; got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
	t.Run("ErrTemplate", func(t *testing.T) {
		t.Parallel()
		if _, err := label.NewDefaultRule("Host(`{{ nonsense }}`)"); err == nil {
			t.Error("got no error")
		}
	})
	for name, text := range map[string]string{"ErrField": "Host(`{{ .Nonsense }}`)",
		"ErrEndless": "{{ range splitList \"\" \"" + strings.Repeat("x", 9999) + "\" }}aaaaaaaa{{ end }}"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rule, err := label.NewDefaultRule(text)
			if err != nil {
				t.Fatal(err)
			}
			s := service(port)
			s.DefaultRule = rule
			if set := label.Decode(s); len(set.Problems) != 1 || !strings.Contains(set.Problems[0].Message, "default rule") {
				t.Errorf("got %v, want a problem with the default rule", set.Problems)
			}
		})
	}
}

func TestConstraint(t *testing.T) {
	t.Parallel()
	s := service("tier=web", "stage=dev1")
	for text, want := range map[string]bool{
		"": true, "Label(`tier`,`web`)": true, "Label(`tier`,`db`)": false, "!Label(`tier`,`db`)": true,
		"LabelRegex(`stage`,`^dev`)": true, "LabelRegex(`none`,``)": false, "Label(`tier`,`web`) && !LabelRegex(`stage`,`^dev`)": false,
		"Label(`tier`,`db`) || (Label(\"com.docker.compose.project\",`shop`))": true,
	} {
		c, err := label.NewConstraint(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := c.Met(s); got != want {
			t.Errorf("%s: got %t, want %t", text, got, want)
		}
	}
	for _, text := range []string{"Label(`a`)", "Tag(`a`,`b`)", "Label(`a`,b)", "Label(`a`,`b`) ==", "LabelRegex(`a`,`(`)", "-Label(`a`,`b`)",
		"Label(`a`,`b`) + Label(`a`,`b`)", strings.Repeat("!", 500) + "Label(`a`,`b`)", "1"} {
		if _, err := label.NewConstraint(text); err == nil {
			t.Errorf("%.20s: got no error", text)
		}
	}
}

func FuzzConstraint(f *testing.F) {
	f.Add("Label(`a`,`b`) && !LabelRegex(`c`,`d`)")
	f.Fuzz(func(t *testing.T, text string) {
		if c, err := label.NewConstraint(text); err == nil {
			c.Met(service("a=b"))
		}
	})
}
