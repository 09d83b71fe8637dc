package recovery

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	entryCommit = "commit"
	entryDelete = "delete" // of one commit
	// entryDropped is of a whole group. kfake passes it over.
	entryDropped = "dropped"
)

// deleteGroups adds to kfake's log that groups are deleted: kfake
// (v0.0.0-20260918) does not, so that their commits come back after a kill.
func (j *journal) deleteGroups(c *kfake.Cluster, r kmsg.Request) []note {
	var log []byte
	for _, name := range r.(*kmsg.DeleteGroupsRequest).Groups {
		info := c.GroupInfo(name)
		if info == nil || info.State != "Empty" {
			continue // kfake refuses
		}
		for topic, partitions := range info.Commits {
			for n := range partitions {
				log = j.encode(log, commitEntry{Type: entryDelete, Group: name, Topic: topic, Partition: n})
			}
		}
		log = j.encode(log, commitEntry{Type: entryDropped, Group: name})
	}
	if len(log) == 0 {
		return nil
	}
	path := filepath.Join(j.root, "groups.log")
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err == nil {
		_, err = f.Write(log)
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		j.fail(fileError(path, err))
	}
	return nil
}

func (j *journal) encode(log []byte, v any) []byte {
	log, err := appendEntry(log, v)
	if err != nil {
		j.fail(err)
	}
	return log
}

// dropGroups leaves out what a log says of groups before they were deleted.
func dropGroups(log []byte) []byte {
	if !bytes.Contains(log, []byte(`"`+entryDropped+`"`)) {
		return log
	}
	all, _, _ := entries(log)
	read := make([]commitEntry, len(all))
	dropped := make(map[string]int)
	for i, e := range all {
		if json.Unmarshal(e.data, &read[i]) == nil && read[i].Type == entryDropped {
			dropped[read[i].Group] = i
		}
	}
	var kept []byte
	for i, e := range all {
		if last, ok := dropped[read[i].Group]; !ok || i > last {
			kept = append(kept, log[e.at:e.at+e.size]...)
		}
	}
	return kept
}

// deleteTopics notes which topics are deleted: kfake removes their directories
// one by one, and then rewrites its list.
func deleteTopics(c *kfake.Cluster, r kmsg.Request) []note {
	req := r.(*kmsg.DeleteTopicsRequest)
	var notes []note
	add := func(info *kfake.TopicInfo) {
		if info != nil {
			notes = append(notes, note{Type: noteDrop, TopicID: base64.StdEncoding.EncodeToString(info.TopicID[:]), Topic: info.Topic})
		}
	}
	for _, name := range req.TopicNames {
		add(c.TopicInfo(name))
	}
	for _, t := range req.Topics {
		if t.Topic != nil {
			add(c.TopicInfo(*t.Topic))
		} else {
			add(c.TopicIDInfo(t.TopicID))
		}
	}
	return notes
}

// dropTopics finishes the deletion of topics that are listed still.
func (r *recoverer) dropTopics() error {
	listed := slices.Clone(r.topics)
	r.topics = slices.DeleteFunc(r.topics, func(t topicInfo) bool { return r.noted.dropped[t.ID] })
	if len(r.topics) == len(listed) {
		return nil
	}
	for _, t := range listed {
		if !r.noted.dropped[t.ID] {
			continue
		}
		r.dropped = append(r.dropped, t.Name)
		for n := range t.Partitions {
			if dir := partitionDir(r.root, t.Name, int32(n)); os.RemoveAll(dir) != nil {
				return fileError(dir, os.RemoveAll(dir))
			}
		}
	}
	if err := r.dropCommits(r.dropped); err != nil {
		return err
	}
	return writeJSON(r.path("topics.json"), topicsFile{Version: formatVersion, Topics: r.topics})
}

// dropCommits deletes what groups have committed for topics, which are deleted.
func (d *directory) dropCommits(topics []string) error {
	log, err := content(d.path("groups.log"))
	if err != nil {
		return err
	}
	all, _, torn := entries(log)
	log = log[:len(log)-torn]
	for _, e := range all {
		var in commitEntry
		if json.Unmarshal(e.data, &in) != nil || in.Type != entryCommit || !slices.Contains(topics, in.Topic) {
			continue
		}
		if log, err = appendEntry(log, commitEntry{Type: entryDelete, Group: in.Group, Topic: in.Topic, Partition: in.Partition}); err != nil {
			return err
		}
	}
	return writeFile(d.path("groups.log"), log)
}
