package creds

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	ststypes "github.com/aws/aws-sdk-go-v2/service/sts/types"
	corev1 "k8s.io/api/core/v1"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/awsapi"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/hint"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/irsa"
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

	// Accept is asked, with the ServiceAccount in it, about the session that STS is
	// going to be asked for. Its error ends the exchange. Nil accepts every one.
	Accept func(Session) error
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

	Account *corev1.ServiceAccount // as it was read or made; nil where nobody had to look at it
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
	Core interface {
		corev1client.ServiceAccountsGetter
		corev1client.NamespacesGetter
	}
	STS func(ctx context.Context, region string) (*awsapi.STS, error)
	Now func() time.Time

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
	minting := minting{Request: r, accounts: x.Core.ServiceAccounts(r.Namespace), session: &s}
	if err := minting.run(ctx); err != nil {
		return s, lost(ctx, x.Core.Namespaces(), r.Namespace, err)
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
