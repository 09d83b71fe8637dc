package services

import "axion/services/signature"

// ReplacementEnvironment is the environment of a process that takes a builtin's place in the
// stack with data directory dir: where its Kafka is, and the key that signs messages, which
// is a secret.
func ReplacementEnvironment(dir, brokers string) (map[string]string, error) {
	key, err := signature.Load(dir)
	if err != nil {
		return nil, err
	}
	return map[string]string{"KAFKA_BROKERS": brokers, signature.Variable: key.String()}, nil
}
