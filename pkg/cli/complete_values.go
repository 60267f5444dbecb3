package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/spf13/cobra"
	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/awsapi"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/awsconfig"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/check"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/irsa"
)

// completionPage is the most that a completion asks a server for: nobody
// chooses from a longer list.
const completionPage = 500

// described is a value with a description, as cobra wants them. A description may be
// anybody's text, and steers no terminal.
func described(value, about string) string {
	if about == "" {
		return value
	}
	return value + "\t" + check.Visible(about)
}

func (f *Factory) kubeconfig() clientcmdapi.Config {
	raw, err := f.kube.ToRawKubeConfigLoader().RawConfig()
	if err != nil {
		return clientcmdapi.Config{}
	}
	return raw
}

func (f *Factory) contexts(context.Context, *cobra.Command) (all []string) {
	for name, c := range f.kubeconfig().Contexts {
		all = append(all, described(name, "cluster "+c.Cluster))
	}
	return all
}

func (f *Factory) clusters(context.Context, *cobra.Command) (all []string) {
	for name, c := range f.kubeconfig().Clusters {
		all = append(all, described(name, c.Server))
	}
	return all
}

func (f *Factory) users(context.Context, *cobra.Command) (all []string) {
	for name := range f.kubeconfig().AuthInfos {
		all = append(all, name)
	}
	return all
}

// completionCore is the client of the context that the line names so far. An
// exec plugin that would ask a person something fails instead.
func (f *Factory) completionCore() (corev1client.CoreV1Interface, string, bool) {
	c, err := f.cluster()
	if err != nil {
		return nil, "", false
	}
	c.config.Timeout = completionLimit
	if c.config.ExecProvider != nil {
		c.config.ExecProvider.StdinUnavailable = true
		c.config.ExecProvider.StdinUnavailableMessage = "completion asks nobody"
	}
	core, err := c.core()
	return core, c.namespace, err == nil
}

var completionList = metav1.ListOptions{Limit: completionPage}

func (f *Factory) namespaces(ctx context.Context, _ *cobra.Command) (all []string) {
	core, _, ok := f.completionCore()
	if !ok {
		return nil
	}
	list, err := core.Namespaces().List(ctx, completionList)
	if err != nil {
		return nil
	}
	for _, namespace := range list.Items {
		all = append(all, namespace.Name)
	}
	return all
}

func (f *Factory) serviceAccounts(ctx context.Context, _ *cobra.Command) (all []string) {
	core, namespace, ok := f.completionCore()
	if !ok {
		return nil
	}
	list, err := core.ServiceAccounts(namespace).List(ctx, completionList)
	if err != nil {
		return nil
	}
	for _, account := range list.Items {
		all = append(all, described(account.Name, account.Annotations[irsa.AnnotationRoleARN]))
	}
	return all
}

func (f *Factory) pods(ctx context.Context, _ *cobra.Command) (all []string) {
	core, namespace, ok := f.completionCore()
	if !ok {
		return nil
	}
	list, err := core.Pods(namespace).List(ctx, completionList)
	if err != nil {
		return nil
	}
	for _, pod := range list.Items {
		all = append(all, described(pod.Name, "serviceaccount "+pod.Spec.ServiceAccountName))
	}
	return all
}

func (f *Factory) deployments(ctx context.Context, _ *cobra.Command) (all []string) {
	core, namespace, ok := f.completionCore()
	if !ok {
		return nil
	}
	text, err := core.RESTClient().Get().AbsPath("/apis/apps/v1/namespaces", namespace, "deployments").
		Param("limit", strconv.Itoa(completionPage)).DoRaw(ctx)
	var list appsv1.DeploymentList
	if err != nil || json.Unmarshal(text, &list) != nil {
		return nil
	}
	for _, deployment := range list.Items {
		all = append(all, described(deployment.Name, "serviceaccount "+cmp.Or(deployment.Spec.Template.Spec.ServiceAccountName, "default")))
	}
	return all
}

func (f *Factory) ownProfiles(context.Context, *cobra.Command) (all []string) {
	book, err := f.book()
	if err != nil {
		return nil
	}
	owned, err := book.List()
	if err != nil {
		return nil
	}
	for _, p := range owned {
		all = append(all, described(p.Name, p.Pinned.Namespace+"/"+p.Pinned.ServiceAccount+" in "+p.Pinned.Context))
	}
	return all
}

func (f *Factory) allProfiles(context.Context, *cobra.Command) []string { return f.awsProfiles() }

// awsProfiles are the names of the profiles in both files of the AWS CLI.
func (f *Factory) awsProfiles() (all []string) {
	if path, err := awsconfig.ConfigPath(f.Getenv); err == nil {
		if file, err := awsconfig.Read(path); err == nil {
			for _, profile := range file.Profiles() {
				all = append(all, profile.Name)
			}
		}
	}
	if path, err := awsconfig.CredentialsPath(f.Getenv); err == nil {
		if file, err := awsconfig.Read(path); err == nil {
			all = append(all, file.Bare()...)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// completionAdmin are clients with the credentials that the line names so far,
// where they answer in time.
func (f *Factory) completionAdmin(ctx context.Context, cmd *cobra.Command) (*awsapi.Admin, bool) {
	var flags adminFlags
	for name, into := range map[string]*string{"aws-profile": &flags.awsProfile, "aws-region": &flags.awsRegion} {
		if flag := cmd.Flag(name); flag != nil {
			*into = flag.Value.String()
		}
	}
	admin, err := flags.admin(ctx, f)
	return admin, err == nil && admin.HasCredentials(ctx) == nil
}

func (f *Factory) roleNames(ctx context.Context, cmd *cobra.Command) []string {
	return f.roles(ctx, cmd, func(name, arn string) string { return described(name, arn) })
}

func (f *Factory) roleARNs(ctx context.Context, cmd *cobra.Command) []string {
	return f.roles(ctx, cmd, func(_, arn string) string { return arn })
}

func (f *Factory) roles(ctx context.Context, cmd *cobra.Command, write func(name, arn string) string) (all []string) {
	admin, ok := f.completionAdmin(ctx, cmd)
	if !ok {
		return nil
	}
	list, err := admin.IAM.ListRoles(ctx, &iam.ListRolesInput{MaxItems: aws.Int32(completionPage)})
	if err != nil {
		return nil
	}
	for _, role := range list.Roles {
		all = append(all, write(aws.ToString(role.RoleName), aws.ToString(role.Arn)))
	}
	return all
}

func (f *Factory) buckets(ctx context.Context, cmd *cobra.Command) (all []string) {
	admin, ok := f.completionAdmin(ctx, cmd)
	if !ok {
		return nil
	}
	list, err := admin.S3.ListBuckets(ctx, &s3.ListBucketsInput{})
	if err != nil {
		return nil
	}
	for _, bucket := range list.Buckets {
		all = append(all, aws.ToString(bucket.Name))
	}
	return all
}

func (f *Factory) bucketURLs(ctx context.Context, cmd *cobra.Command) (all []string) {
	for _, bucket := range f.buckets(ctx, cmd) {
		all = append(all, "s3://"+bucket)
	}
	return all
}
