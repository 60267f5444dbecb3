package cli

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/client-go/rest"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/awsapi"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/bindings"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/oidc"
)

func newGetCommand(f *Factory) *cobra.Command {
	return group("get", "List bindings of ServiceAccounts, roles and providers",
		newGetSACommand(f, (*getSACommand).run),
		newGetRolesCommand(f, (*getRolesCommand).run),
		newGetProvidersCommand(f, (*getProvidersCommand).run),
	)
}

type getSACommand struct {
	adminFlags
	all      bool
	selector string
	dangling bool
	pageSize int64
	output   string
	factory  *Factory
}

func newGetSACommand(f *Factory, run func(*getSACommand, context.Context) error) *cobra.Command {
	o := &getSACommand{factory: f}
	cmd := &cobra.Command{
		Use:     "sa",
		Aliases: []string{"serviceaccounts", "serviceaccount"},
		Short:   "List which ServiceAccount is bound to which role",
		Long: `List which ServiceAccount is bound to which role.

Brings the annotations of the cluster and the trust policies of IAM together.
Without AWS credentials the roles' side is unknown.`,
		Example: `  # Every binding of the cluster
  kubectl irsa get sa -A

  # What points at nothing: roles that are gone, ServiceAccounts that are gone
  kubectl irsa get sa -A --dangling`,
		Args: nothing,
		RunE: func(cmd *cobra.Command, _ []string) error { return run(o, cmd.Context()) },
	}
	cmd.Flags().BoolVarP(&o.all, "all-namespaces", "A", false, "Look at all namespaces")
	cmd.Flags().StringVarP(&o.selector, "selector", "l", "", "Label selector of ServiceAccounts")
	cmd.Flags().BoolVar(&o.dangling, "dangling", false, "List only bindings one side of which is missing")
	cmd.Flags().Int64Var(&o.pageSize, "chunk-size", pageSize, "Objects that a request asks for; 0 asks for all at once")
	o.adminFlags.add(cmd)
	outputFlag(cmd, &o.output, "json", "yaml", "name", "wide")
	return cmd
}

// pageSize is kubectl's own.
const pageSize = 500

func (o *getSACommand) run(ctx context.Context) error {
	c, err := o.factory.cluster()
	if err != nil {
		return err
	}
	core, err := c.core()
	if err != nil {
		return err
	}
	sources := bindings.Sources{Core: core, Issuer: issuerOf(core.RESTClient())}
	if admin, err := o.credentialed(ctx, o.factory); err != nil {
		sources.NoIAM = err
	} else {
		sources.IAM = admin.IAM
	}
	scope := bindings.Scope{Namespace: c.namespace, Selector: o.selector, PageSize: o.pageSize}
	if o.all {
		scope.Namespace = ""
	}
	table, err := bindings.Collect(ctx, sources, scope)
	if err != nil {
		return err
	}
	for _, side := range []error{table.IAMErr, table.PodsErr} {
		if side != nil {
			o.factory.note("note: %v", side)
		}
	}
	report := bindingsReport{TypeMeta: typeMeta("Bindings"), Issuer: table.Issuer, Items: []bindingItem{}, all: o.all}
	for _, b := range table.Bindings {
		if !o.dangling || b.Status.Dangling() {
			report.Items = append(report.Items, bindingItem(b))
		}
	}
	if len(report.Items) == 0 {
		o.factory.note("note: no binding found")
	}
	return o.factory.print(o.output, report)
}

// credentialTimeout is how long a command that can do without AWS credentials
// looks for them: instance metadata that nobody serves must not hold it up.
const credentialTimeout = time.Second

// credentialed makes the clients, where there are credentials for them.
func (a *adminFlags) credentialed(ctx context.Context, f *Factory) (*awsapi.Admin, error) {
	admin, err := a.admin(ctx, f)
	if err != nil {
		return nil, err
	}
	looking, cancel := context.WithTimeout(ctx, credentialTimeout)
	defer cancel()
	if err := admin.HasCredentials(looking); err != nil {
		return nil, errors.New("IAM is not looked at: there are no AWS credentials; choose some with --aws-profile")
	}
	return admin, nil
}

// discoveryPath is where an API server serves its discovery document.
const discoveryPath = "/.well-known/openid-configuration"

// issuerOf reads the issuer from the API server's own document.
func issuerOf(api rest.Interface) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		answer := api.Get().AbsPath(discoveryPath).SetHeader("Accept", "*/*").Do(ctx)
		err := answer.Error() // with the server's own sentence, which Raw leaves out
		var text []byte
		if err == nil {
			text, err = answer.Raw()
		}
		if err != nil {
			return "", fmt.Errorf("reading the API server's discovery document: %w", err)
		}
		document, err := oidc.ParseDiscovery(text)
		return document.Issuer, err
	}
}

type bindingsReport struct {
	TypeMeta
	Issuer string        `json:"issuer,omitempty"`
	Items  []bindingItem `json:"items"`

	all bool
}

type bindingItem struct {
	Namespace      string          `json:"namespace"`
	ServiceAccount string          `json:"serviceAccount"`
	RoleARN        string          `json:"roleArn"`
	Audience       string          `json:"audience,omitempty"`
	Pods           int             `json:"pods"`
	Status         bindings.Status `json:"status"`
	Detail         string          `json:"detail,omitempty"`
}

func (r bindingsReport) names() []string {
	var names []string
	for _, item := range r.Items {
		names = append(names, "serviceaccount/"+item.ServiceAccount)
	}
	return names
}

func (r bindingsReport) writeText(w writer) { r.write(w, false) }
func (r bindingsReport) writeWide(w writer) { r.write(w, true) }

func (r bindingsReport) write(w writer, wide bool) {
	if len(r.Items) == 0 {
		return
	}
	header := []string{"NAMESPACE", "SERVICEACCOUNT", "ROLE", "PODS", "STATUS"}
	if wide {
		header = append(header, "AUDIENCE", "DETAIL")
	}
	rows := [][]string{header}
	for _, item := range r.Items {
		row := []string{item.Namespace, item.ServiceAccount, item.RoleARN, strconv.Itoa(item.Pods), string(item.Status)}
		if wide {
			row = append(row, orNone(item.Audience), orNone(item.Detail))
		}
		rows = append(rows, row)
	}
	if !r.all {
		for i := range rows {
			rows[i] = rows[i][1:]
		}
	}
	w.table(rows)
}
