package host

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"
)

// Problem is the body of every error answer: application/problem+json
// (RFC 9457), with one entry in Errors for each wrong field.
type Problem struct {
	Title  string       `json:"title" doc:"What the status means."`
	Status int          `json:"status" doc:"The HTTP status."`
	Detail string       `json:"detail,omitempty" doc:"What is wrong with this request."`
	Errors []FieldError `json:"errors,omitempty" doc:"The fields at fault."`
}

// FieldError is what is wrong with one field. Pointer is its JSON Pointer (RFC
// 6901) in the body; Parameter its name where it is in the path, the query or a
// header.
type FieldError struct {
	Detail    string `json:"detail"`
	Pointer   string `json:"pointer,omitempty"`
	Parameter string `json:"parameter,omitempty"`
}

// Error is the detail, or the title.
func (p *Problem) Error() string {
	if p.Detail != "" {
		return p.Detail
	}
	return p.Title
}

// GetStatus is the HTTP status; huma asks for it.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType makes huma answer problem+json in place of json.
func (p *Problem) ContentType(string) string { return problemType }

const problemType = "application/problem+json"

// Invalid is a 422 about one field of the body, named by its JSON Pointer.
func Invalid(pointer, detail string) *Problem {
	p := newProblem(http.StatusUnprocessableEntity, "validation failed")
	p.Errors = []FieldError{{Detail: detail, Pointer: pointer}}
	return p
}

func newProblem(status int, detail string) *Problem {
	title := http.StatusText(status)
	if status == StatusClientClosedRequest {
		title = "Client Closed Request"
	}
	return &Problem{Status: status, Title: title, Detail: detail}
}

// WriteProblem answers with a problem, for handlers beside huma.
func WriteProblem(w http.ResponseWriter, status int, detail string) {
	w.Header().Set("Content-Type", problemType)
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(newProblem(status, detail)) // the client may be gone
}

// UseProblems makes huma answer with our Problem, in this whole process: huma
// keeps its constructor in a package variable. It is safe for concurrent use.
func UseProblems() { useProblems() }

var useProblems = sync.OnceFunc(func() {
	huma.NewError = func(status int, detail string, errs ...error) huma.StatusError {
		if status == http.StatusInternalServerError && detail == unreadBody && len(errs) == 1 {
			return bodyProblem(errs[0])
		}
		p := newProblem(status, detail)
		if status >= http.StatusInternalServerError {
			return p // the cause is for the log
		}
		if status != http.StatusUnprocessableEntity && len(errs) == 1 {
			p.Detail = fieldError(errs[0]).Detail // of the whole request: not JSON, say
			return p
		}
		for _, err := range errs {
			p.Errors = append(p.Errors, fieldError(err))
		}
		return p
	}
})

func fieldError(err error) FieldError {
	var detailer huma.ErrorDetailer
	if !errors.As(err, &detailer) {
		return FieldError{Detail: err.Error()}
	}
	d := detailer.ErrorDetail()
	in, rest, _ := strings.Cut(d.Location, ".")
	if name, index, ok := strings.Cut(in, "["); ok && name == "body" {
		in, rest = "body", "["+index+"."+rest
	}
	if in != "body" {
		return FieldError{Detail: d.Message, Parameter: rest}
	}
	return FieldError{Detail: d.Message, Pointer: pointer(rest)}
}

// pointer turns huma's "items[3].tags" into the JSON Pointer "/items/3/tags".
func pointer(location string) string {
	location = strings.NewReplacer("~", "~0", "/", "~1").Replace(location)
	location = strings.NewReplacer("[", ".", "]", "").Replace(location)
	var b strings.Builder
	for part := range strings.SplitSeq(location, ".") {
		if part != "" {
			b.WriteString("/" + part)
		}
	}
	return b.String()
}
