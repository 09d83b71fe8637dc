package document

import (
	"fmt"
	"reflect"
	"strings"

	"axion/gateway/config"

	"github.com/traefik/paerser/parser"
)

// separator stands between the values of a list that the filler is handed, and
// between the names of a path. No value holds it.
const separator = "\x00"

// Decode fills into, a pointer to a structure, with the entries of root, as
// Traefik does: names without regard to case, empty keys as if they were not
// there. If anything is unknown or unreadable, nothing is filled in and the
// problems, one for each mistake, are of severity Error; their File is file.
func Decode(file string, root *Node, into any) []config.Problem {
	return decode(&checker{file: file}, root, into)
}

// DecodeRest is as [Decode], but leaves out of root what is unknown or unreadable, and
// fills in the rest.
func DecodeRest(file string, root *Node, into any) []config.Problem {
	return decode(&checker{file: file, lenient: true}, root, into)
}

func decode(c *checker, root *Node, into any) []config.Problem {
	if root.Kind == Null {
		return nil
	}
	c.check(reflect.TypeOf(into).Elem(), "", root, "")
	if c.failed {
		return c.problems
	}
	node := &parser.Node{Name: parser.DefaultRootName}
	fill(node, root)
	if len(node.Children) == 0 {
		return c.problems
	}
	err := parser.AddMetadata(into, node, parser.MetadataOpts{TagName: parser.TagFile})
	if err == nil {
		err = parser.Fill(into, node, parser.FillerOpts{RawSliceSeparator: separator})
	}
	if err != nil {
		c.fail(root, "the file cannot be read: "+err.Error(), "")
	}
	return c.problems
}

// fill turns what the checker let pass into the parser's form.
func fill(to *parser.Node, from *Node) {
	for _, c := range from.Children {
		child := &parser.Node{Name: c.Name, Value: c.Value}
		switch {
		case c.Kind == Null:
			continue
		case c.Kind == Sequence && len(c.Children) > 0 && c.Children[0].Kind == Scalar:
			// The parser looks for a kind in front, which matters to untyped fields only.
			values := make([]string, 0, len(c.Children)+2)
			values = append(values, "", fmt.Sprint(int(reflect.String)))
			for _, item := range c.Children {
				values = append(values, item.Value)
			}
			child.Value = strings.Join(values, separator)
		default:
			fill(child, c)
		}
		to.Children = append(to.Children, child)
	}
}
