//go:build !unix

package regular

// dontWait is not needed here: there are no named pipes among the files.
const dontWait = 0
