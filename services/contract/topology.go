package contract

// Consumes lists the topics that a builtin service reads: its own, those of its
// request types for peers that name topics so, and the answers to its requests.
// It is nil for a name that is no builtin's.
func Consumes(service string) []string {
	if !builtin(service) {
		return nil
	}
	topics := []string{Topic(service), ReplyTopic(service)}
	for _, request := range Requests()[service] {
		topics = append(topics, PatternTopic(service, request))
	}
	return topics
}

// Produces lists the topics that a builtin service writes to by itself; answers go
// where a request asks for them. It is nil for a name that is no builtin's.
func Produces(service string) []string {
	if !builtin(service) {
		return nil
	}
	var topics []string
	switch service {
	case Graph:
		topics = []string{Topic(Deployment), Topic(Codegen), HistoryTopic(Graph)}
	case Deployment:
		topics = []string{Topic(Graph), Topic(Codegen), Topic(Infrastructure)}
	case Ingest:
		topics = []string{EventsTopic}
	}
	if service != Auth {
		topics = append(topics, Topic(Auth)) // to have sessions checked
	}
	return append(topics, DeadLetterTopic(service))
}

func builtin(name string) bool {
	for _, s := range Services() {
		if s.Name == name {
			return true
		}
	}
	return false
}
