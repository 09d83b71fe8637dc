package auth

import (
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/mail"
	"net/url"
	"reflect"
	"strings"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"

	"axion/services/host"
)

const (
	jsonType = "application/json"
	formType = "application/x-www-form-urlencoded"
)

// Bounds of the fields; in characters where nothing else is said.
const (
	minPassword = 8
	maxPassword = 128
	maxEmail    = 254 // bytes, of an address that SMTP can carry
	maxName     = 256
	maxURL      = 2048
)

// Credentials are the body of sign-up and sign-in.
type Credentials struct {
	Email    string `json:"email" format:"email" maxLength:"254"`
	Password string `json:"password" minLength:"8" maxLength:"128"`
	// Name and Image are for sign-up.
	Name  *string `json:"name,omitempty" maxLength:"256" doc:"Required to sign up."`
	Image *string `json:"image,omitempty" format:"uri" maxLength:"2048"`
	// RememberMe false ends the session with the browser, or after a day.
	RememberMe  *bool  `json:"rememberMe,omitempty" default:"true"`
	CallbackURL string `json:"callbackURL,omitempty" maxLength:"2048" doc:"Where a browser goes on; a path, or an address of this machine."`
}

// credentialsBody describes what [client.credentials] reads.
func credentialsBody(api huma.API) *huma.RequestBody {
	schema := api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[Credentials](), true, "Credentials")
	return &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
		jsonType: {Schema: schema}, formType: {Schema: schema},
	}}
}

// credentials reads the body, JSON or a form, and normalises what it finds.
func (c client) credentials() (Credentials, error) {
	var in Credentials
	body, unread := host.ReadBody(c.body, host.MaxBody)
	if unread != nil {
		switch unread.Status {
		case http.StatusRequestTimeout:
			return in, errLate
		case http.StatusRequestEntityTooLarge:
			return in, errTooLarge
		}
		return in, invalid("The request body ended early")
	}
	var err error
	media, _, _ := mime.ParseMediaType(c.contentType)
	switch media {
	case jsonType:
		err = decodeJSON(body, &in)
	case formType:
		err = decodeForm(body, &in)
	default:
		err = errMediaType
	}
	if err != nil {
		return in, err
	}
	in.Email = strings.ToLower(strings.TrimSpace(in.Email))
	return in, in.check()
}

func decodeJSON(body []byte, in *Credentials) error {
	if !utf8.Valid(body) {
		return invalid("The request body is not UTF-8")
	}
	err := json.Unmarshal(body, in)
	var wrong *json.UnmarshalTypeError
	switch {
	case errors.As(err, &wrong) && wrong.Field != "":
		return invalid(fmt.Sprintf("[body.%s] Invalid input: expected %s, received %s", wrong.Field, wrong.Type, wrong.Value))
	case err != nil:
		return invalid("The request body is not a JSON object")
	}
	return nil
}

func decodeForm(body []byte, in *Credentials) error {
	form, err := url.ParseQuery(string(body))
	if err != nil || !utf8.Valid([]byte(form.Encode())) {
		return invalid("The request body is not a form")
	}
	in.Email, in.Password, in.CallbackURL = form.Get("email"), form.Get("password"), form.Get("callbackURL")
	if form.Has("name") {
		in.Name = new(form.Get("name"))
	}
	if form.Has("image") {
		in.Image = new(form.Get("image"))
	}
	if form.Has("rememberMe") {
		switch form.Get("rememberMe") {
		case "false", "0", "off", "":
			in.RememberMe = new(false)
		default:
			in.RememberMe = new(true)
		}
	}
	return nil
}

// check bounds every field; the password's shortest length is sign-up's to
// check, since a sign-in with a short one is merely wrong.
func (in *Credentials) check() error {
	switch {
	case in.Email == "":
		return invalid("[body.email] Invalid input: expected string, received undefined")
	case in.Password == "":
		return invalid("[body.password] Invalid input: expected string, received undefined")
	case !validEmail(in.Email):
		return errEmail
	case utf8.RuneCountInString(in.Password) > maxPassword:
		return errPasswordLong
	case in.Name != nil && utf8.RuneCountInString(*in.Name) > maxName:
		return invalid(fmt.Sprintf("[body.name] Too big: expected at most %d characters", maxName))
	case in.Image != nil && len(*in.Image) > maxURL:
		return invalid(fmt.Sprintf("[body.image] Too big: expected at most %d bytes", maxURL))
	case !validCallback(in.CallbackURL):
		return errCallback
	}
	return nil
}

func validEmail(email string) bool {
	if len(email) > maxEmail {
		return false
	}
	parsed, err := mail.ParseAddress(email)
	return err == nil && parsed.Address == email
}

// validCallback accepts a path or an address of this machine: a sign-in must
// not send a browser elsewhere.
func validCallback(address string) bool {
	if len(address) > maxURL || strings.ContainsFunc(address, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\\' }) {
		return false
	}
	return address == "" || local(address) || strings.HasPrefix(address, "/") && !strings.HasPrefix(address, "//")
}
