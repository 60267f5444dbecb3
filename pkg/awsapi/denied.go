package awsapi

import (
	"fmt"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/hint"
)

// Denied is Brief, with the permission that the call needs where that is what
// it lacked.
func Denied(err error, permission string) error {
	if err == nil {
		return nil
	}
	if code := Code(err); code != "AccessDenied" && code != "AccessDeniedException" {
		return Brief(err)
	}
	return hint.Wrap(Brief(err), fmt.Sprintf("the credentials need the permission %s", permission))
}
