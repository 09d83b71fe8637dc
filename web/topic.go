package web

// Topic is one topic of the broker.
type Topic struct {
	Name string `json:"name"`
	// Messages is how many the topic holds now, over all partitions: what
	// retention has removed does not count.
	Messages   int64       `json:"messages"`
	Partitions []Partition `json:"partitions"`
}

// Partition is one partition of a topic. It holds the offsets from Start up
// to, not including, End.
type Partition struct {
	ID    int32 `json:"id"`
	Start int64 `json:"start"`
	End   int64 `json:"end"`
}
