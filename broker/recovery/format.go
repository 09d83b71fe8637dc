package recovery

import "time"

// What kfake keeps in its directory, as of the version in go.mod: the fields of
// its files that are read or written here.
type (
	topicsFile struct {
		Version int         `json:"version"`
		Topics  []topicInfo `json:"topics"`
	}
	topicInfo struct {
		Name       string            `json:"name"`
		ID         string            `json:"id"` // 16 bytes in base64
		Partitions int               `json:"partitions"`
		Replicas   int               `json:"replicas"`
		Configs    map[string]string `json:"configs,omitempty"`
	}
	metaFile struct {
		Version   int    `json:"version"`
		ClusterID string `json:"cluster_id"`
	}
	snapshotFile struct {
		Version          int           `json:"version"`
		HighWatermark    int64         `json:"high_watermark"`
		LastStableOffset int64         `json:"last_stable_offset"`
		LogStartOffset   int64         `json:"log_start_offset"`
		Epoch            int32         `json:"epoch"`
		LeaderNode       int32         `json:"leader_node,omitempty"`
		MaxTimestamp     int64         `json:"max_timestamp"`
		CreatedAt        time.Time     `json:"created_at"`
		AbortedTxns      []abortedTxn  `json:"aborted_txns,omitempty"`
		Segments         []segmentInfo `json:"segments"`
	}
	abortedTxn struct {
		Producer int64 `json:"producer_id"`
		First    int64 `json:"first_offset"`
		Last     int64 `json:"last_offset"` // of the marker
	}
	segmentInfo struct {
		Base     int64 `json:"base_offset"`
		Size     int64 `json:"size"`
		MinEpoch int32 `json:"min_epoch,omitempty"`
		MaxEpoch int32 `json:"max_epoch,omitempty"`
	}
	windowsFile struct {
		Version int           `json:"version"`
		Windows []windowEntry `json:"windows"`
	}
	windowEntry struct {
		Producer  int64  `json:"pid"`
		Topic     string `json:"topic"`
		Partition int32  `json:"partition"`
		window
	}
	producerEntry struct {
		Type    string `json:"type"` // init, endtx or timeout
		ID      int64  `json:"pid"`
		Epoch   int16  `json:"epoch"`
		TxnID   string `json:"txid,omitempty"`
		Timeout int32  `json:"timeout,omitempty"` // ms
		Commit  *bool  `json:"commit,omitempty"`
	}
	commitEntry struct {
		Type      string  `json:"type"`
		Group     string  `json:"g"`
		Topic     string  `json:"t,omitempty"`
		Partition int32   `json:"p,omitempty"`
		Offset    int64   `json:"o,omitempty"`
		Epoch     int32   `json:"e,omitempty"`
		Metadata  *string `json:"m,omitempty"`
		At        *int64  `json:"lc,omitempty"` // ms
	}
	sessionFile struct {
		Transactions []sessionTxn `json:"inProgressTxns"`
	}
	sessionTxn struct {
		Producer int64                                             `json:"pid"`
		Start    time.Time                                         `json:"txStart"`
		First    map[string]map[int32]int64                        `json:"txPartFirstOffsets"`
		Offsets  map[string]map[string]map[int32]sessionTxnOffsets `json:"txOffsets"`
	}
	sessionTxnOffsets struct {
		Offset   int64   `json:"o"`
		Epoch    int32   `json:"e"`
		Metadata *string `json:"m"`
	}
)

// windowSize is how many batches of a producer are known again when resent.
const windowSize = 5

// window is what kfake knows of the last batches of one producer in one
// partition.
type window struct {
	Entries [windowSize]windowBatch `json:"entries"`
	Count   uint8                   `json:"count"`
	At      uint8                   `json:"at"`
	Epoch   int16                   `json:"epoch"`
	Seen    bool                    `json:"seen"`
	Next    int32                   `json:"next_seq"`
}

type windowBatch struct {
	First  int32 `json:"first_seq"`
	Next   int32 `json:"next_seq"`
	Offset int64 `json:"offset"`
}

// last is the offset of the newest batch, or -1.
func (w *window) last() int64 {
	last := int64(-1)
	for _, e := range w.Entries[:w.Count] {
		last = max(last, e.Offset)
	}
	return last
}

// push adds a batch, as kfake does when it is produced (v0.0.0-20260918: the
// sequence wraps one early, which a producer meets after 2^31 records). Compaction
// leaves fewer records than there were.
func (w *window) push(b *batch) {
	const wrap = 1<<31 - 1
	next := int32((int64(b.sequence) + int64(b.lastDelta) + 1) % wrap)
	e := windowBatch{First: b.sequence, Next: next, Offset: b.base}
	if !w.Seen || w.Epoch != b.producerEpoch {
		*w = window{Entries: [windowSize]windowBatch{e}, Count: 1, At: 1, Epoch: b.producerEpoch, Seen: true, Next: next}
		return
	}
	w.Entries[w.At] = e
	w.At = (w.At + 1) % windowSize
	w.Count = min(w.Count+1, windowSize)
	w.Next = next
}
