package readmodel

import (
	"encoding/json"
	"time"
)

// Event is one event of a project's history. Sequence counts from 1.
type Event struct {
	Sequence  int64           `json:"sequence"`
	ID        string          `json:"id"`
	Type      string          `json:"type"`
	ProjectID string          `json:"projectId" format:"uuid"`
	Time      time.Time       `json:"time" doc:"When it happened, by the clock of the service that reported it."`
	Data      json.RawMessage `json:"data"`
}

func scanEvent(row interface{ Scan(...any) error }) (e Event, err error) {
	var at, data string
	if err = row.Scan(&e.Sequence, &e.ID, &e.Type, &e.ProjectID, &at, &data); err != nil {
		return e, err
	}
	e.Data = json.RawMessage(data)
	e.Time, err = time.Parse(time.RFC3339Nano, at)
	return e, err
}
