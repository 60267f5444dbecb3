package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/doctor"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/hint"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/kubeapi"
)

// inspectWorkloadCommand is inspect pod and inspect deploy.
type inspectWorkloadCommand struct {
	chainFlags
	kind, name string
	factory    *Factory
}

func newInspectPodCommand(f *Factory, run func(*inspectWorkloadCommand, context.Context) error) *cobra.Command {
	o := &inspectWorkloadCommand{factory: f, kind: "Pod"}
	return o.command(&cobra.Command{
		Use:     "pod NAME",
		Aliases: []string{"pods", "po"},
		Short:   "Say whether a pod's containers get the credentials of its role",
		Long: `Say whether a pod's containers get the credentials of its role.

Follows the chain of the pod's ServiceAccount, and looks at what each container
was given: token, role, region, and other credentials that would win.`,
		Example: `  # Why a pod has no credentials
  kubectl irsa inspect pod cart-7d4b9 -n shop`,
	}, run)
}

func newInspectDeployCommand(f *Factory, run func(*inspectWorkloadCommand, context.Context) error) *cobra.Command {
	o := &inspectWorkloadCommand{factory: f, kind: "Deployment"}
	return o.command(&cobra.Command{
		Use:     "deploy NAME",
		Aliases: []string{"deployment", "deployments"},
		Short:   "Say whether a Deployment's pods get the credentials of their role",
		Example: `  # The chain of a Deployment's ServiceAccount, and its template
  kubectl irsa inspect deploy cart -n shop`,
	}, run)
}

func (o *inspectWorkloadCommand) command(cmd *cobra.Command, run func(*inspectWorkloadCommand, context.Context) error) *cobra.Command {
	cmd.Args = needs("NAME")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if kind, _, slash := strings.Cut(args[0], "/"); slash && kind != cmd.Name() && !cmd.HasAlias(kind) {
			return usagef("%q is not a %s: give its name, or %s/NAME", args[0], o.kind, cmd.Name())
		}
		if err := o.complete(args); err != nil {
			return err
		}
		return run(o, cmd.Context())
	}
	o.chainFlags.add(cmd, chainChecks)
	return cmd
}

func (o *inspectWorkloadCommand) complete(args []string) error {
	kind, name, slash := strings.Cut(args[0], "/")
	if !slash {
		name = kind
	}
	if name == "" || strings.Contains(name, "/") {
		return usagef("%q is not the name of a %s", args[0], o.kind)
	}
	o.name = name
	if err := o.checkFlags(); err != nil {
		return err
	}
	return o.verdictFlags.check()
}

func (o *inspectWorkloadCommand) run(ctx context.Context) error {
	c, err := o.factory.cluster()
	if err != nil {
		return err
	}
	ctx, cancel := c.within(ctx)
	defer cancel()
	core, err := c.core()
	if err != nil {
		return err
	}
	workload, err := o.read(ctx, core, c.namespace)
	if err != nil {
		return err
	}
	account := workload.Spec.ServiceAccountName
	if account == "" {
		account = "default"
	}
	t := o.target(o.factory, c, account)
	t.Workload = workload
	facts, err := o.collect(ctx, o.factory, c, t)
	if err != nil {
		return err
	}
	return o.report(o.factory, c, chainSubject{o.kind, c.namespace, o.name}, facts, doctor.ServiceAccountChecks())
}

func (o *inspectWorkloadCommand) read(ctx context.Context, core corev1client.CoreV1Interface, namespace string) (*doctor.Workload, error) {
	if o.kind == "Pod" {
		pod, err := core.Pods(namespace).Get(ctx, o.name, metav1.GetOptions{})
		if err != nil {
			return nil, o.missing(ctx, core, namespace, err)
		}
		workload := doctor.PodWorkload(pod)
		return &workload, nil
	}
	var deployment appsv1.Deployment
	if err := get(ctx, core, "/apis/apps/v1/namespaces/"+namespace+"/deployments/"+o.name, &deployment); err != nil {
		return nil, o.missing(ctx, core, namespace, err)
	}
	template := deployment.Spec.Template
	return &doctor.Workload{
		Kind: o.kind, Name: deployment.Name, Annotations: template.Annotations, Outer: deployment.Annotations,
		Labels: template.Labels, Spec: template.Spec,
	}, nil
}

// get reads an object of a group that has no typed client here.
func get(ctx context.Context, core corev1client.CoreV1Interface, path string, into any) error {
	answer := core.RESTClient().Get().AbsPath(path).SetHeader("Accept", "application/json").Do(ctx)
	if err := answer.Error(); err != nil {
		return err
	}
	text, err := answer.Raw()
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("reading %s: %w", path, err)
	}
	return nil
}

// missing names those that are almost called so.
func (o *inspectWorkloadCommand) missing(ctx context.Context, core corev1client.CoreV1Interface, namespace string, err error) error {
	kind := strings.ToLower(o.kind)
	if !apierrors.IsNotFound(err) {
		return kubeapi.Unreachable(fmt.Errorf("reading %s %s/%s: %w", kind, namespace, o.name, err))
	}
	if err := lost(ctx, doctor.World{Core: core}, namespace); err != nil {
		return err
	}
	gone := fmt.Errorf("there is no %s %s in namespace %s", kind, o.name, namespace)
	var names []string
	if o.kind == "Pod" {
		if pods, err := core.Pods(namespace).List(ctx, metav1.ListOptions{Limit: pageSize}); err == nil {
			names = namesOf(pods.Items)
		}
	} else {
		var list appsv1.DeploymentList
		if get(ctx, core, "/apis/apps/v1/namespaces/"+namespace+"/deployments", &list) == nil {
			for i := range list.Items {
				names = append(names, list.Items[i].Name)
			}
		}
	}
	if near := hint.Nearest(o.name, names); len(near) > 0 {
		return hint.Wrap(gone, "did you mean "+strings.Join(near, " or ")+"?")
	}
	return hint.Wrap(gone, "kubectl get "+kind+"s -n "+namespace)
}

func namesOf(pods []corev1.Pod) []string {
	var names []string
	for i := range pods {
		names = append(names, pods[i].Name)
	}
	return names
}
