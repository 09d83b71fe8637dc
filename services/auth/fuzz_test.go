package auth

import (
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"
)

func FuzzCredentials(f *testing.F) {
	f.Add(jsonType, `{"email":"A@b.c","password":"12345678","name":"n","rememberMe":false,"callbackURL":"/x"}`)
	f.Add(jsonType, `{"email":1}`)
	f.Add(jsonType, "{\"email\":\"\xff\"}")
	f.Add(formType, "email=a%40b.c&password=x&image=i&rememberMe=on")
	f.Add(formType, "%zz")
	f.Add("text/plain", "")
	f.Fuzz(func(t *testing.T, contentType, body string) {
		in, err := client{contentType: contentType, body: strings.NewReader(body)}.credentials()
		if err != nil {
			if _, ok := err.(*apiError); !ok {
				t.Errorf("got %T, want an answer", err)
			}
			return
		}
		if !validEmail(in.Email) || in.Email != strings.ToLower(in.Email) || in.Password == "" || !utf8.ValidString(in.Password) {
			t.Errorf("accepted %+v", in)
		}
		if in.CallbackURL != "" && !local(in.CallbackURL) && (in.CallbackURL[0] != '/' || strings.HasPrefix(in.CallbackURL, "//")) {
			t.Errorf("accepted callback %q", in.CallbackURL)
		}
	})
}

func FuzzOpen(f *testing.F) {
	k := &keys{cookie: []byte("secret")}
	f.Add("token", k.sign("token"))
	f.Add("", k.sign(""))
	f.Add("a%2Eb", "a.b.c")
	f.Add("x", "%")
	f.Add(" ", "0")
	f.Fuzz(func(t *testing.T, token, signed string) {
		if opened, ok := k.open(k.sign(token)); !strings.Contains(token, ".") && (!ok || opened != token) {
			t.Errorf("own signature of %q: got %q, %v", token, opened, ok)
		}
		// Whatever opens is what the secret's owner signed.
		if opened, ok := k.open(signed); ok {
			plain, err := url.PathUnescape(signed)
			own, _ := url.PathUnescape(k.sign(opened))
			if err != nil || strings.TrimRight(plain, "=") != strings.TrimRight(own, "=") {
				t.Errorf("opened %q to %q", signed, opened)
			}
		}
	})
}
