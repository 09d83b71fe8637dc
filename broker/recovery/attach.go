package recovery

import (
	"encoding/base64"
	"os"
	"path/filepath"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// attach has the journal note what clients ask of the cluster, right before the
// cluster does it and nothing else in between.
func (j *journal) attach(c *kfake.Cluster) {
	control := func(key kmsg.Key, notes func(kmsg.Request) []note) {
		c.ControlKey(int16(key), func(r kmsg.Request) (kmsg.Response, error, bool) {
			j.write(notes(r)...)
			return nil, nil, false
		})
	}
	control(kmsg.AddPartitionsToTxn, addPartitions)
	control(kmsg.AddOffsetsToTxn, addOffsets)
	control(kmsg.TxnOffsetCommit, func(r kmsg.Request) []note { return commitOffsets(c, r) })
	control(kmsg.EndTxn, j.endTxn)
	control(kmsg.DeleteGroups, func(r kmsg.Request) []note { return j.deleteGroups(c, r) })
	control(kmsg.DeleteTopics, func(r kmsg.Request) []note { return deleteTopics(c, r) })
	control(kmsg.DeleteRecords, func(r kmsg.Request) []note { return deleteRecords(c, r) })
}

func addPartitions(r kmsg.Request) []note {
	req := r.(*kmsg.AddPartitionsToTxnRequest)
	notes := []note{{Type: noteTxn, Producer: req.ProducerID, Epoch: req.ProducerEpoch}}
	if req.Version < 4 {
		return notes
	}
	notes = nil
	for _, t := range req.Transactions {
		if !t.VerifyOnly {
			notes = append(notes, note{Type: noteTxn, Producer: t.ProducerID, Epoch: t.ProducerEpoch})
		}
	}
	return notes
}

func addOffsets(r kmsg.Request) []note {
	req := r.(*kmsg.AddOffsetsToTxnRequest)
	return []note{{Type: noteTxn, Producer: req.ProducerID, Epoch: req.ProducerEpoch}}
}

// commitOffsets notes the offsets by the names of topics: from version 6 of the
// request on, it has their ids alone (KIP-1319).
func commitOffsets(c *kfake.Cluster, r kmsg.Request) []note {
	req := r.(*kmsg.TxnOffsetCommitRequest)
	notes := []note{{Type: noteTxn, Producer: req.ProducerID, Epoch: req.ProducerEpoch}}
	for _, t := range req.Topics {
		if t.Topic == "" {
			info := c.TopicIDInfo(t.TopicID)
			if info == nil {
				continue // kfake refuses
			}
			t.Topic = info.Topic
		}
		for _, p := range t.Partitions {
			notes = append(notes, note{
				Type: noteOffset, Producer: req.ProducerID, Epoch: req.ProducerEpoch, Group: req.Group, Topic: t.Topic, Part: p.Partition,
				Offset: p.Offset, Leader: p.LeaderEpoch, Metadata: p.Metadata,
			})
		}
	}
	return notes
}

func (j *journal) endTxn(r kmsg.Request) []note {
	req := r.(*kmsg.EndTxnRequest)
	n := note{Type: noteEnd, Producer: req.ProducerID, Epoch: req.ProducerEpoch, Commit: req.Commit, Version: req.Version}
	if info, err := os.Stat(filepath.Join(j.root, "pids.log")); err == nil {
		n.LogSize = info.Size()
	}
	return []note{n}
}

// deleteRecords notes where partitions will start, and where they end: their
// files may all go.
func deleteRecords(c *kfake.Cluster, r kmsg.Request) []note {
	var notes []note
	for _, t := range r.(*kmsg.DeleteRecordsRequest).Topics {
		topic := c.TopicInfo(t.Topic)
		if topic == nil {
			continue
		}
		for _, p := range t.Partitions {
			info := c.PartitionInfo(t.Topic, p.Partition)
			if info == nil {
				continue
			}
			start := p.Offset
			if start == -1 {
				start = info.HighWatermark
			}
			if start >= info.LogStartOffset && start <= info.HighWatermark {
				notes = append(notes, startNote(topic, p.Partition, start, info.HighWatermark))
			}
		}
	}
	return notes
}

func startNote(topic *kfake.TopicInfo, partition int32, start, end int64) note {
	id := base64.StdEncoding.EncodeToString(topic.TopicID[:])
	return note{Type: noteStart, TopicID: id, Topic: topic.Topic, Part: partition, Start: start, End: end}
}
