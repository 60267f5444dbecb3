package cli

import (
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/creds"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/hint"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/irsa"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/kubeapi"
)

// The values of --dry-run, with kubectl's meanings.
const (
	dryRunNone   = "none"
	dryRunClient = "client"
	dryRunServer = "server"
)

func dryRunFlag(cmd *cobra.Command, into *string) {
	cmd.Flags().StringVar(into, "dry-run", dryRunNone, "none, client or server: show what would be done")
	cmd.Flags().Lookup("dry-run").NoOptDefVal = dryRunClient
	pre := cmd.PreRunE
	cmd.PreRunE = func(c *cobra.Command, args []string) error {
		if !slices.Contains([]string{dryRunNone, dryRunClient, dryRunServer}, *into) {
			return usagef("--dry-run=%s: use none, client or server", *into)
		}
		if pre != nil {
			return pre(c, args)
		}
		return nil
	}
}

// runDry shows what a login would do. It sends no TokenRequest, since a server
// mints a real token even for a dry run, and asks no STS.
func (o *loginCommand) runDry(ctx context.Context) error {
	warnings, err := o.login.Check()
	if err != nil {
		return err
	}
	report := loginReport{
		TypeMeta: typeMeta("Login"), Profile: o.profile, SetDefault: o.setDefault, Config: o.login.ConfigPath, Mode: o.login.Mode,
		Context: o.cluster.context, Namespace: o.cluster.namespace, ServiceAccount: o.serviceAccount,
		Subject: irsa.Subject(o.cluster.namespace, o.serviceAccount),
		RoleARN: o.roleARN, RoleSource: creds.FromFlag, Audience: o.audience, AudienceSource: creds.FromFlag,
		Region: o.login.Request.Region, Warnings: warnings, DryRun: o.dryRun, Next: nextLine(o.profile),
	}
	account, err := o.login.Exchanger.Core.ServiceAccounts(o.cluster.namespace).Get(ctx, o.serviceAccount, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err) && o.create && o.roleARN != "":
		report.Created = true
		if err = o.createDry(ctx); err != nil {
			return creds.NotCreated(o.cluster.namespace, o.serviceAccount, err)
		}
	case apierrors.IsForbidden(err) && o.roleARN != "" && !o.annotate:
		err = nil
	}
	if err != nil {
		return o.explainLook(ctx, err)
	}
	if err := report.fillFrom(account); err != nil {
		return err
	}
	if _, err := irsa.ParseRoleARN(report.RoleARN, o.login.Request.AnyAccount); err != nil {
		return fmt.Errorf("annotation %s of %s: %w", irsa.AnnotationRoleARN, report.Subject, err)
	}
	if report.Annotated, err = o.annotateDry(ctx, account, report); err != nil {
		return err
	}
	return o.factory.print(o.output, report)
}

// annotateDry reports whether the login would annotate its ServiceAccount, and
// with server lets the server say whether it may: of one that exists.
func (o *loginCommand) annotateDry(ctx context.Context, account *corev1.ServiceAccount, r loginReport) (bool, error) {
	switch {
	case !o.annotate || r.Created:
		return o.annotate, nil
	case o.dryRun == dryRunServer:
		return o.login.AnnotateAccount(ctx, account, r.RoleARN, r.Audience, metav1.DryRunAll)
	}
	changes, err := o.login.Annotations(account, r.RoleARN, r.Audience)
	return len(changes) > 0, err
}

// explainLook says why there is no ServiceAccount to show.
func (o *loginCommand) explainLook(ctx context.Context, err error) error {
	namespace, name := o.cluster.namespace, o.serviceAccount
	doing := fmt.Errorf("looking at serviceaccount %s/%s: %w", namespace, name, err)
	switch {
	case !apierrors.IsNotFound(err):
		return kubeapi.Unreachable(doing)
	case o.roleARN == "":
		return creds.NoAccount(ctx, o.login.Exchanger.Core.ServiceAccounts(namespace), namespace, name)
	}
	return hint.Wrap(doing, fmt.Sprintf("kubectl create serviceaccount %s -n %s", name, namespace))
}

func (o *loginCommand) createDry(ctx context.Context) error {
	if o.dryRun != dryRunServer {
		return nil
	}
	_, err := o.login.Exchanger.Core.ServiceAccounts(o.cluster.namespace).Create(ctx,
		&corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: o.serviceAccount}},
		metav1.CreateOptions{FieldManager: kubeapi.FieldManager, DryRun: []string{metav1.DryRunAll}})
	return err
}

// fillFrom takes what no flag said from the ServiceAccount.
func (l *loginReport) fillFrom(account *corev1.ServiceAccount) error {
	if l.RoleARN == "" {
		if l.RoleARN, l.RoleSource = account.Annotations[irsa.AnnotationRoleARN], creds.FromAnnotation; l.RoleARN == "" {
			return creds.NoRole(account)
		}
	}
	if l.Audience == "" {
		if l.Audience, l.AudienceSource = irsa.DefaultAudience, creds.FromDefault; account != nil && account.Annotations[irsa.AnnotationAudience] != "" {
			l.Audience, l.AudienceSource = account.Annotations[irsa.AnnotationAudience], creds.FromAnnotation
		}
	}
	return nil
}

func (l loginReport) writeDry(w writer) {
	suffix := "(dry run)"
	if l.DryRun == dryRunServer {
		suffix = "(server dry run)"
	}
	if l.Created {
		w.printf("serviceaccount/%s created %s\n", l.ServiceAccount, suffix)
	}
	w.printf("profile %s written to %s %s\n", l.profiles(), l.Config, suffix)
	if l.Annotated {
		w.printf("serviceaccount/%s annotated %s\n", l.ServiceAccount, suffix)
	}
	w.printf("\n")
	w.table([][]string{
		{"  subject", l.Subject},
		{"  role", l.RoleARN + origin(l.RoleSource)},
		{"  audience", l.Audience + origin(l.AudienceSource)},
		{"  mode", string(l.Mode)},
	})
}
