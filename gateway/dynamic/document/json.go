package document

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

func fromJSON(data []byte) (*Node, error) {
	if len(bytes.TrimSpace(data)) == 0 {
		return &Node{}, nil
	}
	j := &jsonReader{decoder: json.NewDecoder(bytes.NewReader(data)), lines: newLines(data)}
	j.decoder.UseNumber()
	root, err := j.value("", 0)
	if err == nil {
		if _, more := j.decoder.Token(); !errors.Is(more, io.EOF) {
			err = errors.New("there is more after the end")
		}
	}
	if _, ok := errors.AsType[*fault](err); err != nil && !ok {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			err = errors.New("it ends too early")
		}
		err = &fault{j.line(), err.Error(), ""}
	}
	return root, err
}

type jsonReader struct {
	builder
	decoder *json.Decoder
	lines   lines
}

// line is that of the token last read.
func (j *jsonReader) line() int { return j.lines.of(int(j.decoder.InputOffset()) - 1) }

func (j *jsonReader) value(name string, depth int) (*Node, error) {
	line := j.line()
	token, err := j.decoder.Token()
	if err != nil {
		return nil, err
	}
	if name == "" || name[0] == '[' { // else it is the key's
		line = j.line()
	}
	switch v := token.(type) {
	case json.Delim:
		if v == '{' {
			return j.mapping(name, line, depth)
		}
		return j.sequence(name, line, depth)
	case nil:
		return j.node(name, line, depth, Null)
	default:
		return j.scalar(name, line, depth, fmt.Sprint(v))
	}
}

func (j *jsonReader) mapping(name string, line, depth int) (*Node, error) {
	n, err := j.node(name, line, depth, Mapping)
	seen := map[string]bool{}
	for err == nil && j.decoder.More() {
		var key json.Token
		if key, err = j.decoder.Token(); err != nil {
			break
		}
		text, ok := key.(string)
		if !ok {
			return nil, errors.New("a key is not a text")
		}
		if err = twice(seen, text, j.line()); err != nil {
			break
		}
		var child *Node
		if child, err = j.value(text, depth+1); err == nil {
			n.Children = append(n.Children, child)
		}
	}
	if err == nil {
		_, err = j.decoder.Token()
	}
	return n, err
}

func (j *jsonReader) sequence(name string, line, depth int) (*Node, error) {
	n, err := j.node(name, line, depth, Sequence)
	for err == nil && j.decoder.More() {
		var child *Node
		if child, err = j.value(fmt.Sprintf("[%d]", len(n.Children)), depth+1); err == nil {
			n.Children = append(n.Children, child)
		}
	}
	if err == nil {
		_, err = j.decoder.Token()
	}
	return n, err
}
