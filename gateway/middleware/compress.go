package middleware

import (
	"errors"
	"fmt"
	"mime"
	"net/http"
	"slices"
	"strings"

	"axion/gateway/config"
)

// minCompressed is the size from which answers are compressed by default.
const minCompressed = 1024

func compress(c *config.Compress) (Middleware, error) {
	p := &compressor{min: minCompressed, excluded: []string{"application/grpc"}}
	if n := c.MinResponseBodyBytes; n != nil && *n < 0 {
		return nil, errors.New("compress.minresponsebodybytes is negative")
	} else if n != nil && *n > 0 {
		p.min = *n
	}
	if len(c.ExcludedContentTypes) > 0 && len(c.IncludedContentTypes) > 0 {
		return nil, errors.New("compress.includedcontenttypes and excludedcontenttypes exclude each other: remove one of them")
	}
	excluded, err := mediaTypes("compress.excludedcontenttypes", c.ExcludedContentTypes)
	if err != nil {
		return nil, err
	}
	p.excluded = append(p.excluded, excluded...)
	if p.included, err = mediaTypes("compress.includedcontenttypes", c.IncludedContentTypes); err != nil {
		return nil, err
	}
	if p.chooser, err = newChooser(c); err != nil {
		return nil, err
	}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { p.serve(w, r, next) })
	}, nil
}

func newChooser(c *config.Compress) (chooser, error) {
	to := chooser{unasked: notCoded}
	names := c.Encodings
	if names == nil {
		names = codingNames[:]
	}
	for _, name := range names {
		i := slices.Index(codingNames[:], name)
		if i < 0 {
			return to, fmt.Errorf("compress.encodings: %q is none of %s", name, strings.Join(codingNames[:], ", "))
		}
		to.offered = append(to.offered, i)
	}
	if len(to.offered) == 0 {
		return to, errors.New("compress.encodings is empty")
	}
	if c.DefaultEncoding != "" {
		to.unasked = slices.Index(codingNames[:], c.DefaultEncoding)
		if !slices.Contains(to.offered, to.unasked) {
			return to, fmt.Errorf("compress.defaultencoding %q is none of compress.encodings", c.DefaultEncoding)
		}
	}
	return to, nil
}

func mediaTypes(field string, texts []string) ([]string, error) {
	var list []string
	for _, text := range texts {
		media, _, err := mime.ParseMediaType(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %q: %w", field, text, err)
		}
		list = append(list, media)
	}
	return list, nil
}

// compressor compresses answers of the media types that it may.
type compressor struct {
	chooser
	min      int      // bytes
	excluded []string // not consulted where included has any
	included []string
}

func (p *compressor) serve(w http.ResponseWriter, r *http.Request, next http.Handler) {
	coding := notCoded
	// A request of an excluded type, gRPC's say, is answered by the same type.
	if r.Method != http.MethodHead && !slices.Contains(p.excluded, mediaType(r.Header.Get(contentTypeHeader))) {
		coding = p.choose(r.Header["Accept-Encoding"])
	}
	if coding == notCoded {
		next.ServeHTTP(w, r)
		return
	}
	c := &compressed{ResponseWriter: w, compressor: p, coding: coding}
	// Not deferred: an answer that ends by a panic must not look complete.
	next.ServeHTTP(c, r)
	c.finish()
}

// takes says whether an answer with that status and header may be compressed.
func (p *compressor) takes(status int, h http.Header) bool {
	if !hasBody(status) || status == http.StatusPartialContent || len(h["Content-Range"]) > 0 || h.Get("Content-Encoding") != "" {
		return false
	}
	contentType := h.Get(contentTypeHeader)
	return contentType == "" || p.takesType(contentType) // else it is guessed from the body
}

func (p *compressor) takesType(contentType string) bool {
	media := mediaType(contentType)
	switch {
	case !strings.Contains(media, "/"):
		return false
	case p.included != nil:
		return slices.Contains(p.included, media)
	}
	return !slices.Contains(p.excluded, media)
}

// mediaType is a Content-Type without parameters, in lower case.
func mediaType(contentType string) string {
	media, _, _ := strings.Cut(contentType, ";")
	return strings.ToLower(strings.TrimSpace(media))
}
