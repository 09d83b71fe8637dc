package rule

import "regexp/syntax"

// needed are the characters that every text holds which an expression matches: those
// that stand in it literally, outside of alternatives and of what may be left out,
// and that are no two cases of one letter.
func needed(expr string) []rune {
	tree, err := syntax.Parse(expr, syntax.Perl)
	if err != nil {
		return nil
	}
	return neededIn(tree)
}

func neededIn(e *syntax.Regexp) []rune {
	switch e.Op {
	case syntax.OpLiteral:
		if e.Flags&syntax.FoldCase != 0 {
			return nil
		}
		return e.Rune
	case syntax.OpRepeat:
		if e.Min == 0 {
			return nil
		}
	case syntax.OpConcat, syntax.OpCapture, syntax.OpPlus:
	default:
		return nil
	}
	var all []rune
	for _, sub := range e.Sub {
		all = append(all, neededIn(sub)...)
	}
	return all
}
