package middleware

// FillHashing takes all the room for comparisons of passwords, until release is called.
func FillHashing() (release func()) {
	for range cap(hashing) {
		hashing <- struct{}{}
	}
	return func() {
		for range cap(hashing) {
			<-hashing
		}
	}
}
