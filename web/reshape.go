package web

import (
	"encoding/json"
	"fmt"
)

// Reshape turns one part's view of a thing into the dashboard's: the parts know
// nothing of each other, and agree in their JSON. It panics where they do not.
func Reshape[T any](v any) (to T) {
	text, err := json.Marshal(v)
	if err == nil {
		err = json.Unmarshal(text, &to)
	}
	if err != nil {
		panic(fmt.Sprintf("reshape %T: %v", v, err)) // a mistake in their types
	}
	return to
}
