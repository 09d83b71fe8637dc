package config

import "github.com/traefik/paerser/types"

// Duration is a time.Duration whose text form is Go's ("1m30s") or, as in
// Traefik, a bare integer of seconds. It is the type that the label decoder
// knows; its String is Go's form.
type Duration = types.Duration
