package shell_test

import (
	"testing"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/shell"
)

func TestAWordIsQuotedWhereItNeedsThat(t *testing.T) {
	for text, want := range map[string]string{
		"ann": "ann", "system:serviceaccount:shop:cart": "system:serviceaccount:shop:cart", "arn:aws:iam::111122223333:user/a+b,c=d@e.f_g-h": "arn:aws:iam::111122223333:user/a+b,c=d@e.f_g-h",
		"": "''", "ann smith": "'ann smith'", "it's": `'it'\''s'`, "$(id)": "'$(id)'", "~": "'~'", "a\nb": "'a\nb'",
	} {
		if got := shell.Word(text); got != want {
			t.Errorf("%q is the word %s, want %s", text, got, want)
		}
	}
}
