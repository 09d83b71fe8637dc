package bus

// maxDepth is how deep arrays and objects may nest, as in encoding/json.
const maxDepth = 10_000

// validJSON is [encoding/json.Valid], several times as fast: each message goes
// through it, and most of its bytes are in strings.
func validJSON(b []byte) bool {
	s := scanner{b: b}
	if !s.value(0) {
		return false
	}
	s.space()
	return s.i == len(b)
}

type scanner struct {
	b []byte
	i int
}

// next gives the next byte, 0 at the end: no JSON text holds that.
func (s *scanner) next() byte {
	if s.i == len(s.b) {
		return 0
	}
	return s.b[s.i]
}

func (s *scanner) space() {
	for s.i < len(s.b) {
		switch s.b[s.i] {
		case ' ', '\t', '\n', '\r':
			s.i++
		default:
			return
		}
	}
}

func (s *scanner) value(depth int) bool {
	s.space()
	switch s.next() {
	case '"':
		return s.text()
	case '{':
		return s.list(depth+1, '}', true)
	case '[':
		return s.list(depth+1, ']', false)
	case 't':
		return s.word("true")
	case 'f':
		return s.word("false")
	case 'n':
		return s.word("null")
	}
	return s.number()
}

// list reads an object or an array.
func (s *scanner) list(depth int, end byte, named bool) bool {
	if depth > maxDepth {
		return false
	}
	s.i++
	if s.space(); s.next() == end {
		s.i++
		return true
	}
	for {
		if named {
			if s.space(); s.next() != '"' || !s.text() {
				return false
			}
			if s.space(); s.next() != ':' {
				return false
			}
			s.i++
		}
		if !s.value(depth) {
			return false
		}
		s.space()
		switch s.next() {
		case end:
			s.i++
			return true
		case ',':
			s.i++
		default:
			return false
		}
	}
}

// text reads a string, which begins here.
func (s *scanner) text() bool {
	b := s.b
	for i := s.i + 1; i < len(b); i++ {
		switch c := b[i]; {
		case c == '"':
			s.i = i + 1
			return true
		case c < ' ':
			return false
		case c == '\\':
			if i++; i == len(b) {
				return false
			}
			switch b[i] {
			case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
			case 'u':
				if len(b)-i < 5 || !isHex(b[i+1]) || !isHex(b[i+2]) || !isHex(b[i+3]) || !isHex(b[i+4]) {
					return false
				}
				i += 4
			default:
				return false
			}
		}
	}
	return false
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

func (s *scanner) word(w string) bool {
	if len(s.b)-s.i < len(w) || string(s.b[s.i:s.i+len(w)]) != w {
		return false
	}
	s.i += len(w)
	return true
}

func (s *scanner) number() bool {
	if s.next() == '-' {
		s.i++
	}
	if s.next() == '0' {
		s.i++
	} else if !s.digits() {
		return false
	}
	if s.next() == '.' {
		if s.i++; !s.digits() {
			return false
		}
	}
	if c := s.next(); c == 'e' || c == 'E' {
		s.i++
		if c := s.next(); c == '+' || c == '-' {
			s.i++
		}
		return s.digits()
	}
	return true
}

// digits reads at least one.
func (s *scanner) digits() bool {
	began := s.i
	for s.i < len(s.b) && s.b[s.i] >= '0' && s.b[s.i] <= '9' {
		s.i++
	}
	return s.i > began
}
