package conformance_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"axion/broker/batch/batchtest"
)

// timesNumber makes topics' names, so that outcomes can be looked at again.
var timesNumber atomic.Int64

// batchOf are records of these times, in ms.
func batchOf(codec int16, times ...int64) []byte {
	b := kmsg.NewRecordBatch()
	b.Magic, b.PartitionLeaderEpoch, b.ProducerID, b.ProducerEpoch, b.FirstSequence = 2, -1, -1, -1, -1
	b.Attributes, b.FirstTimestamp, b.MaxTimestamp = codec, times[0], times[0]
	b.NumRecords, b.LastOffsetDelta = int32(len(times)), int32(len(times)-1)
	var records []byte
	for i, at := range times {
		b.MaxTimestamp = max(b.MaxTimestamp, at)
		r := kmsg.NewRecord()
		r.OffsetDelta, r.TimestampDelta64, r.Value = int32(i), at-times[0], []byte(strings.Repeat("v", 40))
		r.Length = int32(len(r.AppendTo(nil)) - 1) // a length of one byte
		records = r.AppendTo(records)
	}
	b.Records = batchtest.Compress(codec, records)
	return signed(b)
}

// offsetsOf shows where times are.
func offsetsOf(name string, show func(p kmsg.ListOffsetsResponseTopicPartition) string, times ...int64) func(conn) string {
	return func(c conn) string {
		var all []string
		for _, at := range times { // one partition is asked for once
			all = append(all, see(func(r *kmsg.ListOffsetsRequest) {
				r.ReplicaID = -1
				t, p := kmsg.NewListOffsetsRequestTopic(), kmsg.NewListOffsetsRequestTopicPartition()
				p.Timestamp = at
				t.Topic, t.Partitions = name, append(t.Partitions, p)
				r.Topics = append(r.Topics, t)
			}, func(a *kmsg.ListOffsetsResponse) any {
				p := a.Topics[0].Partitions[0]
				if p.ErrorCode != 0 {
					return fmt.Sprint("error ", p.ErrorCode)
				}
				return show(p)
			})(c))
		}
		return strings.Join(all, " ")
	}
}

// times writes batches to a new topic, and shows where some times are, once as they are
// and once without the records before an offset.
func times(kind string, start int64, show func(kmsg.ListOffsetsResponseTopicPartition) string, asked []int64,
	batches ...[]byte) func(conn) string {
	return func(c conn) string {
		name := fmt.Sprint("times-", timesNumber.Add(1))
		see(topic(name, func(t *kmsg.CreateTopicsRequestTopic) { set(t, "message.timestamp.type", kind) }), created)(c)
		c.settle()
		for _, b := range batches {
			see(func(r *kmsg.ProduceRequest) {
				produceTo(name, time.UnixMilli(0))(r)
				r.Topics[0].Partitions[0].Records = b
			}, func(a *kmsg.ProduceResponse) any { return a.Topics[0].Partitions[0].ErrorCode })(c)
		}
		ask := offsetsOf(name, show, asked...)
		all := ask(c)
		deleteRecords(name, start)(c)
		return all + " | " + ask(c)
	}
}

func timeOutcomes() []outcome {
	whole := func(p kmsg.ListOffsetsResponseTopicPartition) string {
		return fmt.Sprintf("%d@%d/%d", p.Offset, p.Timestamp, p.LeaderEpoch)
	}
	offset := func(p kmsg.ListOffsetsResponseTopicPartition) string {
		return fmt.Sprint(p.Offset, " ", p.Timestamp > 1e12)
	}
	mixed := [][]byte{
		batchOf(batchtest.None, 1000, 3000, 2000), batchOf(batchtest.Zstd, 5000, 4000),
		batchOf(batchtest.Gzip, 9000, 100, 9000), batchOf(batchtest.None, 7000),
	}
	asked := []int64{0, 1000, 1001, 2500, 3000, 3001, 4500, 5000, 6000, 8999, 9000, 9001, -1, -2, -3, -4, -5, -7}
	return []outcome{
		{
			name: "OffsetsOfTimes", kfake: true, see: times("CreateTime", 1, whole, asked, mixed...),
			want: "0@1000/0 0@1000/0 1@3000/0 1@3000/0 1@3000/0 3@5000/0 3@5000/0 3@5000/0 5@9000/0 5@9000/0 5@9000/0 -1@-1/-1 " +
				"9@-1/0 0@-1/0 5@9000/0 0@-1/0 -1@-1/-1 error 35 | " +
				"1@3000/0 1@3000/0 1@3000/0 1@3000/0 1@3000/0 3@5000/0 3@5000/0 3@5000/0 5@9000/0 5@9000/0 5@9000/0 -1@-1/-1 " +
				"9@-1/0 1@-1/0 5@9000/0 1@-1/0 -1@-1/-1 error 35",
		},
		{
			name: "OffsetsOfTimesBehindStart", kfake: true, see: times("CreateTime", 6, whole, []int64{0, 3000, 5000, 9000, 9001, -2, -3}, mixed...),
			want: "0@1000/0 1@3000/0 3@5000/0 5@9000/0 -1@-1/-1 0@-1/0 5@9000/0 | 6@100/0 7@9000/0 7@9000/0 7@9000/0 -1@-1/-1 6@-1/0 5@9000/0",
		},
		{
			name: "OffsetsOfTimesNone", kfake: true, see: times("CreateTime", 0, whole, []int64{0, 1, -3}),
			want: "-1@-1/-1 -1@-1/-1 -1@-1/-1 | -1@-1/-1 -1@-1/-1 -1@-1/-1",
		},
		{
			name: "OffsetsOfTimesAppended", want: "0 true 0 true -1 false 0 true | 2 true 2 true -1 false 0 true",
			see: times("LogAppendTime", 2, offset, []int64{0, 2000, 1 << 60, -3}, batchOf(batchtest.Zstd, 1000, 2000, 3000, 500)),
		},
	}
}
