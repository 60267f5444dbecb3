package cli

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/hint"
)

func TestAnErrorCannotSteerATerminal(t *testing.T) {
	var b strings.Builder
	report(&b, hint.Wrap(errors.New("audience vault\x1b[31m is refused\nby STS"), "kubectl irsa login\a"))
	want := "error: audience vault\\x1b[31m is refused\nby STS\nhint: kubectl irsa login\\a\n"
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
