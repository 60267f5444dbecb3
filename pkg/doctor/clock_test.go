package doctor

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/check"
)

// AWS's clock decides whether a token is valid; ours is only compared with it.
func TestATokenIsJudgedByTheClockOfAWS(t *testing.T) {
	type verdict struct{ Valid, Agree check.Status }
	for name, tc := range map[string]struct {
		ahead time.Duration // this machine, of STS
		want  verdict
	}{
		"both say the same":       {0, verdict{check.Pass, check.Pass}},
		"too little to look at":   {30 * time.Second, verdict{check.Pass, check.Pass}},
		"some seconds ahead":      {40 * time.Second, verdict{check.Pass, check.Warn}},
		"some seconds behind":     {-40 * time.Second, verdict{check.Pass, check.Warn}},
		"as much as AWS forgives": {4 * time.Minute, verdict{check.Pass, check.Warn}},
		"more, ahead":             {5 * time.Minute, verdict{check.Fail, check.Fail}},
		"more, behind":            {-5 * time.Minute, verdict{check.Pass, check.Fail}},
		"a day behind":            {-24 * time.Hour, verdict{check.Fail, check.Fail}},
	} {
		t.Run(name, func(t *testing.T) {
			f := healthy(t)
			at := f.Token.Value.Parsed.Claims.IssuedAt
			f.Token.Value.At = at
			f.Clocks = []Reading{{Whose: "STS", Theirs: at.Add(-tc.ahead), Ours: at}}
			if diff := cmp.Diff(tc.want, verdict{tokenValidNow(f).Status, clocksAgree(f).Status}); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
