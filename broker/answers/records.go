package answers

import (
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"axion/broker/batch"
)

func init() {
	on(records.deleteRecords)
	on(records.describeLogDirs)
	on(records.alterReplicaLogDirs)
	on(func(records, *kmsg.ShareFetchRequest) Exchange {
		return complete(func(a *kmsg.ShareFetchResponse) { batch.MarkAnswer(a) })
	})
}

// partition names one.
type partition struct {
	topic string
	id    int32
}

// deleteRecords: what is gone already is deleted, which Kafka answers by where the
// partition starts; kfake by OFFSET_OUT_OF_RANGE. Records of a topic that is compacted
// and never cut are not for deletion.
func (m records) deleteRecords(req *kmsg.DeleteRecordsRequest) Exchange {
	wanted := make(map[partition]int64)
	refused := m.keptTopics(req)
	for i := range req.Topics {
		t := &req.Topics[i]
		for j := range t.Partitions {
			wanted[partition{t.Topic, t.Partitions[j].Partition}] = t.Partitions[j].Offset
			if refused[t.Topic] {
				t.Partitions[j].Offset = -2 // which kfake refuses, as is wanted
			}
		}
	}
	x := complete(func(a *kmsg.DeleteRecordsResponse) {
		m.completeDeleted(a, wanted, refused)
	})
	x.Changed = len(refused) > 0
	return x
}

func (m records) completeDeleted(a *kmsg.DeleteRecordsResponse, wanted map[partition]int64, refused map[string]bool) {
	for i := range a.Topics {
		topic := &a.Topics[i]
		for j := range topic.Partitions {
			part := &topic.Partitions[j]
			if part.ErrorCode == 0 {
				continue
			}
			part.LowWatermark = -1
			if part.ErrorCode != kerr.OffsetOutOfRange.Code {
				continue
			}
			if refused[topic.Topic] {
				part.ErrorCode = kerr.PolicyViolation.Code
				continue
			}
			offset := wanted[partition{topic.Topic, part.Partition}]
			if start, ok := m.startOf(topic.Topic, part.Partition); ok && offset >= 0 && offset <= start {
				part.ErrorCode, part.LowWatermark = 0, start
			}
		}
	}
}

// startOf is the oldest offset of a partition.
func (m records) startOf(topic string, id int32) (int64, bool) {
	req := kmsg.NewPtrListOffsetsRequest()
	req.ReplicaID = -1
	t, p := kmsg.NewListOffsetsRequestTopic(), kmsg.NewListOffsetsRequestTopicPartition()
	p.Partition, p.Timestamp = id, -2
	t.Topic, t.Partitions = topic, append(t.Partitions, p)
	req.Topics = append(req.Topics, t)
	a, ok := ask[*kmsg.ListOffsetsResponse](m.asker, req)
	if !ok || len(a.Topics) != 1 || len(a.Topics[0].Partitions) != 1 || a.Topics[0].Partitions[0].ErrorCode != 0 {
		return 0, false
	}
	return a.Topics[0].Partitions[0].Offset, true
}

// keptTopics are those whose policy is compaction alone.
func (m records) keptTopics(req *kmsg.DeleteRecordsRequest) map[string]bool {
	var names []string
	for _, t := range req.Topics {
		names = append(names, t.Topic)
	}
	kept := make(map[string]bool)
	for topic, settings := range m.settingsOf(names) {
		for _, c := range settings {
			if c.Name == "cleanup.policy" && c.Value != nil && *c.Value == "compact" {
				kept[topic] = true
			}
		}
	}
	return kept
}

// kfakeDir is what kfake calls the folder of every partition.
const kfakeDir = "/mem/kfake"

// describeLogDirs names the folder that the records are in, how large its disk is, and
// what records may take of it (KIP-827): nothing where they are refused. kfake names a
// folder that is not there, and none where there are no topics.
func (m records) describeLogDirs(*kmsg.DescribeLogDirsRequest) Exchange {
	return complete(func(a *kmsg.DescribeLogDirsResponse) {
		if a.ErrorCode != 0 {
			return
		}
		if len(a.Dirs) == 0 {
			a.Dirs = append(a.Dirs, kmsg.NewDescribeLogDirsResponseDir())
			a.Dirs[0].Dir = kfakeDir
		}
		total, usable := m.cluster.Disk()
		for i := range a.Dirs {
			if dir := &a.Dirs[i]; dir.Dir == kfakeDir {
				dir.Dir, dir.TotalBytes, dir.UsableBytes = m.cluster.Dir(), total, usable
			}
		}
	})
}

// alterReplicaLogDirs refuses folders that the broker does not have. kfake takes any,
// and says from then on that the partition is there.
func (m records) alterReplicaLogDirs(req *kmsg.AlterReplicaLogDirsRequest) Exchange {
	return instead(func(a *kmsg.AlterReplicaLogDirsResponse) {
		var names []string
		for _, dir := range req.Dirs {
			for _, t := range dir.Topics {
				names = append(names, t.Topic)
			}
		}
		known := m.partitions(names...)
		for _, dir := range req.Dirs {
			for _, t := range dir.Topics {
				a.Topics = append(a.Topics, movedTo(t, dir.Dir == m.cluster.Dir(), known[t.Topic]))
			}
		}
	})
}

// movedTo is the answer about a topic of so many partitions, which is to go to a folder
// that the broker has or not.
func movedTo(t kmsg.AlterReplicaLogDirsRequestDirTopic, has bool, partitions int) kmsg.AlterReplicaLogDirsResponseTopic {
	topic := kmsg.NewAlterReplicaLogDirsResponseTopic()
	topic.Topic = t.Topic
	for _, id := range t.Partitions {
		part := kmsg.NewAlterReplicaLogDirsResponseTopicPartition()
		part.Partition = id
		if !has {
			part.ErrorCode = kerr.LogDirNotFound.Code
		} else if id < 0 || int(id) >= partitions {
			part.ErrorCode = kerr.ReplicaNotAvailable.Code
		}
		topic.Partitions = append(topic.Partitions, part)
	}
	return topic
}
