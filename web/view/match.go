package view

import "time"

// Matches are messages that a search found.
type Matches struct {
	Items    []Match `json:"items"`
	Searched int     `json:"searched"` // messages that were looked at
	Cut      bool    `json:"cut"`      // the time was over before all of those were
}

// Match is one message.
type Match struct {
	Topic     string    `json:"topic"`
	Partition int32     `json:"partition"`
	Offset    int64     `json:"offset"`
	Time      time.Time `json:"time"`
	Key       string    `json:"key"`
	Text      string    `json:"text"` // what is around the place that matched
}
