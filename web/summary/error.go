package summary

import (
	"errors"
	"fmt"
	"io"
)

// PrintError writes an error for a person: what happened, and how to mend it
// where an error in its chain knows.
func PrintError(w io.Writer, err error) {
	fmt.Fprintln(w, "error:", err)
	var mender interface{ Mend() string }
	if errors.As(err, &mender) && mender.Mend() != "" {
		fmt.Fprintln(w, "hint:", mender.Mend())
	}
}

// ExitCode is that of the program where a command ends with err: what the error says of
// it by a method of that name beside its hint, else 1.
func ExitCode(err error) int {
	var coded interface {
		ExitCode() int
		Mend() string
	}
	if errors.As(err, &coded) {
		return coded.ExitCode()
	}
	return 1
}
