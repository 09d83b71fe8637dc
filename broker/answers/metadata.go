package answers

import "github.com/twmb/franz-go/pkg/kmsg"

// metadata asks about topics, or about all where none are named.
func (m *asker) metadata(topics ...string) []kmsg.MetadataResponseTopic {
	req := kmsg.NewPtrMetadataRequest()
	for _, topic := range topics {
		t := kmsg.NewMetadataRequestTopic()
		t.Topic = &topic
		req.Topics = append(req.Topics, t)
	}
	answer, ok := ask[*kmsg.MetadataResponse](m, req)
	if !ok {
		return nil
	}
	return answer.Topics
}

// topicNames are the names of all topics by their ids.
func (m *asker) topicNames() map[[16]byte]string {
	names := make(map[[16]byte]string)
	for _, topic := range m.metadata() {
		if topic.Topic != nil {
			names[topic.TopicID] = *topic.Topic
		}
	}
	return names
}

// partitions are the numbers of partitions of those of the topics that are there.
func (m *asker) partitions(topics ...string) map[string]int {
	if len(topics) == 0 {
		return nil
	}
	numbers := make(map[string]int)
	for _, topic := range m.metadata(topics...) {
		if topic.Topic != nil && topic.ErrorCode == 0 {
			numbers[*topic.Topic] = len(topic.Partitions)
		}
	}
	return numbers
}
