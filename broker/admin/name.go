package admin

import (
	"errors"
	"fmt"
)

const (
	maxTopicName = 249 // Kafka's
	// MaxPartitions of one topic. Each takes memory and files, and kfake
	// makes as many as the request asks for.
	MaxPartitions = 1000
)

// CheckTopicName applies Kafka's rules for the names of topics.
func CheckTopicName(name string) error {
	switch {
	case name == "":
		return errors.New("topic without a name")
	case name == "." || name == "..":
		return fmt.Errorf("topic %q: one or two dots are no name", name)
	case len(name) > maxTopicName:
		return fmt.Errorf("topic %.32q…: %d characters, must be at most %d", name, len(name), maxTopicName)
	}
	for _, c := range []byte(name) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '.', c == '_', c == '-':
		default:
			return fmt.Errorf("topic %q: only letters, digits, dot, underscore and hyphen are allowed", name)
		}
	}
	return nil
}
