// Command kafkaclient is a Kafka client that knows nothing but a broker's address:
// tests run it where another machine or a container would be. It produces records to
// a topic, where one is named, consumes them, and prints where it was said that the
// broker is, as a line of JSON.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	// timeout bounds all of it.
	timeout = 30 * time.Second
	records = 10
)

func main() {
	if len(os.Args) != 2 && len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: kafkaclient ADDRESS [TOPIC]")
		os.Exit(2)
	}
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	topic := "" // none: it only asks
	if len(os.Args) == 3 {
		topic = os.Args[2]
	}
	advertised, err := run(ctx, os.Args[1], topic)
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(map[string]any{"advertised": advertised})
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

// run produces and consumes, and returns the addresses of the brokers.
func run(ctx context.Context, address, topic string) (advertised []string, err error) {
	opts := []kgo.Opt{kgo.SeedBrokers(address), kgo.AllowAutoTopicCreation()}
	if topic != "" {
		opts = append(opts, kgo.ConsumeTopics(topic))
	}
	client, err := kgo.NewClient(opts...)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	meta, err := kmsg.NewPtrMetadataRequest().RequestWith(ctx, client)
	if err != nil {
		return nil, fmt.Errorf("ask where the broker is: %w", err)
	}
	for _, b := range meta.Brokers {
		advertised = append(advertised, net.JoinHostPort(b.Host, strconv.Itoa(int(b.Port))))
	}
	if topic == "" {
		return advertised, nil
	}
	return advertised, exchange(ctx, client, topic)
}

// exchange produces records and consumes them.
func exchange(ctx context.Context, client *kgo.Client, topic string) error {
	mark := fmt.Sprint(time.Now().UnixNano())
	for range records {
		if err := client.ProduceSync(ctx, &kgo.Record{Topic: topic, Value: []byte(mark)}).FirstErr(); err != nil {
			return fmt.Errorf("produce: %w", err)
		}
	}
	for got := 0; got < records; {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return fmt.Errorf("consume: %w", err)
		}
		for _, r := range fetches.Records() {
			if string(r.Value) == mark {
				got++
			}
		}
	}
	return nil
}
