package check

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLinesThatDoInPlaceOfOthersAreToldApartAndNoneIsToldTwice(t *testing.T) {
	got := Screen([]Finding{
		{Link: "a", Title: "both", Status: Fail, Cause: "X1", Fix: []string{"one", "two"}},
		{Link: "a", Title: "either", Status: Fail, Cause: "X2", Fix: []string{"three", "four"}, AnyOf: true},
		{Link: "a", Title: "again", Status: Fail, Cause: "X3", Fix: []string{"one", "two"}},
	}, nil, Style{Width: 40})
	want := `a | XX both                           X1
  |    -> one
  |    -> two
  | XX either                         X2
  |    -> three
  |    or four
  | XX again                          X3
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
