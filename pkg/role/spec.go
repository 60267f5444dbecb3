package role

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Spec is what a role is to be. Zero values leave a property as it is, or to
// IAM's default on a new role.
type Spec struct {
	Name        string
	Path        string // of a new role
	Description string // of a new role
	PolicyARNs  []string
	InlineName  string // of Inline
	Inline      []byte // document of an inline policy
	Boundary    string // ARN of a policy
	MaxSession  time.Duration
	Tags        map[string]string
}

// InlinePolicy is the name under which an inline policy is written.
const InlinePolicy = "kubectl-irsa"

// The limits of a role:
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html and
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html.
const (
	maxName     = 64
	maxPath     = 512
	maxInline   = 10240 // characters of all inline policies of a role, without white space
	maxAttached = 25    // the highest that an account's quota can be raised to
	minSession  = time.Hour
	maxSession  = 12 * time.Hour
)

// Check says what IAM would refuse, before anybody is asked.
func (s *Spec) Check() error {
	if err := CheckName(s.Name); err != nil {
		return err
	}
	switch {
	case s.Path != "" && (!strings.HasPrefix(s.Path, "/") || !strings.HasSuffix(s.Path, "/") || len(s.Path) > maxPath || s.Path == "//" ||
		strings.ContainsFunc(s.Path, func(r rune) bool { return r < '!' || r > '~' })):
		return fmt.Errorf("the path %q does not begin and end with a slash, or has other characters than IAM takes", s.Path)
	case s.MaxSession%time.Second != 0 || s.MaxSession != 0 && (s.MaxSession < minSession || s.MaxSession > maxSession):
		return fmt.Errorf("the longest session is 1h to 12h in whole seconds, not %s", s.MaxSession)
	case len(s.PolicyARNs) > maxAttached:
		return fmt.Errorf("%d policies, and a role takes at most %d", len(s.PolicyARNs), maxAttached)
	}
	for _, arn := range append(slices.Clone(s.PolicyARNs), s.Boundary) {
		if arn != "" && (!strings.HasPrefix(arn, "arn:") || !strings.Contains(arn, ":policy/")) {
			return fmt.Errorf("%q is no ARN of a policy: arn:aws:iam::aws:policy/NAME or arn:aws:iam::111122223333:policy/NAME", arn)
		}
	}
	return s.checkInline()
}

// CheckName says why IAM would not take the name of a role.
func CheckName(name string) error {
	switch {
	case name == "":
		return errors.New("the role's name is empty")
	case len(name) > maxName:
		return fmt.Errorf("the role's name %q has %d characters, and IAM takes %d", name, len(name), maxName)
	case strings.ContainsFunc(name, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && !strings.ContainsRune("_+=,.@-", r)
	}):
		return fmt.Errorf("the role's name %q has other characters than letters, digits and +=,.@_-", name)
	}
	return nil
}

// checkInline says what is wrong with the policy, as far as can be seen.
func (s *Spec) checkInline() error {
	if s.Inline == nil {
		return nil
	}
	compacted, err := compact(s.Inline)
	if err != nil {
		return fmt.Errorf("the policy is not JSON: %w", err)
	}
	var document struct{ Statement json.RawMessage }
	if json.Unmarshal(s.Inline, &document) != nil || document.Statement == nil {
		return errors.New("the policy is no policy document: it has no Statement")
	}
	if n := utf8.RuneCountInString(compacted); n > maxInline {
		return fmt.Errorf("the policy has %d characters, and IAM takes %d inline", n, maxInline)
	}
	if at := strings.IndexFunc(compacted, func(r rune) bool { return r < ' ' || r > 'ÿ' }); at >= 0 {
		r, _ := utf8.DecodeRuneInString(compacted[at:])
		return fmt.Errorf("the policy holds the character %q, and IAM takes none beyond U+00FF: write it as %s", r, strings.Trim(strconv.QuoteToASCII(string(r)), `"`))
	}
	return nil
}

// compact is JSON without white space around its elements.
func compact(text []byte) (string, error) {
	var b bytes.Buffer
	err := json.Compact(&b, text)
	return b.String(), err
}

// sameDocument reports whether two policies are the same but for white space.
func sameDocument(a, b []byte) bool {
	x, err := compact(a)
	if err != nil {
		return false
	}
	y, err := compact(b)
	return err == nil && x == y
}
