package ingest

import "axion/services/contract"

// Receipt says where an event is.
type Receipt struct {
	ID        string `json:"id" doc:"The event's id."`
	Source    string `json:"source" doc:"The event's source."`
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	Offset    int64  `json:"offset"`
	// Status and Error are set where an event of a request was not acknowledged and
	// others were.
	Status int    `json:"status,omitempty" doc:"503 for an event that was not acknowledged; absent for others."`
	Error  string `json:"error,omitempty" doc:"Why it was not."`
}

// receipt is that of an event on the only topic there is.
func receipt(id identity, partition int32, offset int64) Receipt {
	return Receipt{ID: id.id, Source: id.source, Topic: contract.EventsTopic, Partition: partition, Offset: offset}
}
