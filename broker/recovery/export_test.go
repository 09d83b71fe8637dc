package recovery

// Run recovers a directory without opening it, and reads no more than must be.
func Run(root string) (*Report, error) {
	r := &recoverer{directory: directory{root, &Report{}}}
	j, err := r.run()
	if err != nil {
		return nil, err
	}
	return r.report, j.Close()
}

// Entries counts what [entries] finds in a log.
func Entries(log []byte) (whole [][]byte, damaged, torn int) {
	all, damaged, torn := entries(log)
	for _, e := range all {
		whole = append(whole, log[e.at:e.at+e.size])
	}
	return whole, damaged, torn
}
