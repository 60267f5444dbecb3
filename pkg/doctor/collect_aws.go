package doctor

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/awsapi"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/irsa"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/trustpolicy"
)

// IAM is the part of it that is read.
type IAM interface {
	GetOpenIDConnectProvider(context.Context, *iam.GetOpenIDConnectProviderInput, ...func(*iam.Options)) (*iam.GetOpenIDConnectProviderOutput, error)
	ListOpenIDConnectProviders(context.Context, *iam.ListOpenIDConnectProvidersInput, ...func(*iam.Options)) (*iam.ListOpenIDConnectProvidersOutput, error)
	GetRole(context.Context, *iam.GetRoleInput, ...func(*iam.Options)) (*iam.GetRoleOutput, error)
	ListRoles(context.Context, *iam.ListRolesInput, ...func(*iam.Options)) (*iam.ListRolesOutput, error)
	ListRolePolicies(context.Context, *iam.ListRolePoliciesInput, ...func(*iam.Options)) (*iam.ListRolePoliciesOutput, error)
	ListAttachedRolePolicies(context.Context, *iam.ListAttachedRolePoliciesInput, ...func(*iam.Options)) (*iam.ListAttachedRolePoliciesOutput, error)
}

// Inspector are the clients that look inside an account.
type Inspector struct {
	IAM IAM
	S3  interface {
		ListBuckets(context.Context, *s3.ListBucketsInput, ...func(*s3.Options)) (*s3.ListBucketsOutput, error)
		GetPublicAccessBlock(context.Context, *s3.GetPublicAccessBlockInput, ...func(*s3.Options)) (*s3.GetPublicAccessBlockOutput, error)
	}
	STS interface {
		GetCallerIdentity(context.Context, *sts.GetCallerIdentityInput, ...func(*sts.Options)) (*sts.GetCallerIdentityOutput, error)
	}
}

// account is what is being asked of IAM.
type account struct {
	clients   *later[Inspector]
	caller    *later[Caller]
	providers *later[[]string]
}

// admin looks for credentials, and asks what hangs on nothing else.
func (w World) admin(ctx context.Context) *account {
	a := &account{clients: ask(func() (Inspector, error) {
		if w.Admin == nil {
			return Inspector{}, ErrNoCredentials
		}
		return w.Admin(ctx)
	})}
	a.caller = ask(func() (Caller, error) {
		clients := a.clients.get()
		if clients.Err != nil {
			return Caller{}, clients.Err
		}
		out, err := clients.Value.STS.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
		if err != nil {
			return Caller{}, err
		}
		return Caller{Account: aws.ToString(out.Account), ARN: aws.ToString(out.Arn)}, nil
	})
	a.providers = ask(func() ([]string, error) {
		clients := a.clients.get()
		if clients.Err != nil {
			return nil, clients.Err
		}
		out, err := clients.Value.IAM.ListOpenIDConnectProviders(ctx, &iam.ListOpenIDConnectProvidersInput{})
		if err != nil {
			return nil, err
		}
		var arns []string
		for _, p := range out.OpenIDConnectProviderList {
			arns = append(arns, aws.ToString(p.Arn))
		}
		return arns, nil
	})
	return a
}

// elsewhere is the error of a fact in an account that the credentials do not
// reach: IAM would answer about the caller's own account.
type elsewhere struct{ caller, role string }

func (e *elsewhere) Error() string {
	return fmt.Sprintf("the AWS credentials are of account %s, the role is in %s", e.caller, e.role)
}

// reach waits for the clients and refuses where they lead to another account.
func (a *account) reach(role Known[irsa.RoleARN]) (Inspector, error) {
	clients := a.clients.get()
	switch {
	case clients.Err != nil:
		return Inspector{}, clients.Err
	case role.Err != nil:
		return Inspector{}, ErrNeedsRole
	}
	return clients.Value, nil
}

// sameAccount is asked after the call, so that GetCallerIdentity is on no
// other call's way.
func (a *account) sameAccount(role irsa.RoleARN) error {
	if caller := a.caller.get(); caller.Err == nil && caller.Value.Account != role.Account {
		return &elsewhere{caller.Value.Account, role.Account}
	}
	return nil
}

// ProviderARN is the ARN of an issuer's provider in a role's account.
func ProviderARN(role irsa.RoleARN, issuer string) string {
	return "arn:" + role.Partition + ":iam::" + role.Account + ":oidc-provider/" + hostPath(issuer)
}

// hostPath is an issuer as IAM names it.
func hostPath(issuer string) string {
	if len(issuer) > 8 && issuer[:8] == "https://" {
		return issuer[8:]
	}
	return issuer
}

func (a *account) provider(ctx context.Context, t Target, issuer string, role Known[irsa.RoleARN]) *later[Provider] {
	return ask(func() (Provider, error) {
		if issuer == "" {
			return Provider{}, ErrNeedsToken
		}
		if t.Home {
			caller := a.caller.get()
			if caller.Err != nil {
				return Provider{}, caller.Err
			}
			role = Known[irsa.RoleARN]{Value: irsa.RoleARN{Partition: partitionOf(caller.Value.ARN), Account: caller.Value.Account}}
		}
		clients, err := a.reach(role)
		if err != nil {
			return Provider{}, err
		}
		arn := ProviderARN(role.Value, issuer)
		out, err := clients.IAM.GetOpenIDConnectProvider(ctx, &iam.GetOpenIDConnectProviderInput{OpenIDConnectProviderArn: &arn})
		if other := a.sameAccount(role.Value); other != nil {
			return Provider{}, other
		}
		if err != nil {
			return Provider{}, err
		}
		return Provider{ARN: arn, URL: aws.ToString(out.Url), Audiences: out.ClientIDList, Created: aws.ToTime(out.CreateDate)}, nil
	})
}

