package hint

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAdviceStandsBeforeOrBehindWhatThereIs(t *testing.T) {
	cause := errors.New("refused")
	for name, tc := range map[string]struct {
		err  error
		want []string
	}{
		"none":                           {fmt.Errorf("writing: %w", cause), nil},
		"the outer one first":            {Wrap(fmt.Errorf("writing: %w", Wrap(cause, "inner")), "outer"), []string{"outer", "inner"}},
		"the outer one last":             {Append(fmt.Errorf("writing: %w", Wrap(cause, "inner")), "outer"), []string{"inner", "outer"}},
		"both, around two joined":        {Append(Wrap(errors.Join(cause, Wrap(cause, "inner")), "first"), "last"), []string{"first", "inner", "last"}},
		"no lines are no advice":         {Append(Wrap(cause)), nil},
		"no error is none, and has none": {Append(Wrap(nil, "first"), "last"), nil},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, Lines(tc.err)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if tc.err != nil && !errors.Is(tc.err, cause) {
				t.Error("the cause is lost")
			}
		})
	}
}
