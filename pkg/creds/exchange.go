package creds

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	ststypes "github.com/aws/aws-sdk-go-v2/service/sts/types"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/abreast"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/awsapi"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/hint"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/irsa"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/kubeapi"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/oidc"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/token"
)

// Request is one ServiceAccount to become.
type Request struct {
	Namespace, ServiceAccount string

	RoleARN       string // "" takes the ServiceAccount's annotation
	Audience      string // "" takes the annotation, else irsa.DefaultAudience
	Issuer        string // what the token's iss must be, byte for byte; "" takes any
	Region        string // of the STS endpoint; "" takes that of the role's partition
	SessionName   string
	Duration      time.Duration // of the session; 0 leaves it to STS (one hour)
	TokenDuration time.Duration // of the token
	Policy        string        // a session policy, JSON
	PolicyARNs    []string      // managed session policies
	Create        bool          // make a ServiceAccount that is missing, where RoleARN is given
	AnyAccount    bool          // the STS is not AWS's: an account need not be twelve digits
}

// Session is what an exchange gave, and where each choice came from.
type Session struct {
	Credentials Credentials

	Token          token.Token
	Issuer         string
	Subject        string
	RoleARN        irsa.RoleARN
	RoleSource     Source
	Audience       string
	AudienceSource Source
	Region         string
	RegionGuessed  bool   // nobody chose it: it is the partition's
	STSEndpointURL string // of the STS that was asked, as a flag or a setting names it; "" where it is the region's own
	Created        bool   // the ServiceAccount was made
	Annotated      bool   // it already carried the role's annotation with this very value

	Account *corev1.ServiceAccount // as it was read for role or audience; nil where both were named
}

// Source says who chose a value.
type Source string

// Who can choose the role and the audience.
const (
	FromFlag       Source = "flag"
	FromAnnotation Source = "annotation"
	FromDefault    Source = "default"
)

// Exchanger is the outside world of an exchange.
type Exchanger struct {
	Core corev1client.ServiceAccountsGetter
	STS  func(ctx context.Context, region string) (*awsapi.STS, error)
	Now  func() time.Time

	// Admin is an AWS profile that may hold credentials for IAM, for advice after a
	// refusal; "" is none. It may be nil.
	Admin func() string
}

// Run asks the cluster for a token and STS for a session of the role. With
// role and audience known that is one TokenRequest and one call of STS, whose
// connection opens meanwhile. What is open is read from the ServiceAccount
// beside a TokenRequest for the usual audience.
func (x Exchanger) Run(ctx context.Context, r Request) (Session, error) {
	s, err := x.run(ctx, r)
	if err != nil && s.Created {
		return s, left(ctx, x.Core.ServiceAccounts(r.Namespace), r, err)
	}
	return s, err
}

// left says that a ServiceAccount which was made for a login that failed is still
// there, and which one may have been meant.
func left(ctx context.Context, accounts corev1client.ServiceAccountInterface, r Request, err error) error {
	lines := []string{fmt.Sprintf("serviceaccount %s/%s was created for this and is still there; take it away with", r.Namespace, r.ServiceAccount),
		fmt.Sprintf("kubectl delete serviceaccount %s -n %s", r.ServiceAccount, r.Namespace)}
	near := slices.DeleteFunc(kubeapi.Near(ctx, accounts, r.ServiceAccount), func(name string) bool { return name == r.ServiceAccount })
	if len(near) > 0 {
		lines = append([]string{"did you mean " + strings.Join(near, " or ") + "?"}, lines...)
	}
	return hint.Wrap(err, lines...)
}

func (x Exchanger) run(ctx context.Context, r Request) (Session, error) {
	s := Session{Subject: irsa.Subject(r.Namespace, r.ServiceAccount), RoleSource: FromFlag, AudienceSource: FromFlag}
	client := &connecting{open: x.STS}
	defer client.close()
	if r.RoleARN != "" {
		if err := s.role(r, r.RoleARN, FromFlag); err != nil {
			return s, err
		}
	}
	if s.Region = r.Region; s.Region == "" && r.RoleARN != "" {
		s.Region, s.RegionGuessed = s.RoleARN.Region(), true
	}
	if err := client.start(ctx, s.Region); err != nil {
		return s, err
	}
	if err := x.mint(ctx, r, &s); err != nil {
		return s, err
	}
	if s.Region == "" {
		s.Region, s.RegionGuessed = s.RoleARN.Region(), true
		if err := client.start(ctx, s.Region); err != nil {
			return s, err
		}
	}
	minted, err := oidc.ParseToken(s.Token.Raw())
	if err != nil {
		return s, fmt.Errorf("reading the token that the cluster gave: %w", err)
	}
	if s.Issuer = minted.Claims.Issuer; r.Issuer != "" && r.Issuer != s.Issuer {
		return s, hint.Wrap(fmt.Errorf("the cluster's tokens say issuer %q, this profile was made for %q", s.Issuer, r.Issuer),
			"the kubeconfig context leads to another cluster now, or the cluster's issuer was changed: log in again")
	}
	s.STSEndpointURL = aws.ToString(client.sts.Options().BaseEndpoint)
	return s, x.assume(ctx, client.sts, r, &s)
}

