package guard

// responseHook changes a response, or what becomes of it.
type responseHook interface {
	complete(p []byte) ([]byte, error)
}

// both are two hooks, one after the other.
type both [2]responseHook

// complete implements responseHook.
func (b both) complete(p []byte) ([]byte, error) {
	p, err := b[0].complete(p)
	if err != nil {
		return nil, err
	}
	return b[1].complete(p)
}
