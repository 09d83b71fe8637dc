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
