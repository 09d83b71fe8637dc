package nesttest

import (
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"time"
)

// Client is a NestJS client. It is safe for concurrent use.
type Client struct {
	*process

	mu      sync.Mutex
	last    int
	pending map[int]chan Answer
}

// Answer is what became of a call: the values that the client's observable
// gave, and the error that it ended with, nil for none.
type Answer struct {
	Values []json.RawMessage
	Error  json.RawMessage
}

// Message is data for a call with a key and headers of its own.
type Message struct {
	Key     any               `json:"key,omitempty"`
	Value   any               `json:"value"`
	Headers map[string]string `json:"headers,omitempty"`
}

// Bytes is data for a call that is a Buffer.
type Bytes struct {
	Base64 []byte `json:"$bytes"`
}

// ReplyTopics are those on which a client that asks on topics is answered. See
// [Topics].
func ReplyTopics(topics ...string) []string {
	replies := make([]string, len(topics))
	for i, topic := range topics {
		replies[i] = topic + ".reply"
	}
	return replies
}

// Connect starts a client that may ask on topics, and waits until it has its
// reply partitions. group is its groupId, to which NestJS adds "-client".
func (a *App) Connect(t testing.TB, brokers []string, group string, topics ...string) *Client {
	t.Helper()
	c := &Client{pending: make(map[int]chan Answer)}
	c.process = a.start(t, c.done, nil, "client", "--brokers", strings.Join(brokers, ","),
		"--group", group, "--topics", strings.Join(topics, ","))
	return c
}

// Send asks and waits for the end of the answer.
func (c *Client) Send(t testing.TB, topic string, data any) Answer {
	t.Helper()
	return c.order(t, "send", topic, data)
}

// Emit sends and waits until the broker has it.
func (c *Client) Emit(t testing.TB, topic string, data any) {
	t.Helper()
	if a := c.order(t, "emit", topic, data); a.Error != nil {
		t.Fatalf("emit on %s: %s", topic, a.Error)
	}
}

func (c *Client) order(t testing.TB, op, topic string, data any) Answer {
	t.Helper()
	answer := make(chan Answer, 1)
	c.mu.Lock()
	c.last++
	id := c.last
	c.pending[id] = answer
	text, err := json.Marshal(map[string]any{
		"id": id, "op": op, "topic": topic, "data": data, "timeout": Deadline.Milliseconds(),
	})
	if err == nil {
		_, err = c.stdin.Write(append(text, '\n'))
	}
	c.mu.Unlock()
	if err != nil {
		t.Errorf("order %s on %s: %v", op, topic, err)
		return Answer{}
	}
	select {
	case a := <-answer:
		return a
	case <-c.ended:
		t.Errorf("the NestJS client ended during %s on %s", op, topic)
	case <-time.After(Deadline + 5*time.Second):
		t.Errorf("the NestJS client did not finish %s on %s", op, topic)
	}
	return Answer{}
}

// done hands an answer to who waits for it.
func (c *Client) done(l line) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if answer, ok := c.pending[l.ID]; ok {
		delete(c.pending, l.ID)
		answer <- Answer{l.Values, l.Error}
	}
}
