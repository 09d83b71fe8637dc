package message

import "fmt"

// MaxMessage is the most that a message's data, key and type may have
// together, in bytes. It leaves room for the headers of a dead letter below
// Kafka's default limit of 1,048,588.
const MaxMessage = 1_000_000

// CheckSize returns [ErrTooLarge] where a size is over [MaxMessage].
func CheckSize(size int) error {
	if size > MaxMessage {
		return fmt.Errorf("%w: %d bytes, at most %d", ErrTooLarge, size, MaxMessage)
	}
	return nil
}

// CheckTopic returns an error where a topic's name is not one by Kafka's rule. The
// broker would refuse a wrong name in the outbox for ever.
func CheckTopic(topic string) error {
	if topic == "" || len(topic) > 249 || topic == "." || topic == ".." {
		return fmt.Errorf("topic %q: a name has 1 to 249 characters", topic)
	}
	for _, c := range topic {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '.', c == '_', c == '-':
		default:
			return fmt.Errorf("topic %q: %q is not allowed, only letters, digits, '.', '_' and '-'", topic, c)
		}
	}
	return nil
}
