package contract

// EventsTopic carries the events of external clients, published by ingest.
const EventsTopic = "axion.events"

// Topic is where commands and events for a service go.
func Topic(service string) string { return "axion." + service }

// ReplyTopic is where a service receives the answers to its requests.
func ReplyTopic(service string) string { return "axion." + service + ".reply" }

// DeadLetterTopic is where a service puts messages it could not process.
func DeadLetterTopic(service string) string { return "axion." + service + ".dlq" }

// NotificationTopic is where the instances of a service notify each other that clients have
// something new to read. It is there only where there may be several.
func NotificationTopic(service string) string { return "axion." + service + ".feed" }

// Topics lists every topic of the system; they are created at start.
func Topics() []string {
	topics := []string{EventsTopic}
	for _, s := range Services() {
		topics = append(topics, Topic(s.Name), ReplyTopic(s.Name), DeadLetterTopic(s.Name))
		for _, request := range Requests()[s.Name] {
			topics = append(topics, PatternTopic(s.Name, request))
		}
	}
	return topics
}
