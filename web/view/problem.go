package view

// Severity ranks a [Problem].
type Severity string

// Severities. An error is something that was left out of the table, a notice something
// that works as it was asked for, and may surprise.
const (
	SeverityNotice  Severity = "notice"
	SeverityWarning Severity = "warning"
	SeverityError   Severity = "error"
)

// Problem is one finding about the labels.
type Problem struct {
	Severity Severity `json:"severity"`
	File     string   `json:"file,omitempty"`
	Line     int      `json:"line,omitempty"` // from 1; 0 where unknown
	Service  string   `json:"service,omitempty"`
	Label    string   `json:"label,omitempty"`
	Message  string   `json:"message"`
	Hint     string   `json:"hint,omitempty"`
}
