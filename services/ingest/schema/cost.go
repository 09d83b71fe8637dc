package schema

import (
	"encoding/json"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// install has every part of the schemas count what it does. The library calls a part's
// format before all that goes on below it.
func (m *meter) install(roots ...*jsonschema.Schema) {
	seen := map[*jsonschema.Schema]bool{}
	var walk func(s *jsonschema.Schema)
	walk = func(s *jsonschema.Schema) {
		if s == nil || seen[s] {
			return
		}
		seen[s] = true
		p := partsOf(s)
		p.each(walk)
		c, format := p.cost(s), s.Format
		s.Format = &jsonschema.Format{Validate: func(v any) error {
			m.spend(c.of(v))
			if format == nil {
				return nil
			}
			return format.Validate(v)
		}}
		if format != nil {
			s.Format.Name = format.Name
		}
	}
	for _, root := range roots {
		walk(root)
	}
}

// parts are the schemas below one: of the same value, of all members of an array or an
// object, and of members that are named.
type parts struct{ same, items, properties, named []*jsonschema.Schema }

func partsOf(s *jsonschema.Schema) (p parts) {
	p.same = append(p.same, s.Ref, s.RecursiveRef, s.Not, s.If, s.Then, s.Else, s.ContentSchema)
	if s.DynamicRef != nil {
		p.same = append(p.same, s.DynamicRef.Ref)
	}
	for _, list := range [][]*jsonschema.Schema{s.AllOf, s.AnyOf, s.OneOf} {
		p.same = append(p.same, list...)
	}
	for _, dependent := range s.Dependencies {
		if part, ok := dependent.(*jsonschema.Schema); ok {
			p.same = append(p.same, part)
		}
	}
	for _, part := range s.DependentSchemas {
		p.same = append(p.same, part)
	}
	p.items = append(p.items, s.Items2020, s.Contains, s.UnevaluatedItems)
	p.properties = append(p.properties, s.PropertyNames, s.UnevaluatedProperties)
	for _, either := range []any{s.Items, s.AdditionalItems} {
		switch part := either.(type) {
		case *jsonschema.Schema:
			p.items = append(p.items, part)
		case []*jsonschema.Schema:
			p.named = append(p.named, part...)
		}
	}
	p.named = append(p.named, s.PrefixItems...)
	if part, ok := s.AdditionalProperties.(*jsonschema.Schema); ok {
		p.properties = append(p.properties, part)
	}
	for _, part := range s.Properties {
		p.named = append(p.named, part)
	}
	for _, part := range s.PatternProperties {
		p.properties = append(p.properties, part)
	}
	return p
}

func (p parts) each(do func(*jsonschema.Schema)) {
	for _, list := range [][]*jsonschema.Schema{p.same, p.items, p.properties, p.named} {
		for _, s := range list {
			do(s)
		}
	}
}

// cost is what one schema does with a value, with what it does before the parts below
// it count for themselves.
type cost struct {
	all, item, property int
	unique              bool
	format              bool
}

// lookupSteps are for a reference that is resolved anew each time, through all levels.
const lookupSteps = 20

// numberSteps are for a number that is compared: exactly, as a fraction.
const numberSteps = 4

func (p parts) cost(s *jsonschema.Schema) cost {
	c := cost{
		all:  1 + entries(p.same) + entries(p.named) + len(s.Required)/8,
		item: 1 + entries(p.items), property: 1 + entries(p.properties), unique: s.UniqueItems, format: s.Format != nil,
	}
	if s.DynamicRef != nil || s.RecursiveRef != nil {
		c.all += lookupSteps
	}
	for _, names := range s.DependentRequired {
		c.all += len(names)
	}
	for _, names := range s.Dependencies {
		if list, ok := names.([]string); ok {
			c.all += len(list)
		}
	}
	return c
}

// entries are the steps of the schemas until they count for themselves: they compare
// with constants first.
func entries(list []*jsonschema.Schema) (steps int) {
	for _, s := range list {
		if s == nil {
			continue
		}
		steps++
		if s.Const != nil {
			steps += sizeOfValue(*s.Const)
		}
		if s.Enum != nil {
			for _, v := range s.Enum.Values {
				steps += sizeOfValue(v)
			}
		}
	}
	return steps
}

// of is the cost of one value.
func (c *cost) of(v any) int {
	switch v := v.(type) {
	case map[string]any:
		return c.all + c.property*len(v)
	case []any:
		steps := c.all + c.item*len(v)
		if c.unique { // each is compared with all where there are few, and else hashed
			steps += sizeOfValue(v) * min(len(v), 20)
		}
		return steps
	case string:
		if c.format {
			return c.all + len(v)/8
		}
		return c.all + len(v)/256
	case json.Number:
		return c.all + sizeOfValue(v)
	}
	return c.all
}

// sizeOfValue is about what it costs to compare a value.
func sizeOfValue(v any) int {
	size := 1
	switch v := v.(type) {
	case map[string]any:
		for name, inner := range v {
			size += 1 + len(name)/256 + sizeOfValue(inner)
		}
	case []any:
		for _, inner := range v {
			size += sizeOfValue(inner)
		}
	case string:
		size += len(v) / 256
	case json.Number:
		if size = numberSteps; len(v) > 16 {
			size = maxDigits / 4
		}
	}
	return size
}
