package explorer

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"axion/broker"
	"axion/broker/admin"
	"axion/broker/brokertest"
)

// epoch is when the records of these tests begin, a second apart.
var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// placing is a client that writes where records say.
func placing(t *testing.T, b brokertest.Cluster, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	return brokertest.Client(t, b, append([]kgo.Opt{kgo.RecordPartitioner(kgo.ManualPartitioner())}, opts...)...)
}

// numbered writes n records in turn to the topic's three partitions: record i has
// the value {"n":i} and comes i seconds after the epoch.
func numbered(t *testing.T, b brokertest.Cluster, topic string, n int) {
	t.Helper()
	records := make([]*kgo.Record, n)
	for i := range records {
		records[i] = &kgo.Record{
			Topic: topic, Partition: int32(i % 3), Timestamp: epoch.Add(time.Duration(i) * time.Second),
			Key: fmt.Appendf(nil, "key-%d", i), Value: fmt.Appendf(nil, `{"n":%d,"of":{"kind":"%s"}}`, i, []string{"tea", "cup"}[i%2]),
		}
	}
	if err := placing(t, b).ProduceSync(brokertest.Context(t), records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

// numbers are the n of messages.
func numbers(t *testing.T, items []Message) []int {
	t.Helper()
	got := []int{}
	for _, m := range items {
		var value struct{ N int }
		if err := json.Unmarshal([]byte(m.Value), &value); err != nil {
			t.Fatalf("%+v: %v", m, err)
		}
		got = append(got, value.N)
	}
	return got
}

// readAll reads page by page.
func readAll(t *testing.T, a *Reader, q Query) (got []int, pages int) {
	t.Helper()
	for {
		page, err := a.Read(brokertest.Context(t), q)
		if err != nil {
			t.Fatal(err)
		}
		got, pages = append(got, numbers(t, page.Items)...), pages+1
		if page.Next == "" {
			return got, pages
		}
		q.After = page.Next
	}
}

func TestRead(t *testing.T) {
	t.Parallel()
	b := brokertest.NewCluster(t, "a", "none")
	const n = 1000
	numbered(t, b, "a", n)
	up, down := []int{}, []int{}
	for i := range n {
		up, down = append(up, i), append(down, n-1-i)
	}
	at := func(i int) time.Time { return epoch.Add(time.Duration(i) * time.Second) }
	tests := []struct {
		name string
		q    Query
		want []int
	}{
		{"OKNewest", Query{Limit: 170}, down},
		{"OKOldest", Query{Oldest: true, Limit: 300}, up},
		{"OKOne", Query{Limit: 1, Filter: Filter{Text: `"n":7,`}}, []int{7}},
		{"OKSince", Query{Oldest: true, Filter: Filter{Since: at(990)}}, up[990:]},
		{"OKSinceNewest", Query{Filter: Filter{Since: at(990)}}, down[:10]},
		{"OKUntil", Query{Filter: Filter{Until: at(5)}}, down[n-6:]},
		{"OKBetween", Query{Filter: Filter{Since: at(5), Until: at(7)}}, []int{7, 6, 5}},
		{"OKKey", Query{Filter: Filter{Key: "KEY-99"}}, []int{999, 998, 997, 996, 995, 994, 993, 992, 991, 990, 99}},
		{"OKPath", Query{Oldest: true, Filter: Filter{Path: `$.of[?@ == "tea"]`, Until: at(3)}}, []int{0, 2}},
		{"OKNothing", Query{Filter: Filter{Key: "none"}}, []int{}},
		{"OKOffset", Query{Partition: 1, Offset: 331, Oldest: true}, []int{994, 997}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.q.Topic = "a"
			if tt.q.Partition == 0 {
				tt.q.Partition, tt.q.Offset = -1, -1
			}
			if got, pages := readAll(t, NewReader(b.Admin()), tt.q); fmt.Sprint(got) != fmt.Sprint(tt.want) {
				t.Errorf("got %v in %d pages, want %v", got, pages, tt.want)
			}
		})
	}
	t.Run("OKEmpty", func(t *testing.T) {
		t.Parallel()
		page, err := NewReader(b.Admin()).Read(brokertest.Context(t), Query{Topic: "none", Partition: -1, Offset: -1})
		if err != nil || len(page.Items) != 0 || page.Next != "" || page.End != "newer,0:0,1:0,2:0" {
			t.Errorf("got %+v, %v", page, err)
		}
	})
	for name, tt := range map[string]struct {
		q    Query
		want error
	}{
		"ErrTopic":     {Query{Topic: "no-such"}, admin.ErrNoTopic},
		"ErrName":      {Query{Topic: "no such"}, admin.ErrNoTopic},
		"ErrPartition": {Query{Topic: "a", Partition: 3}, admin.ErrNoPartition},
	} {
		if _, err := NewReader(b.Admin()).Read(brokertest.Context(t), tt.q); !errors.Is(err, tt.want) {
			t.Errorf("%s: got %v, want %v", name, err, tt.want)
		}
	}
}

// TestReadGaps reads what retention has cut, and values of very different sizes.
func TestReadGaps(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t, broker.Options{Topics: []string{"a"}, RetentionBytes: -1})
	cl := placing(t, b, kgo.ProducerBatchCompression(kgo.NoCompression()), kgo.ProducerBatchMaxBytes(4<<20))
	var up, down []int
	for i := range 300 {
		value, err := json.Marshal(map[string]any{"n": i, "pad": strings.Repeat("x", []int{10, 200_000}[i/100%2])})
		if err != nil {
			t.Fatal(err)
		}
		if err := cl.ProduceSync(brokertest.Context(t), &kgo.Record{Topic: "a", Value: value}).FirstErr(); err != nil {
			t.Fatal(err)
		}
		if i >= 50 {
			up = append(up, i)
		}
	}
	for i := range up {
		down = append(down, up[len(up)-1-i])
	}
	brokertest.DeleteBefore(t, b, "a", 0, 50)
	read := func(oldest bool) (got []int) {
		s, _, err := NewReader(b.Admin()).scan(brokertest.Context(t), Query{Topic: "a", Partition: -1, Offset: 7, Oldest: oldest})
		if err != nil {
			t.Fatal(err)
		}
		for {
			r, err := s.next(brokertest.Context(t))
			if err != nil {
				t.Fatal(err)
			}
			if r == nil {
				return got
			}
			got = append(got, int(r.Offset))
		}
	}
	if got := read(true); fmt.Sprint(got) != fmt.Sprint(up) {
		t.Errorf("forward: got %v", got)
	}
	if got := read(false); fmt.Sprint(got) != fmt.Sprint(down) {
		t.Errorf("back: got %v", got)
	}
	q := Query{Topic: "a", Partition: -1, Offset: -1, Limit: 1, Filter: Filter{Text: `"n":150,`}}
	page, err := NewReader(b.Admin()).Read(brokertest.Context(t), q)
	for err == nil && len(page.Items) == 0 && page.Next != "" { // a slow machine stops it
		q.After = page.Next
		page, err = NewReader(b.Admin()).Read(brokertest.Context(t), q)
	}
	if err != nil || len(page.Items) != 1 || !page.Items[0].Cut || page.Items[0].Size < 200_000 || len(page.Items[0].Value) != previewBytes {
		t.Errorf("got %.200v, %v, want one cut message", page.Items, err)
	}
}

