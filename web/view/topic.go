package view

// Topic is one topic of the broker.
type Topic struct {
	Name string `json:"name"`
	// Messages is how many the topic holds now, over all partitions: what
	// retention has removed does not count.
	Messages   int64       `json:"messages"`
	Partitions []Partition `json:"partitions"`
	// Internal topics are the broker's own.
	Internal bool `json:"internal,omitempty"`
	// Bytes is the topic's size; nil where the broker does not say.
	Bytes *int64 `json:"bytes,omitempty"`
	// Keeps says what each partition keeps, such as "7 d or 1 GiB".
	Keeps string `json:"keeps,omitempty"`
	// Rate is how many messages a second it got of late.
	Rate float64 `json:"rate"`
	// Groups are the consumer groups that have read it, and what each has not
	// read yet.
	Groups []TopicGroup `json:"groups"`
}

// TopicGroup is a consumer group on a topic.
type TopicGroup struct {
	Name string `json:"name"`
	Lag  int64  `json:"lag"`
}

// Partition is one partition of a topic. It holds the offsets from Start up
// to, not including, End.
type Partition struct {
	ID    int32 `json:"id"`
	Start int64 `json:"start"`
	End   int64 `json:"end"`
}
