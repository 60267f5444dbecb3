package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/awsapi"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/creds"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/hint"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/irsa"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/kubeapi"
)

type canICommand struct {
	adminFlags
	action, resource string
	serviceAccount   string
	roleARN          string
	quiet            bool
	output           string
	factory          *Factory
}

func newCanICommand(f *Factory, run func(*canICommand, context.Context) error) *cobra.Command {
	o := &canICommand{factory: f}
	cmd := &cobra.Command{
		Use:   "can-i ACTION [RESOURCE]",
		Short: "Ask IAM whether a ServiceAccount's role may do something",
		Long: `Ask IAM whether a ServiceAccount's role may do something.

This is IAM's own simulation of the role's policies and boundary. Policies of
the resource and of the organisation are not part of it. The answer "no" exits
1.
https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_testing-policies.html`,
		Example: `  # May the ServiceAccount's role list this bucket?
  kubectl irsa can-i s3:ListBucket arn:aws:s3:::cart-data --sa cart -n shop`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usageError{hint.Wrap(errors.New("missing ACTION"), "usage: "+cmd.UseLine())}
			}
			return mayHave(2)(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.complete(args); err != nil {
				return err
			}
			return run(o, cmd.Context())
		},
	}
	cmd.Flags().StringVar(&o.serviceAccount, "sa", "", "Name of the ServiceAccount whose role is meant")
	cmd.Flags().StringVar(&o.roleARN, "role-arn", "", "ARN of the role, in place of the ServiceAccount's annotation")
	cmd.Flags().BoolVarP(&o.quiet, "quiet", "q", false, "Print nothing and answer by the exit code")
	o.adminFlags.add(cmd)
	outputFlag(cmd, &o.output, "json", "yaml")
	return cmd
}

func (o *canICommand) complete(args []string) (err error) {
	o.action, o.resource = args[0], "*"
	if len(args) == 2 {
		o.resource = args[1]
	}
	if service, name, ok := strings.Cut(o.action, ":"); !ok || service == "" || name == "" {
		return usagef("%q is not an action: it reads SERVICE:NAME, such as s3:ListBucket", o.action)
	}
	switch {
	case o.serviceAccount == "" && o.roleARN == "":
		return usagef("give --sa NAME or --role-arn ARN")
	case o.roleARN != "":
		if _, err := irsa.ParseRoleARN(o.roleARN, irsa.TwelveDigits); err != nil {
			return usageError{fmt.Errorf("--role-arn: %w", err)}
		}
	default:
		o.serviceAccount, err = serviceAccountName(o.serviceAccount)
	}
	return err
}

func (o *canICommand) run(ctx context.Context) error {
	if o.roleARN == "" {
		if err := o.annotated(ctx); err != nil {
			return err
		}
	}
	admin, err := o.admin(ctx, o.factory)
	if err != nil {
		return err
	}
	out, err := admin.IAM.SimulatePrincipalPolicy(ctx, &iam.SimulatePrincipalPolicyInput{
		PolicySourceArn: aws.String(o.roleARN), ActionNames: []string{o.action}, ResourceArns: []string{o.resource},
	})
	if awsapi.Code(err) == "InvalidAction" {
		err = hint.Wrap(err, "this server does not simulate policies: try the action itself", "kubectl irsa exec SERVICEACCOUNT -- aws ...")
	}
	if err != nil {
		return fmt.Errorf("simulating %s as %s: %w", o.action, o.roleARN, awsapi.Denied(err, "iam:SimulatePrincipalPolicy"))
	}
	if len(out.EvaluationResults) == 0 {
		return fmt.Errorf("simulating %s as %s: IAM gave no result", o.action, o.roleARN)
	}
	answer := answerOf(o, out.EvaluationResults[0])
	if !o.quiet {
		if err := o.factory.print(o.output, answer); err != nil {
			return err
		}
	}
	if answer.Allowed {
		return nil
	}
	if other := meant(o.action); other != "" && !o.quiet {
		o.factory.note("note: %s", other)
	}
	return childError{exitFailed}
}

// annotated takes the role from the ServiceAccount.
func (o *canICommand) annotated(ctx context.Context) error {
	c, err := o.factory.cluster()
	if err != nil {
		return err
	}
	core, err := c.core()
	if err != nil {
		return err
	}
	accounts := core.ServiceAccounts(c.namespace)
	account, err := accounts.Get(ctx, o.serviceAccount, metav1.GetOptions{})
	if err != nil {
		err = fmt.Errorf("reading serviceaccount %s/%s for its role: %w", c.namespace, o.serviceAccount, err)
		if !apierrors.IsNotFound(err) {
			return kubeapi.Unreachable(err)
		}
		if near := kubeapi.Near(ctx, accounts, o.serviceAccount); len(near) > 0 {
			return hint.Wrap(err, "did you mean "+strings.Join(near, " or ")+"?")
		}
		return hint.Wrap(err, "kubectl get serviceaccounts -n "+c.namespace)
	}
	if o.roleARN = account.Annotations[irsa.AnnotationRoleARN]; o.roleARN == "" {
		return creds.NoRole(account)
	}
	return nil
}

type canIAnswer struct {
	TypeMeta
	RoleARN  string   `json:"roleArn"`
	Action   string   `json:"action"`
	Resource string   `json:"resource"`
	Allowed  bool     `json:"allowed"`
	Decision string   `json:"decision"` // allowed, explicitDeny or implicitDeny
	Policies []string `json:"policies"` // whose statements matched
	Detail   string   `json:"detail,omitempty"`
}

func answerOf(o *canICommand, r iamtypes.EvaluationResult) canIAnswer {
	a := canIAnswer{
		TypeMeta: typeMeta("Access"), RoleARN: o.roleARN, Action: o.action, Resource: o.resource,
		Allowed: r.EvalDecision == iamtypes.PolicyEvaluationDecisionTypeAllowed, Decision: string(r.EvalDecision), Policies: []string{},
	}
	for _, statement := range r.MatchedStatements {
		a.Policies = append(a.Policies, aws.ToString(statement.SourcePolicyId))
	}
	boundary := r.PermissionsBoundaryDecisionDetail
	organization := r.OrganizationsDecisionDetail
	switch {
	case a.Allowed:
	case boundary != nil && !boundary.AllowedByPermissionsBoundary:
		a.Detail = "the role's permissions boundary does not allow it"
	case organization != nil && !organization.AllowedByOrganizations:
		a.Detail = "a policy of the organization does not allow it"
	case a.Decision == string(iamtypes.PolicyEvaluationDecisionTypeExplicitDeny):
		a.Detail = "a statement denies it"
	default:
		a.Detail = "no statement allows it"
	}
	return a
}

func (a canIAnswer) writeText(w writer) {
	if a.Allowed {
		w.printf("yes%s\n", by(a.Policies))
		return
	}
	w.printf("no: %s%s\n", a.Detail, by(a.Policies))
}

func by(policies []string) string {
	if len(policies) == 0 {
		return ""
	}
	return " (" + strings.Join(policies, ", ") + ")"
}
