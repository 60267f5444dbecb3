package cli

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/spf13/cobra"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/abreast"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/awsapi"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/oidc"
)

type getProvidersCommand struct {
	adminFlags
	dangling bool
	output   string
	factory  *Factory
}

func newGetProvidersCommand(f *Factory, run func(*getProvidersCommand, context.Context) error) *cobra.Command {
	o := &getProvidersCommand{factory: f}
	cmd := &cobra.Command{
		Use:     "providers",
		Aliases: []string{"provider"},
		Short:   "List the account's OIDC providers, and whether their issuers answer",
		Long: `List the account's OIDC providers, and whether their issuers answer.

A provider whose issuer is gone is dangling: whoever makes the bucket next can
become every role that trusts it. A host name that does not resolve from here
(unresolved) may be gone as well, and then whoever registers it can; or it is in
a private zone, and AWS cannot read it either.`,
		Example: `  kubectl irsa get providers
  kubectl irsa get providers --dangling --aws-profile admin`,
		Args: nothing,
		RunE: func(cmd *cobra.Command, _ []string) error { return run(o, cmd.Context()) },
	}
	cmd.Flags().BoolVar(&o.dangling, "dangling", false, "List only providers whose issuer is gone, or does not resolve from here")
	cmd.Flags().BoolP("all", "A", false, "Changes nothing: providers are an account's, and all of them are listed")
	o.adminFlags.add(cmd)
	outputFlag(cmd, &o.output, "json", "yaml", "name")
	return cmd
}

// atOnce is how many providers, or their issuers, are asked at a time.
const atOnce = 16

func (o *getProvidersCommand) run(ctx context.Context) error {
	admin, err := o.admin(ctx, o.factory)
	if err != nil {
		return err
	}
	list, err := admin.IAM.ListOpenIDConnectProviders(ctx, &iam.ListOpenIDConnectProvidersInput{})
	if err != nil {
		return fmt.Errorf("listing OIDC providers: %w", awsapi.Brief(err))
	}
	stranger, err := o.factory.stranger()
	if err != nil {
		return err
	}
	items := make([]providerItem, len(list.OpenIDConnectProviderList))
	abreast.Each(len(items), atOnce, func(i int) {
		items[i] = lookAtProvider(ctx, admin.IAM, stranger, aws.ToString(list.OpenIDConnectProviderList[i].Arn))
	})
	report := providersReport{TypeMeta: typeMeta("Providers"), Items: []providerItem{}}
	for _, item := range items {
		if !o.dangling || item.Issuing == issuerGone || item.Issuing == issuerUnresolved {
			report.Items = append(report.Items, item)
		}
	}
	if len(report.Items) == 0 {
		o.factory.note("note: no OIDC provider found")
	}
	o.factory.noteFirst("the audiences of a provider are unknown", items, func(i providerItem) error { return i.unread })
	o.factory.noteFirst("what an issuer does is unknown", items, func(i providerItem) error {
		if i.Issuing != issuerUnreachable {
			return nil
		}
		return i.unfetched
	})
	return o.factory.print(o.output, report)
}

// noteFirst says why something is unknown: the first reason, and how many more
// there are.
func (f *Factory) noteFirst(what string, items []providerItem, why func(providerItem) error) {
	var reasons []error
	for _, item := range items {
		if err := why(item); err != nil {
			reasons = append(reasons, err)
		}
	}
	switch len(reasons) {
	case 0:
	case 1:
		f.note("note: %s: %v", what, reasons[0])
	default:
		f.note("note: %s: %v (and %d more)", what, reasons[0], len(reasons)-1)
	}
}

// What an issuer does when a stranger asks for its documents from here.
const (
	issuerAnswers     = "answers"
	issuerGone        = "gone"        // S3 says that there is no such bucket
	issuerUnresolved  = "unresolved"  // no such host, as far as this machine's resolver knows
	issuerUnreachable = "unreachable" // nobody answers, or nobody whose certificate can be verified
	issuerRefuses     = "refuses"     // it is there and gives no usable document
)

// issuerTimeout is how long one issuer may take.
const issuerTimeout = 5 * time.Second

func lookAtProvider(ctx context.Context, client *iam.Client, stranger *http.Client, arn string) providerItem {
	_, host, _ := strings.Cut(arn, ":oidc-provider/")
	item := providerItem{ARN: arn, Issuer: "https://" + host}
	got, err := client.GetOpenIDConnectProvider(ctx, &iam.GetOpenIDConnectProviderInput{OpenIDConnectProviderArn: aws.String(arn)})
	if err != nil {
		item.unread = awsapi.Brief(err)
	} else {
		item.Audiences = append([]string{}, got.ClientIDList...) // nil is for unknown
	}
	ctx, cancel := context.WithTimeout(ctx, issuerTimeout)
	defer cancel()
	_, item.unfetched = oidc.Fetch(ctx, stranger, oidc.DiscoveryURL(item.Issuer), oidc.Limits{})
	item.Issuing = issuing(item.unfetched)
	for _, err := range []error{item.unread, item.unfetched} {
		if err != nil {
			item.Detail = strings.TrimPrefix(item.Detail+"; "+err.Error(), "; ")
		}
	}
	return item
}

// issuing is what the outcome of a fetch says of an issuer.
func issuing(err error) string {
	if err == nil {
		return issuerAnswers
	}
	if status, ok := errors.AsType[*oidc.StatusError](err); ok && status.Code == "NoSuchBucket" {
		return issuerGone
	}
	if name, ok := errors.AsType[*oidc.DNSError](err); ok {
		if name.NotFound {
			return issuerUnresolved
		}
		return issuerUnreachable
	}
	if _, ok := errors.AsType[*oidc.TLSError](err); ok {
		return issuerUnreachable
	}
	if _, ok := errors.AsType[*oidc.UnreachableError](err); ok {
		return issuerUnreachable
	}
	if _, ok := errors.AsType[*oidc.TimeoutError](err); ok {
		return issuerUnreachable
	}
	return issuerRefuses
}

type providersReport struct {
	TypeMeta
	Items []providerItem `json:"items"`
}

type providerItem struct {
	ARN       string   `json:"arn"`
	Issuer    string   `json:"issuer"`
	Audiences []string `json:"audiences"`
	Issuing   string   `json:"issuing"` // answers, gone, unresolved, unreachable or refuses
	Detail    string   `json:"detail,omitempty"`

	unread    error // why the audiences are unknown
	unfetched error // why the document did not come
}

func (r providersReport) names() []string {
	var names []string
	for _, item := range r.Items {
		names = append(names, item.ARN)
	}
	return names
}

func (r providersReport) writeText(w writer) {
	if len(r.Items) == 0 {
		return
	}
	rows := [][]string{{"ISSUER", "AUDIENCES", "STATUS"}}
	for _, item := range r.Items {
		audiences := orNone(strings.Join(item.Audiences, ","))
		if item.unread != nil {
			audiences = "<unknown>"
		}
		rows = append(rows, []string{item.Issuer, audiences, item.Issuing})
	}
	w.table(rows)
}