// TestReadTransactions: what was taken back and what is open is no message.
func TestReadTransactions(t *testing.T) {
	t.Parallel()
	b := brokertest.NewCluster(t, "a")
	cl := placing(t, b, kgo.TransactionalID("tx"))
	write := func(value string) {
		t.Helper()
		if err := cl.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		if err := cl.ProduceSync(brokertest.Context(t), &kgo.Record{Topic: "a", Value: []byte(value)}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	end := func(how kgo.TransactionEndTry) {
		t.Helper()
		if err := cl.EndTransaction(brokertest.Context(t), how); err != nil {
			t.Fatal(err)
		}
	}
	write(`{"n":1}`)
	end(kgo.TryCommit)
	write(`{"n":2}`)
	end(kgo.TryAbort)
	write(`{"n":3}`)
	end(kgo.TryCommit)
	write(`{"n":4}`)
	for _, oldest := range []bool{true, false} {
		want := map[bool]string{true: "[1 3]", false: "[3 1]"}[oldest]
		if got, _ := readAll(t, NewReader(b.Admin()), Query{Topic: "a", Partition: -1, Offset: -1, Oldest: oldest}); fmt.Sprint(got) != want {
			t.Errorf("oldest %v: got %v, want %s", oldest, got, want)
		}
	}
	if _, err := NewReader(b.Admin()).record(brokertest.Context(t), "a", 0, 2); !errors.Is(err, ErrNoMessage) {
		t.Errorf("a message that was taken back: got %v", err)
	}
	end(kgo.TryCommit)
	limit := brokertest.Context(t)
	for got := []int{}; fmt.Sprint(got) != "[4 3 1]"; { // a cluster ends it on its partitions a little later
		if got, _ = readAll(t, NewReader(b.Admin()), Query{Topic: "a", Partition: -1, Offset: -1}); limit.Err() != nil {
			t.Fatalf("got %v", got)
		}
	}
}

// TestReadBound stops a search that finds nothing, and goes on.
func TestReadBound(t *testing.T) {
	t.Parallel()
	b := brokertest.NewCluster(t, "a")
	numbered(t, b, "a", maxSearched+1000)
	q := Query{Topic: "a", Partition: -1, Offset: -1, Filter: Filter{Text: `"n":7,`}}
	page, err := NewReader(b.Admin()).Read(brokertest.Context(t), q)
	if err != nil || page.Stopped == "" || page.Next == "" || page.Searched == 0 || len(page.Items) != 0 {
		t.Fatalf("got %+v, %v, want a search that stopped", page, err)
	}
	if got, pages := readAll(t, NewReader(b.Admin()), q); fmt.Sprint(got) != "[7]" || pages < 2 {
		t.Errorf("got %v in %d pages, want [7] in some", got, pages)
	}
}

func TestRecord(t *testing.T) {
	t.Parallel()
	b := brokertest.NewCluster(t, "a")
	records := []*kgo.Record{
		{Topic: "a", Key: []byte("k"), Value: []byte(`{"a":1}`), Headers: []kgo.RecordHeader{
			{Key: "traceparent", Value: []byte("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")}, {Key: "bin", Value: []byte{0xff, 0}},
			{Key: "nil"},
		}},
		{Topic: "a", Value: []byte("plain ü\n")},
		{Topic: "a", Value: []byte{0, 1, 0xff}},
		{Topic: "a", Key: []byte{0xfe}},
		{Topic: "a", Value: []byte{}},
	}
	if err := placing(t, b).ProduceSync(brokertest.Context(t), records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
	page, err := NewReader(b.Admin()).Read(brokertest.Context(t), Query{Topic: "a", Partition: 0, Offset: 0, Oldest: true})
	if err != nil || len(page.Items) != 5 {
		t.Fatalf("got %+v, %v", page, err)
	}
	for i := range page.Items {
		page.Items[i].Time = time.Time{}
	}
	first := page.Items[0]
	want := Message{Topic: "a", Key: "k", KeyKind: KindText, Value: `{"a":1}`, Kind: KindJSON, Size: 7,
		TraceID: "0af7651916cd43dd8448eb211c80319c", Headers: []Header{
			{Name: "traceparent", Value: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", Kind: KindText},
			{Name: "bin", Value: "/wA=", Kind: KindBinary}, {Name: "nil", Kind: KindNull},
		}}
	if fmt.Sprintf("%+v", first) != fmt.Sprintf("%+v", want) {
		t.Errorf("got  %+v\nwant %+v", first, want)
	}
	got := ""
	for _, m := range page.Items[1:] {
		got += fmt.Sprintf("%d %s %q %s %q; ", m.Offset, m.Kind, m.Value, m.KeyKind, m.Key)
	}
	const rest = `1 text "plain ü\n" null ""; 2 binary "AAH/" null ""; 3 null "" binary "/g=="; 4 text "" null ""; `
	if got != rest {
		t.Errorf("got  %s\nwant %s", got, rest)
	}
}

func TestPreviewCut(t *testing.T) {
	t.Parallel()
	if text, kind, cut := preview([]byte("aüb"), 2); text != "a" || kind != KindText || !cut {
		t.Errorf("got %q %s %v, want no half character", text, kind, cut)
	}
	if text, kind, cut := preview([]byte{0xff, 0xfe, 0xfd, 1}, 4); text != "//79" || kind != KindBinary || cut {
		t.Errorf("got %q %s %v", text, kind, cut)
	}
}

func TestGroupDetail(t *testing.T) {
	t.Parallel()
	for name, protocol := range map[string]kgo.Opt{"classic": kgo.Balancers(kgo.RoundRobinBalancer()), "consumer": kgo.ServerSideBalancer()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := brokertest.NewCluster(t, "a")
			numbered(t, b, "a", 30)
			consumer := brokertest.Client(t, b, kgo.ConsumerGroup("g"), kgo.ConsumeTopics("a"), kgo.ClientID("me"), protocol,
				kgo.DisableAutoCommit())
			brokertest.Consume(t, consumer, 30)
			if err := consumer.CommitRecords(brokertest.Context(t), &kgo.Record{Topic: "a", Partition: 1, Offset: 3}); err != nil {
				t.Fatal(err)
			}
			group, err := b.Admin().Groups().Describe(brokertest.Context(t), "g")
			if err != nil {
				t.Fatal(err)
			}
			if group.Protocol != name || group.State != "Stable" || len(group.Members) != 1 || group.Members[0].ClientID != "me" {
				t.Errorf("got %+v", group)
			}
			i := 0
			for i = range group.Partitions {
				if group.Partitions[i].Partition == 1 {
					break
				}
			}
			want := admin.PartitionLag{Topic: "a", Partition: 1, Committed: 4, End: 10, Lag: 6, Member: group.Members[0].ID}
			if got := group.Partitions[i]; got != want {
				t.Errorf("got %+v, want %+v", got, want)
			}
			for group, want := range map[string]int{"g": 1, "none": 0} {
				if n, err := b.Admin().Groups().MemberCount(brokertest.Context(t), group); err != nil || n != want {
					t.Errorf("readers of %s: got %d, %v, want %d", group, n, err, want)
				}
			}
			if _, err := b.Admin().Groups().Describe(brokertest.Context(t), "none"); !errors.Is(err, admin.ErrNoGroup) {
				t.Errorf("got %v, want no group", err)
			}
		})
	}
}
