package generate

import (
	"bytes"
	"slices"

	"go.yaml.in/yaml/v4"
)

// verify refuses an edit that changed more than one service's labels: YAML has
// forms that a line-wise edit does not understand.
func verify(file string, before, after []byte, name string) error {
	old, err := withoutLabels(before, name)
	if err == nil {
		var now *yaml.Node
		if now, err = withoutLabels(after, name); err == nil && alike(old, now) {
			return nil
		}
	}
	return &Error{File: file, Message: "the labels of \"" + name + "\" cannot be edited without touching the rest",
		hint: "run without --write, and put the labels in by hand"}
}

func withoutLabels(data []byte, name string) (*yaml.Node, error) {
	var doc yaml.Node
	if err := yaml.NewDecoder(bytes.NewReader(data)).Decode(&doc); err != nil {
		return nil, err
	}
	services, _ := entry(doc.Content[0], "services")
	service, _ := entry(services, name)
	for i := 0; service != nil && i+1 < len(service.Content); i += 2 {
		if service.Content[i].Value == "labels" {
			service.Content = slices.Delete(service.Content, i, i+2)
			break
		}
	}
	return &doc, nil
}

func alike(a, b *yaml.Node) bool {
	return a.Kind == b.Kind && a.Tag == b.Tag && a.Value == b.Value && a.Anchor == b.Anchor && slices.EqualFunc(a.Content, b.Content, alike)
}
