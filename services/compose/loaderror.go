package compose

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

var (
	// validating is how compose's loader begins what its schema refuses.
	validating = regexp.MustCompile(`^validating .*?: +`)
	// settingOf matches the path of a service's setting.
	settingOf = regexp.MustCompile(`services\.([\w-]+)\.([\w-]+)`)
	// unknownKey matches a key that compose's schema does not know.
	unknownKey = regexp.MustCompile(`^(?:services\.[\w-]+\.)?(\S+) false schema$|^additional properties (.*) not allowed$`)
	// rest is a service's setting at the beginning of a message.
	rest = regexp.MustCompile(`^(?:error while interpolating )?services\.[\w-]+\.`)
)

// loadError says where the files have what compose's loader refuses, and how to mend it.
func loadError(err error, files []string) error {
	text := validating.ReplaceAllString(err.Error(), "")
	place := files[0]
	if at := settingOf.FindStringSubmatch(text); at != nil {
		if file, line := locate(files).key(at[1], at[2]); line > 0 {
			place = fmt.Sprintf("%s:%d: service %q", file, line, at[1])
		}
	}
	hint := ""
	if key := unknownKey.FindStringSubmatch(text); key != nil {
		text, hint = fmt.Sprintf("compose has no key %q", strings.Trim(key[1]+key[2], "'")), "correct it, or begin a key of your own with x-"
	}
	text = rest.ReplaceAllString(text, "")
	switch {
	case strings.Contains(text, "required variable"):
		hint = "set it in the environment, or in .env beside the file"
	case strings.Contains(text, "value must be one of"):
		hint = "write one of these"
	}
	return hintError{errors.New(place + ": " + text), hint}
}