func (s *Session) role(r Request, arn string, from Source) (err error) {
	s.RoleARN, err = irsa.ParseRoleARN(arn, r.AnyAccount)
	s.RoleSource = from
	return err
}

// mint fills in the token and, where they are open, the role and the audience.
func (x Exchanger) mint(ctx context.Context, r Request, s *Session) error {
	accounts := x.Core.ServiceAccounts(r.Namespace)
	ask := func(ctx context.Context) (token.Token, error) {
		return token.Create(ctx, accounts, token.Request{
			Namespace: r.Namespace, ServiceAccount: r.ServiceAccount,
			Audiences: []string{s.Audience}, Duration: r.TokenDuration,
		})
	}
	if s.Audience = r.Audience; s.Audience == "" {
		s.Audience, s.AudienceSource = irsa.DefaultAudience, FromDefault
	}
	var err error
	if r.RoleARN != "" && r.Audience != "" {
		s.Token, err = ask(ctx)
	} else {
		err = x.mintBeside(ctx, accounts, r, s, ask)
	}
	if !token.NoServiceAccount(err) || !r.Create || r.RoleARN == "" {
		return err
	}
	if _, err := accounts.Create(ctx, &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: r.ServiceAccount}},
		metav1.CreateOptions{FieldManager: kubeapi.FieldManager}); err != nil && !apierrors.IsAlreadyExists(err) {
		return NotCreated(r.Namespace, r.ServiceAccount, err)
	}
	s.Created = true
	s.Token, err = ask(ctx)
	return err
}

// NoAccount says that a ServiceAccount is missing and that nobody named a role
// to create it for. It looks for one that may be meant.
func NoAccount(ctx context.Context, accounts corev1client.ServiceAccountInterface, namespace, serviceAccount string) error {
	gone := fmt.Errorf("serviceaccount %s/%s does not exist, and no role is known for it", namespace, serviceAccount)
	if near := kubeapi.Near(ctx, accounts, serviceAccount); len(near) > 0 {
		return hint.Wrap(gone, "did you mean "+strings.Join(near, " or ")+"?")
	}
	return hint.Wrap(gone, fmt.Sprintf("name a role, and login creates serviceaccount %s/%s for it:", namespace, serviceAccount),
		fmt.Sprintf("kubectl irsa login %s -n %s --role-arn ARN", serviceAccount, namespace))
}

// NotCreated says that a ServiceAccount could not be made, and who could.
func NotCreated(namespace, serviceAccount string, err error) error {
	doing := fmt.Errorf("creating serviceaccount %s/%s: %w", namespace, serviceAccount, err)
	if !apierrors.IsForbidden(err) {
		return doing
	}
	return hint.Wrap(doing, "ask an administrator of the cluster for this:",
		fmt.Sprintf("kubectl create serviceaccount %s -n %s", serviceAccount, namespace))
}

// mintBeside reads the ServiceAccount on the connection that its TokenRequest
// has opened. Only an annotation with another audience needs a second token.
func (x Exchanger) mintBeside(ctx context.Context, accounts corev1client.ServiceAccountInterface,
	r Request, s *Session, ask func(context.Context) (token.Token, error)) error {
	reached, wait := abreast.Lead(ctx, func(ctx context.Context) (err error) {
		s.Token, err = ask(ctx)
		return err
	})
	if !reached {
		return wait() // nobody is there to ask for anything else
	}
	account, lookErr := accounts.Get(ctx, r.ServiceAccount, metav1.GetOptions{})
	mintErr := wait()
	switch {
	case mintErr != nil && (r.RoleARN != "" || !token.NoServiceAccount(mintErr)):
		return mintErr
	case mintErr != nil:
		return NoAccount(ctx, accounts, r.Namespace, r.ServiceAccount)
	case lookErr != nil && r.RoleARN != "":
		return nil // not allowed to look is no failure where the role is given
	case lookErr != nil && apierrors.IsForbidden(lookErr) && !kubeapi.Anonymous(lookErr):
		return hint.Wrap(fmt.Errorf("reading serviceaccount %s/%s for its role: %w", r.Namespace, r.ServiceAccount, lookErr),
			"name the role with --role-arn, or ask an administrator of the cluster for this:",
			kubeapi.Grant(r.Namespace, r.ServiceAccount, kubeapi.UserOf(lookErr)))
	case lookErr != nil:
		return hint.Wrap(fmt.Errorf("reading serviceaccount %s/%s for its role: %w", r.Namespace, r.ServiceAccount, lookErr),
			"a role that is named needs no look at the ServiceAccount:",
			fmt.Sprintf("kubectl irsa login %s -n %s --role-arn ARN", r.ServiceAccount, r.Namespace))
	}
	return x.take(ctx, account, r, s, ask)
}

