package recovery

import (
	"encoding/binary"
	"encoding/json"
	"hash/crc32"
)

// entryHeader is the size of what precedes the data of an entry in an append
// log: length, CRC32C and version. The length counts the version, and the
// checksum covers it.
const entryHeader = 4 + 4 + 2

// appendEntry adds v to a log, framed as kfake frames it.
func appendEntry(log []byte, v any) ([]byte, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return log, err
	}
	at := len(log)
	log = append(log, make([]byte, entryHeader)...)
	log = append(log, data...)
	binary.LittleEndian.PutUint32(log[at:], uint32(2+len(data)))
	binary.LittleEndian.PutUint16(log[at+8:], formatVersion)
	binary.LittleEndian.PutUint32(log[at+4:], crc32.Checksum(log[at+8:], castagnoli))
	return log, nil
}

// entry is one entry of a log. Its data is within the log.
type entry struct {
	at      int // where it starts
	size    int // with its header
	version uint16
	data    []byte
}

// entryAt reads the entry at a position, where there is a whole one.
func entryAt(log []byte, at int) (entry, bool) {
	if at+entryHeader > len(log) {
		return entry{}, false
	}
	length := int64(binary.LittleEndian.Uint32(log[at:]))
	if length < 2 || int64(at)+8+length > int64(len(log)) {
		return entry{}, false
	}
	end := at + 8 + int(length)
	if crc32.Checksum(log[at+8:end], castagnoli) != binary.LittleEndian.Uint32(log[at+4:]) {
		return entry{}, false
	}
	return entry{at: at, size: end - at, version: binary.LittleEndian.Uint16(log[at+8:]), data: log[at+entryHeader : end]}, true
}

// entries are all whole entries of a log. What lies between two of them is
// damaged; what follows the last is torn, as an interrupted write leaves it.
func entries(log []byte) (all []entry, damaged, torn int) {
	at := 0
	for at < len(log) {
		e, ok := entryAt(log, at)
		if ok {
			all = append(all, e)
			at += e.size
			continue
		}
		next, ok := nextEntry(log, at+1)
		if !ok {
			return all, damaged, len(log) - at
		}
		damaged += next - at
		at = next
	}
	return all, damaged, 0
}

// nextEntry looks for an entry from a position on. kfake itself reads no further
// than to the first bad one, and so forgets what was written behind it.
func nextEntry(log []byte, from int) (int, bool) {
	for at := from; at+entryHeader < len(log); at++ {
		// All entries are JSON objects of this version: cheap to check.
		if log[at+entryHeader] != '{' || log[at+8] != formatVersion || log[at+9] != 0 {
			continue
		}
		if _, ok := entryAt(log, at); ok {
			return at, true
		}
	}
	return 0, false
}
