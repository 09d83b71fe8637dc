package summary

import (
	"errors"
	"fmt"
	"io"
)

// PrintError writes an error for a person: what happened, and how to fix it
// where an error in its chain knows. One without a text is not shown: it is an exit code.
func PrintError(w io.Writer, err error) {
	if err.Error() == "" {
		return
	}
	fmt.Fprintln(w, "error:", err)
	var hinter interface{ Hint() string }
	if errors.As(err, &hinter) && hinter.Hint() != "" {
		fmt.Fprintln(w, "hint:", hinter.Hint())
	}
}

// ExitCode is that of the program where a command ends with err: what the error says of
// it by a method of that name beside its hint, else 1.
func ExitCode(err error) int {
	var coded interface {
		ExitCode() int
		Hint() string
	}
	if errors.As(err, &coded) {
		return coded.ExitCode()
	}
	return 1
}
