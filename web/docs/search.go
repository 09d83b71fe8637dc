package docs

import (
	"slices"
	"strings"
)

// most is how many hits a search gives, and around is how many bytes of text it shows on
// either side of the first of the words.
const most, around = 40, 60

// hit is a place that has the words looked for.
type hit struct {
	Topic
	Heading string `json:"heading" doc:"The nearest heading above it; empty at the topic's beginning"`
	ID      string `json:"id" doc:"That heading's fragment in addresses"`
	Text    string `json:"text" doc:"What stands around the first of the words"`
}

// search looks for the sections that have all words of q, whatever their case. Those whose
// heading has them come first, then those that have them side by side; the keys of
// Traefik come last, since they have most words.
func (d *Docs) search(q string) ([]hit, error) {
	words := strings.Fields(strings.ToLower(q))
	phrase := strings.Join(words, " ")
	ranks := [4][]hit{}
	if len(words) == 0 {
		return []hit{}, nil
	}
	pages, err := d.pages()
	if err != nil {
		return nil, err
	}
	for _, p := range pages {
		for i, s := range p.sections {
			title := s.Title
			if i == 0 {
				title = p.Title
			}
			near, rank := words[0], 2
			if strings.Contains(strings.ToLower(s.text), phrase) {
				near, rank = phrase, 1
			}
			switch {
			case !hasAll(title+" "+s.text, words):
				continue
			case p.Name == labels:
				rank = 3
			case hasAll(title, words):
				rank = 0
			}
			ranks[rank] = append(ranks[rank], hit{Topic: p.Topic, Heading: s.Title, ID: s.ID, Text: excerpt(s.text, near)})
		}
	}
	all := append([]hit{}, slices.Concat(ranks[:]...)...) // an empty list, not none
	return all[:min(len(all), most)], nil
}

func hasAll(text string, words []string) bool {
	text = strings.ToLower(text)
	return !slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(text, word) })
}

// excerpt is the words of text around the first place of word, else its beginning.
func excerpt(text, word string) string {
	at := max(strings.Index(strings.ToLower(text), word), 0)
	if at > len(text) { // lower case may be longer
		at = 0
	}
	begin, end := max(at-around, 0), min(at+len(word)+around, len(text))
	if i := strings.IndexByte(text[begin:at], ' '); begin > 0 && i >= 0 {
		begin += i + 1
	}
	if i := strings.LastIndexByte(text[at:end], ' '); end < len(text) && i > 0 {
		end = at + i
	}
	short := strings.ToValidUTF8(text[begin:end], "")
	if begin > 0 {
		short = "… " + short
	}
	if end < len(text) {
		short += " …"
	}
	return short
}
