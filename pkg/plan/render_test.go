package plan_test

import (
	"strings"
	"testing"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/check"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/plan"
)

func TestADetailCannotSteerATerminal(t *testing.T) {
	var b strings.Builder
	outlook := []plan.Outlook{{Step: plan.Step{Title: "bind"}, State: plan.Needed, Detail: "in place of \x1b]0;pwned\a\nand \x1b[2J"}}
	if err := plan.WriteText(&b, outlook, check.Style{}); err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(b.String(), "\x1b\a") {
		t.Errorf("%q", b.String())
	}
}
