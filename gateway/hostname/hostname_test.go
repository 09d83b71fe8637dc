package hostname_test

import (
	"errors"
	"testing"

	"axion/gateway/hostname"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ give, name, port string }{
		{"", "", ""},
		{":8080", "", "8080"},
		{"a.localhost", "a.localhost", ""},
		{"A.LocalHost.:8443", "a.localhost", "8443"},
		{"a.localhost:", "a.localhost", ""},
		{"127.0.0.1:80", "127.0.0.1", "80"},
		{"[::1]", "::1", ""},
		{"[::1]:443", "::1", "443"},
		{"[::1]:", "::1", ""},
		{"[0:0:0:0:0:0:0:1]", "::1", ""},
		{"[FE80::1%25eth0]:1", "fe80::1", "1"},
		{"[fe80::1%eth0]", "fe80::1", ""},
		{"10::10", "10::10", ""},
		{"XN--Bcher-KVA.localhost", "xn--bcher-kva.localhost", ""},
		{"%73ecure.localhost", "%73ecure.localhost", ""},
		{"a_b.localhost", "a_b.localhost", ""},
	} {
		name, port, err := hostname.Parse(test.give)
		if err != nil || name != test.name || port != test.port {
			t.Errorf("%q: got %q, %q, %v, want %q, %q", test.give, name, port, err, test.name, test.port)
		}
	}
	for give, want := range map[string]error{
		"[secure.localhost]": hostname.ErrBracket, "[secure.localhost]x": hostname.ErrBracket, "[h].": hostname.ErrBracket,
		"[h]x:1": hostname.ErrBracket,
		"[::1":   hostname.ErrBracket, "[]": hostname.ErrBracket, "[127.0.0.1]": hostname.ErrBracket,
		"[::1]x": hostname.ErrAfter, "[::1].": hostname.ErrAfter, "[::1]x:1": hostname.ErrAfter, "[::1]443": hostname.ErrAfter,
		"[::1]:x": hostname.ErrPort, "a.localhost:x": hostname.ErrPort, "a.localhost:1:2": hostname.ErrPort, "a.localhost:-1": hostname.ErrPort,
		"a.localhost]": hostname.ErrCharacter, "a b": hostname.ErrCharacter, " a": hostname.ErrCharacter, "a\t": hostname.ErrCharacter,
		"user@a": hostname.ErrCharacter, "a/b": hostname.ErrCharacter, "a#": hostname.ErrCharacter,
		"b\u00fccher.localhost": hostname.ErrCharacter,
		"\u212Aube.localhost":   hostname.ErrCharacter, "a\u3002localhost": hostname.ErrCharacter, "a\x00": hostname.ErrCharacter,
		"a..localhost": hostname.ErrLabel, ".localhost": hostname.ErrLabel, "a.localhost..": hostname.ErrLabel, "..": hostname.ErrLabel,
	} {
		if name, port, err := hostname.Parse(give); !errors.Is(err, want) {
			t.Errorf("%q: got %q, %q, %v, want the error %v", give, name, port, err, want)
		}
	}
}

func TestJoin(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ host, port, want string }{
		{"a.localhost", "", "a.localhost"}, {"a.localhost", "1", "a.localhost:1"}, {"::1", "", "[::1]"}, {"::1", "1", "[::1]:1"},
	} {
		if got := hostname.Join(test.host, test.port); got != test.want {
			t.Errorf("%q, %q: got %q, want %q", test.host, test.port, got, test.want)
		}
	}
}

// FuzzParse looks for a host that reads differently a second time, or whose parts do
// not make the same host again.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"a.localhost:1", "[::1%25a]:1", "10::10", "[h].", "a..", "A.", "[::ffff:1.2.3.4]", ":", "%41"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, authority string) {
		name, port, err := hostname.Parse(authority)
		if err != nil {
			return
		}
		if again, err := hostname.Name(name); err != nil || again != name {
			t.Errorf("%q: the name %q reads as %q, %v", authority, name, again, err)
		}
		if n, p, err := hostname.Parse(hostname.Join(name, port)); err != nil || n != name || p != port {
			t.Errorf("%q: joined again it reads as %q, %q, %v", authority, n, p, err)
		}
	})
}