// partitionOf is the second field of an ARN.
func partitionOf(arn string) string {
	if parts := strings.SplitN(arn, ":", 3); len(parts) == 3 && parts[1] != "" {
		return parts[1]
	}
	return "aws"
}

// roleFacts are under way.
type roleFacts struct {
	look     *later[Role]
	policies *later[int]
}

func (a *account) role(ctx context.Context, f *Facts) roleFacts {
	role := f.Role
	return roleFacts{
		look: ask(func() (Role, error) {
			clients, err := a.reach(role)
			if err != nil {
				return Role{}, err
			}
			out, err := clients.IAM.GetRole(ctx, &iam.GetRoleInput{RoleName: &role.Value.Name})
			if other := a.sameAccount(role.Value); other != nil {
				return Role{}, other
			}
			if err != nil {
				return Role{}, err
			}
			return roleOf(out)
		}),
		policies: ask(func() (int, error) {
			clients, err := a.reach(role)
			if err != nil {
				return 0, err
			}
			n, err := countPolicies(ctx, clients, role.Value.Name)
			if other := a.sameAccount(role.Value); other != nil {
				return 0, other
			}
			return n, err
		}),
	}
}

func roleOf(out *iam.GetRoleOutput) (Role, error) {
	r := Role{
		ARN: aws.ToString(out.Role.Arn), ID: aws.ToString(out.Role.RoleId),
		MaxSession: time.Duration(aws.ToInt32(out.Role.MaxSessionDuration)) * time.Second,
		Created:    aws.ToTime(out.Role.CreateDate),
	}
	if out.Role.PermissionsBoundary != nil {
		r.Boundary = aws.ToString(out.Role.PermissionsBoundary.PermissionsBoundaryArn)
	}
	text, err := trustpolicy.Decode(aws.ToString(out.Role.AssumeRolePolicyDocument))
	r.Trust = string(text)
	return r, err
}

// countPolicies is how many policies give a role permissions. One list alone
// is enough to say that there are some.
func countPolicies(ctx context.Context, clients Inspector, role string) (int, error) {
	attached := ask(func() (int, error) {
		out, err := clients.IAM.ListAttachedRolePolicies(ctx, &iam.ListAttachedRolePoliciesInput{RoleName: &role})
		if awsapi.Code(err) == "InvalidAction" {
			return 0, nil // a server without managed policies
		}
		if err != nil {
			return 0, err
		}
		return len(out.AttachedPolicies), nil
	})
	out, err := clients.IAM.ListRolePolicies(ctx, &iam.ListRolePoliciesInput{RoleName: &role})
	n := attached.get()
	if err == nil {
		n.Value += len(out.PolicyNames)
	}
	if n.Value > 0 {
		return n.Value, nil
	}
	return 0, errors.Join(err, n.Err)
}

// exchange is a connection to STS and what to ask of it.
type exchange struct {
	sts    *awsapi.STS
	err    error
	clocks *Clocks
	now    func() time.Time
}

// connect opens the connection to STS while the token is under way.
func (w World) connect(ctx context.Context, f *Facts) *exchange {
	e := &exchange{clocks: w.Clocks, now: w.Now}
	switch {
	case f.NoSTS:
		e.err = ErrNotAsked
	case f.Role.Err != nil:
		e.err = ErrNeedsRole
	case w.STS == nil:
		e.err = ErrNotAsked
	}
	if e.err != nil {
		return e
	}
	region := f.Region
	if region == "" {
		region = f.Role.Value.Region()
	}
	if e.sts, e.err = w.STS(ctx, region); e.err == nil {
		e.sts.Preconnect(ctx)
	}
	return e
}

func (e *exchange) close() {
	if e.sts != nil {
		e.sts.Close()
	}
}

// run is the definitive question: one AssumeRoleWithWebIdentity.
func (e *exchange) run(ctx context.Context, f *Facts) (Exchange, error) {
	switch {
	case e.err != nil:
		return Exchange{}, e.err
	case f.Token.Err != nil:
		return Exchange{}, ErrNeedsToken
	}
	life := f.Duration
	if life == 0 {
		life = sessionLife
	}
	answer := Exchange{Endpoint: e.sts.Endpoint.Host}
	out, err := e.sts.AssumeRoleWithWebIdentity(ctx, &sts.AssumeRoleWithWebIdentityInput{
		RoleArn: aws.String(f.Role.Value.String()), RoleSessionName: aws.String(f.SessionName),
		WebIdentityToken: aws.String(f.Token.Value.raw), DurationSeconds: aws.Int32(int32(life / time.Second)),
	})
	if err != nil {
		if response, ok := errors.AsType[*awshttp.ResponseError](err); ok && response.Response != nil {
			e.clocks.note("STS", response.Response.Header.Get("Date"))
		}
		return answer, err
	}
	if at, ok := awsmiddleware.GetServerTime(out.ResultMetadata); ok {
		e.clocks.add(Reading{Whose: "STS", Theirs: at, Ours: e.now()})
	}
	if out.AssumedRoleUser != nil {
		answer.ARN = aws.ToString(out.AssumedRoleUser.Arn)
	}
	return answer, nil
}
