package graph

// commands change projects, for their owners.
type commands struct{ writer *writer }
