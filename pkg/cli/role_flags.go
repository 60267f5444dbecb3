package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/awsapi"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/irsa"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/provider"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/role"
)

// roleFlags say what a role is to be.
type roleFlags struct {
	path, boundary, policyFile string
	policyARNs, tags           []string
	maxSession                 time.Duration
}

func (r *roleFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringArrayVar(&r.policyARNs, "policy-arn", nil, "ARN of a managed policy to attach; may be repeated")
	flags.StringVar(&r.policyFile, "policy-file", "", "File with an inline policy, - for standard input")
	flags.StringVar(&r.boundary, "permissions-boundary", "", "ARN of the policy that bounds what the role may do")
	flags.StringVar(&r.path, "path", "", "Path of a new role, as /team/")
	flags.DurationVar(&r.maxSession, "max-session-duration", 0, "Longest session of the role, 1h to 12h; default of a new role: 1h")
	tagsFlag(cmd, &r.tags)
}

// spec is the role, checked as far as nobody has to be asked.
func (r *roleFlags) spec(f *Factory, name string) (role.Spec, error) {
	spec := role.Spec{Name: name, Path: r.path, PolicyARNs: r.policyARNs, Boundary: r.boundary, MaxSession: r.maxSession}
	var err error
	if spec.Tags, err = parseTags(r.tags); err != nil {
		return spec, err
	}
	if spec.Inline, err = readPolicyFile(r.policyFile, f.Streams.In); err != nil {
		return spec, err
	}
	if err := spec.Check(); err != nil {
		return spec, usageError{err}
	}
	return spec, nil
}

// maxPolicyFile bounds what is read: IAM takes 10240 characters besides blanks.
const maxPolicyFile = 1 << 20

func readPolicyFile(path string, in io.Reader) (text []byte, err error) {
	switch path {
	case "":
		return nil, nil
	case "-":
		text, err = io.ReadAll(io.LimitReader(in, maxPolicyFile+1))
	default:
		text, err = os.ReadFile(path)
	}
	switch {
	case err != nil:
		return nil, fmt.Errorf("reading the policy: %w", err)
	case len(text) > maxPolicyFile:
		return nil, fmt.Errorf("reading the policy: %s is longer than any policy", path)
	}
	return text, nil
}

// roleNamed takes the name of a role, or its ARN.
func roleNamed(arg string) (irsa.RoleARN, error) {
	named, err := role.Named(arg)
	if err != nil {
		return named, usageError{err}
	}
	return named, nil
}

// trustFlags say who is trusted.
type trustFlags struct {
	issuerFlag
	serviceAccounts []string
	patterns        []string
	audience        string
}

func (t *trustFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&t.serviceAccounts, "sa", nil, "ServiceAccount of the namespace (-n) that the role trusts; may be repeated")
	cmd.Flags().StringArrayVar(&t.patterns, "subject-pattern", nil, "Pattern of subjects with * and ?, as system:serviceaccount:shop:*; may be repeated")
	cmd.Flags().StringVar(&t.audience, "audience", irsa.DefaultAudience, "Audience that a token must have")
	t.issuerFlag.add(cmd)
}

// check refuses what cannot be meant, before anybody is asked.
func (t *trustFlags) check() error {
	if len(t.serviceAccounts)+len(t.patterns) == 0 {
		return usagef("name the ServiceAccount with --sa NAME, or a pattern with --subject-pattern")
	}
	for _, arg := range t.serviceAccounts {
		if _, err := serviceAccountName(arg); err != nil {
			return err
		}
	}
	for _, p := range t.patterns {
		if err := role.CheckPattern(p); err != nil {
			return usageError{fmt.Errorf("--subject-pattern: %w", err)}
		}
	}
	if err := provider.CheckAudience(t.audience); err != nil {
		return usageError{fmt.Errorf("--audience: %w", err)}
	}
	return nil
}

// subjects are those that the flags name.
func (t *trustFlags) subjects(namespace string) (subjects []string, err error) {
	for _, arg := range t.serviceAccounts {
		name, err := serviceAccountName(arg)
		if err != nil {
			return nil, err
		}
		subjects = append(subjects, irsa.Subject(namespace, name))
	}
	return append(subjects, t.patterns...), nil
}

// namespace is that of the kubeconfig, or of -n.
func (f *Factory) namespace() (string, error) {
	namespace, _, err := f.kube.ToRawKubeConfigLoader().Namespace()
	if err != nil {
		return "", explainKubeconfig(err)
	}
	return namespace, nil
}

// providerOf gives the ARN of an issuer's provider, "" where the account has
// none. It asks once.
func providerOf(admin *awsapi.Admin, issuer string) func(context.Context) (string, error) {
	look := &provider.Ensure{IAM: admin.IAM, Issuer: issuer, Existing: true}
	return func(ctx context.Context) (string, error) {
		_, err := look.Look(ctx)
		return look.ARN(), err
	}
}
