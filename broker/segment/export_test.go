package segment

// Folder is where a partition's files are.
func (s *Store) Folder(p Partition) string { return s.folder(p) }
