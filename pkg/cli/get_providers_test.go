package cli

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/oidc"
)

func TestWhatAnIssuerDoesAsSeenFromHere(t *testing.T) {
	for name, tc := range map[string]struct {
		err  error
		want string
	}{
		"its document came":               {nil, "answers"},
		"S3 has no such bucket":           {fmt.Errorf("fetching: %w", &oidc.StatusError{Status: 404, Code: "NoSuchBucket"}), "gone"},
		"S3 has no such object":           {&oidc.StatusError{Status: 404, Code: "NoSuchKey"}, "refuses"},
		"it is private":                   {&oidc.StatusError{Status: 403}, "refuses"},
		"its certificate is not verified": {&oidc.TLSError{}, "unreachable"},
		"it is a web page":                {errors.New("no JSON"), "refuses"},
		"the resolver knows no such host": {&oidc.DNSError{NotFound: true}, "unresolved"},
		"there is no resolver":            {&oidc.DNSError{}, "unreachable"},
		"it takes too long":               {&oidc.TimeoutError{}, "unreachable"},
		"nobody answers":                  {&oidc.UnreachableError{}, "unreachable"},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, issuing(tc.err)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
