package role

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/awsapi"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/irsa"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/plan"
)

// A role is named by an irsa.RoleARN: whole, or by its Name alone, which is that
// of the account of whoever asks. IAM is only ever asked for names, and only in
// that account, so that whatever it answers is held against the ARN.

// STS is the part of it that says whose credentials these are.
type STS interface {
	GetCallerIdentity(context.Context, *sts.GetCallerIdentityInput, ...func(*sts.Options)) (*sts.GetCallerIdentityOutput, error)
}

// Named is how people name a role: by its name, or by its ARN.
func Named(arg string) (irsa.RoleARN, error) {
	if strings.HasPrefix(arg, "arn:") {
		return irsa.ParseRoleARN(arg, irsa.AnyAccount)
	}
	return irsa.RoleARN{Name: arg}, CheckName(arg)
}

// whole reports whether a role was named by its ARN.
func whole(named irsa.RoleARN) bool { return named.Account != "" }

// An ElsewhereError is a role that was named by its ARN, and is not the one of
// that name in the account of these credentials.
type ElsewhereError struct {
	Named irsa.RoleARN
	Here  irsa.RoleARN // partition and account; path and name too where there is a role of that name
}

func (e *ElsewhereError) Error() string {
	here := ""
	if e.Here.Name != "" {
		here = e.Here.String()
	}
	if e.sameAccount() {
		return fmt.Sprintf("there is no %s: the role of that name is %s", e.Named, here)
	}
	text := fmt.Sprintf("%s is a role of account %s, and these credentials are of account %s", e.Named, e.account(e.Named), e.account(e.Here))
	if here != "" {
		text += ", where " + here + " is another role"
	}
	return text
}

func (e *ElsewhereError) sameAccount() bool {
	return e.Named.Account == e.Here.Account && e.Named.Partition == e.Here.Partition
}

// account names it, with its partition where there are two.
func (e *ElsewhereError) account(of irsa.RoleARN) string {
	if e.Named.Partition == e.Here.Partition {
		return of.Account
	}
	return of.Account + " of " + of.Partition
}

// Remedy is what to do about it, as a clause.
func (e *ElsewhereError) Remedy() string {
	if e.sameAccount() {
		return "name it by that ARN"
	}
	return "choose credentials of account " + e.account(e.Named) + " with --aws-profile"
}

// Find reads the role that is named; nil where there is none. The error is an
// *ElsewhereError where the ARN names another role than the one that is found,
// or one of another account. Whose account this is, STS is asked only where a
// role was named by its ARN and is not there.
func Find(ctx context.Context, client IAM, caller STS, named irsa.RoleARN) (*Role, error) {
	return find(ctx, client, named, func(ctx context.Context) (irsa.RoleARN, error) { return home(ctx, nil, caller) })
}

func find(ctx context.Context, client IAM, named irsa.RoleARN, home func(context.Context) (irsa.RoleARN, error)) (*Role, error) {
	found, err := Get(ctx, client, named.Name)
	if err != nil || !whole(named) || found != nil && found.ARN == named.String() {
		return found, err
	}
	var here irsa.RoleARN
	if found != nil {
		here, err = irsa.ParseRoleARN(found.ARN, irsa.AnyAccount)
	} else {
		here, err = home(ctx)
	}
	switch {
	case err != nil:
		return nil, err
	case found == nil && here.Account == named.Account && here.Partition == named.Partition:
		return nil, nil
	}
	return nil, &ElsewhereError{Named: named, Here: here}
}

// home is the partition and the account of these credentials: those of the
// provider, where it is known, else what STS says.
func home(ctx context.Context, provider func(context.Context) (string, error), caller STS) (irsa.RoleARN, error) {
	of := ""
	if provider != nil {
		of, _ = provider(ctx) // whoever needs the provider says what is amiss
	}
	if of == "" {
		out, err := caller.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
		if err != nil {
			return irsa.RoleARN{}, fmt.Errorf("asking STS whose credentials these are: %w", awsapi.Brief(err))
		}
		of = aws.ToString(out.Arn)
	}
	parsed, err := arn.Parse(of)
	if err != nil {
		return irsa.RoleARN{}, fmt.Errorf("finding the account of these credentials in %q: %w", of, err)
	}
	return irsa.RoleARN{Partition: parsed.Partition, Account: parsed.AccountID}, nil
}

// names reports whether an ARN is that of the role that was found, or where there
// is none, whether it names one like it in the account of these credentials; a
// Path of "" is any.
func names(ctx context.Context, arn string, found *Role, like irsa.RoleARN, home func(context.Context) (irsa.RoleARN, error)) (bool, error) {
	if found != nil {
		return found.ARN == arn, nil
	}
	parsed, _ := irsa.ParseRoleARN(arn, irsa.AnyAccount) // what is no role's ARN names none
	if parsed.Name != like.Name || like.Path != "" && parsed.Path != like.Path {
		return false, nil
	}
	here, err := home(ctx)
	return parsed.Account == here.Account && parsed.Partition == here.Partition, err
}

// missed is the outcome of a look that could not give the role: what is named
// elsewhere is in the way, with what else to do instead, "" for nothing.
func missed(err error, instead string) (plan.State, string, error) {
	elsewhere, ok := errors.AsType[*ElsewhereError](err)
	if !ok {
		return plan.Unknown, "", err
	}
	return plan.Conflict, elsewhere.Error() + "; " + elsewhere.Remedy() + instead, nil
}
