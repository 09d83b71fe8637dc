// Package topics creates topics and reads them outside of any consumer group: from a
// position, from the beginning, or as they grow.
package topics

import (
	"context"
	"fmt"

	"axion/services/bus/conn"
)

// Topic is one topic of the broker. It is safe for concurrent use.
type Topic struct {
	conn *conn.Conn
	name string
}

// New returns a topic by its name, whether it exists or not.
func New(c *conn.Conn, name string) Topic { return Topic{conn: c, name: name} }

// Partitions counts the topic's partitions.
func (t Topic) Partitions(ctx context.Context) (int, error) {
	listed, err := t.conn.Admin.ListTopics(ctx, t.name)
	if err == nil {
		err = listed[t.name].Err
	}
	if err != nil {
		return 0, fmt.Errorf("count partitions of %s: %w", t.name, err)
	}
	return len(listed[t.name].Partitions), nil
}