// take takes what is open from the ServiceAccount's annotations.
func (x Exchanger) take(ctx context.Context, account *corev1.ServiceAccount, r Request, s *Session,
	ask func(context.Context) (token.Token, error)) (err error) {
	s.Account = account
	annotated := account.Annotations[irsa.AnnotationRoleARN]
	if s.Annotated = annotated != "" && (r.RoleARN == "" || r.RoleARN == annotated); r.RoleARN == "" {
		if annotated == "" {
			return NoRole(account)
		}
		if err := s.role(r, annotated, FromAnnotation); err != nil {
			return fmt.Errorf("annotation %s of serviceaccount %s/%s: %w", irsa.AnnotationRoleARN, r.Namespace, r.ServiceAccount, err)
		}
	}
	audience := account.Annotations[irsa.AnnotationAudience]
	if r.Audience != "" || audience == "" {
		return nil
	}
	s.AudienceSource = FromAnnotation
	if audience == s.Audience {
		return nil
	}
	s.Audience = audience
	s.Token, err = ask(ctx)
	return err
}

func (x Exchanger) assume(ctx context.Context, client *awsapi.STS, r Request, s *Session) error {
	in := &sts.AssumeRoleWithWebIdentityInput{
		RoleArn:          aws.String(s.RoleARN.String()),
		RoleSessionName:  aws.String(r.SessionName),
		WebIdentityToken: aws.String(s.Token.Raw()),
	}
	if r.Duration != 0 {
		in.DurationSeconds = aws.Int32(int32(r.Duration / time.Second))
	}
	if r.Policy != "" {
		in.Policy = aws.String(r.Policy)
	}
	for _, arn := range r.PolicyARNs {
		in.PolicyArns = append(in.PolicyArns, ststypes.PolicyDescriptorType{Arn: aws.String(arn)})
	}
	issued := x.Now()
	out, err := client.AssumeRoleWithWebIdentity(ctx, in)
	if err != nil {
		admin := ""
		if x.Admin != nil {
			admin = x.Admin()
		}
		return refused(client, r, s, admin, err)
	}
	if out.Credentials == nil || out.Credentials.Expiration == nil {
		return fmt.Errorf("STS at %s answered without credentials", client.Endpoint.Host)
	}
	if now := x.Now(); !out.Credentials.Expiration.After(now) {
		return hint.Wrap(fmt.Errorf("the session that STS gave ended at %s, this machine's clock says %s",
			out.Credentials.Expiration.UTC().Format(time.RFC3339), now.UTC().Format(time.RFC3339)), "set the clock")
	}
	s.Credentials = Credentials{
		AccessKeyID:     aws.ToString(out.Credentials.AccessKeyId),
		SecretAccessKey: aws.ToString(out.Credentials.SecretAccessKey),
		SessionToken:    aws.ToString(out.Credentials.SessionToken),
		Expiration:      *out.Credentials.Expiration,
		Issued:          issued,
		AccountID:       s.RoleARN.Account,
	}
	if out.AssumedRoleUser != nil {
		s.Credentials.RoleSessionARN = aws.ToString(out.AssumedRoleUser.Arn)
	}
	return nil
}

// connecting opens the connection to STS as soon as the region is known.
type connecting struct {
	open func(context.Context, string) (*awsapi.STS, error)
	sts  *awsapi.STS
}

func (c *connecting) start(ctx context.Context, region string) (err error) {
	if region == "" {
		return nil
	}
	if c.sts, err = c.open(ctx, region); err != nil {
		return err
	}
	c.sts.Preconnect(ctx)
	return nil
}

func (c *connecting) close() {
	if c.sts != nil {
		c.sts.Close()
	}
}
