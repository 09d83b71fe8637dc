package label

// Patterns are the lines of the embedded list.
var Patterns = patterns
