package trustpolicy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// A Patch is a change to one document, as edits of byte ranges, so that
// everything around them stays as it was: order, Sids, blanks, statements of
// other people. The zero Patch changes nothing.
type Patch struct {
	Summary string // what it does, in one sentence
	Edits   []Edit // in the order of the document, not overlapping
}

// An Edit replaces Old, at byte Offset, by New.
type Edit struct {
	Offset   int
	Old, New string
}

// Empty reports whether the patch changes nothing.
func (p Patch) Empty() bool { return len(p.Edits) == 0 }

// Apply makes the new document. It fails when doc is not the one the patch was
// made for, or when the outcome would not be a trust policy.
func (p Patch) Apply(doc []byte) ([]byte, error) {
	if p.Empty() {
		return doc, nil
	}
	var out bytes.Buffer
	at := 0
	for _, e := range p.Edits {
		end := e.Offset + len(e.Old)
		if e.Offset < at || end > len(doc) || string(doc[e.Offset:end]) != e.Old {
			return nil, fmt.Errorf("changing the trust policy: it is not the document the change was made for (byte %d)", e.Offset)
		}
		out.Write(doc[at:e.Offset])
		out.WriteString(e.New)
		at = end
	}
	out.Write(doc[at:])
	if _, err := Parse(out.Bytes()); err != nil {
		return nil, fmt.Errorf("changing the trust policy: %w", err)
	}
	return out.Bytes(), nil
}

func (p *Policy) edit(s Span, replacement string) Edit {
	return Edit{Offset: s.Start, Old: p.Text(s), New: replacement}
}

func (p *Policy) patch(summary string, edits ...Edit) Patch {
	slices.SortStableFunc(edits, func(a, b Edit) int { return a.Offset - b.Offset })
	return Patch{Summary: summary, Edits: edits}
}

// quote is text as a JSON string, with &, < and > as they are.
func quote(text string) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(text); err != nil {
		return `""` // a string always encodes
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// addValue makes the edit that adds one value to a list, or makes a list of a
// single value.
func (p *Policy) addValue(values []Value, value Span, list bool, text string) Edit {
	if !list {
		return p.edit(value, "["+p.Text(value)+", "+quote(text)+"]")
	}
	if len(values) == 0 {
		return p.edit(value, "["+quote(text)+"]")
	}
	last := values[len(values)-1].Span
	separator := ", "
	if len(values) > 1 {
		// As the list separates its values already, line breaks included.
		separator = p.source[values[len(values)-2].Span.End:last.Start]
	} else if lead := p.source[value.Start+1 : last.Start]; strings.Contains(lead, "\n") {
		separator = "," + lead
	}
	return Edit{Offset: last.End, New: separator + quote(text)}
}

// cut makes the edit that removes item i of a list, with the comma that goes
// with it. The last item of a list cannot be cut.
func (p *Policy) cut(spans []Span, i int) Edit { return p.cutEach(spans, []int{i})[0] }

// cutEach makes the edits that remove items of a list, in ascending order and
// not all of them, each with one comma: the one before it, or, in a run from the
// first on, the one behind.
func (p *Policy) cutEach(spans []Span, indexes []int) []Edit {
	edits := make([]Edit, 0, len(indexes))
	for n, i := range indexes {
		cut := Span{spans[i].Start, spans[min(i+1, len(spans)-1)].Start}
		if i != n {
			cut = Span{spans[i-1].End, spans[i].End}
		}
		edits = append(edits, p.edit(cut, ""))
	}
	return edits
}

func valueSpans(values []Value) []Span {
	out := make([]Span, len(values))
	for i := range values {
		out[i] = values[i].Span
	}
	return out
}
