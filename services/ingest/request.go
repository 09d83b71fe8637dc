package ingest

import (
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"

	"axion/services/bus"
	"axion/services/host"
)

// maxBody bounds a request's body, in bytes.
const maxBody = 1 << 20

// read returns the events of a request, or the problem to answer with.
func read(h http.Header, body io.Reader) ([]event, *host.Problem) {
	content := strings.ToLower(h.Get("Content-Type"))
	structured := strings.HasPrefix(content, "application/cloudevents")
	if !structured && !hasAttributes(h) {
		return nil, problem(http.StatusUnsupportedMediaType, "not a CloudEvent: send Content-Type application/cloudevents+json, "+
			"application/cloudevents-batch+json, or the attributes as ce- headers")
	}
	raw, unread := host.ReadBody(body, maxBody)
	if unread != nil {
		return nil, unread
	}
	events, wrong, err := parse(content, structured, h, raw)
	var tooLarge *tooLargeError
	switch {
	case errors.As(err, &tooLarge):
		return nil, problem(http.StatusRequestEntityTooLarge, err.Error())
	case errors.Is(err, errFormat):
		return nil, problem(http.StatusUnsupportedMediaType, err.Error())
	case err != nil:
		return nil, problem(http.StatusBadRequest, err.Error())
	case len(wrong) > 0:
		p := problem(http.StatusUnprocessableEntity, "not a valid CloudEvent")
		p.Errors = wrong
		return nil, p
	}
	return events, checkSizes(events)
}

// errFormat is a structured mode in another event format than JSON.
var errFormat = errors.New("of the event formats only JSON is understood: application/cloudevents+json or " +
	"application/cloudevents-batch+json")

func parse(content string, structured bool, h http.Header, raw []byte) ([]event, []host.FieldError, error) {
	if !structured {
		e, wrong := parseBinary(h, raw)
		return []event{e}, wrong, nil
	}
	batch := strings.HasPrefix(content, "application/cloudevents-batch")
	media, _, _ := strings.Cut(content, ";")
	if suffix := strings.TrimSpace(media); !strings.HasSuffix(suffix, "+json") && strings.Contains(suffix, "+") {
		return nil, nil, errFormat
	}
	if batch {
		return parseBatch(raw)
	}
	return parseStructured(raw)
}

// checkSizes refuses events that the broker would.
func checkSizes(events []event) *host.Problem {
	for i := range events {
		record := events[i].record()
		if size := record.Size(); size > bus.MaxMessage {
			p := problem(http.StatusRequestEntityTooLarge, "an event is too large")
			p.Errors = []host.FieldError{{
				Detail: strconv.Itoa(size) + " bytes, at most " + strconv.Itoa(bus.MaxMessage), Pointer: "/" + strconv.Itoa(i),
			}}
			if len(events) == 1 {
				p.Errors[0].Pointer = ""
			}
			return p
		}
	}
	return nil
}
