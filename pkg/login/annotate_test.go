package login

import (
	"context"
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/creds"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/hint"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/irsa"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/kubetest"
)

const (
	ourRole   = "arn:aws:iam::111122223333:role/cart"
	theirRole = "arn:aws:iam::111122223333:role/theirs"
)

// rivals is a cluster where others write to an account just before we do.
type rivals struct {
	corev1client.CoreV1Interface
	write []map[string]string // the annotations that each of them merges, in order
	calls []string
}

func (r *rivals) ServiceAccounts(namespace string) corev1client.ServiceAccountInterface {
	return &contested{r.CoreV1Interface.ServiceAccounts(namespace), r}
}

type contested struct {
	corev1client.ServiceAccountInterface
	by *rivals
}

func (c *contested) Get(ctx context.Context, name string, o metav1.GetOptions) (*corev1.ServiceAccount, error) {
	c.by.calls = append(c.by.calls, "get")
	return c.ServiceAccountInterface.Get(ctx, name, o)
}

func (c *contested) Patch(ctx context.Context, name string, kind types.PatchType, data []byte, o metav1.PatchOptions, sub ...string) (*corev1.ServiceAccount, error) {
	c.by.calls = append(c.by.calls, "patch")
	if len(c.by.write) > 0 {
		account, err := c.ServiceAccountInterface.Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return nil, err
		}
		maps.Copy(account.Annotations, c.by.write[0])
		c.by.write = c.by.write[1:]
		if _, err := c.Update(ctx, account, metav1.UpdateOptions{}); err != nil {
			return nil, err
		}
	}
	return c.ServiceAccountInterface.Patch(ctx, name, kind, data, o, sub...)
}

func TestAnnotateReplacesNothingUnseen(t *testing.T) {
	ours, theirs := map[string]string{irsa.AnnotationRoleARN: ourRole}, map[string]string{irsa.AnnotationRoleARN: theirRole}
	beside := func(value string) map[string]string { return map[string]string{"beside": value} }
	type outcome struct {
		Annotated bool
		Error     string
		Hints     []string
		Calls     []string
		Role      string
	}
	const taken = "logged in, but serviceaccount shop/cart is already annotated " + irsa.AnnotationRoleARN + "=" + theirRole
	for name, tc := range map[string]struct {
		known     bool // the exchange has read the account
		overwrite bool
		rivals    []map[string]string
		want      outcome
	}{
		"nobody writes": {
			want: outcome{Annotated: true, Calls: []string{"get", "patch"}, Role: ourRole},
		},
		"nobody writes, and the account is known": {
			known: true,
			want:  outcome{Annotated: true, Calls: []string{"patch"}, Role: ourRole},
		},
		"somebody writes something else": {
			known: true, rivals: []map[string]string{beside("1")},
			want: outcome{Annotated: true, Calls: []string{"patch", "get", "patch"}, Role: ourRole},
		},
		"somebody writes another role": {
			known: true, rivals: []map[string]string{theirs},
			want: outcome{Error: taken, Hints: []string{"replace it with --annotate --overwrite"}, Calls: []string{"patch", "get"}, Role: theirRole},
		},
		"somebody writes another role after it was read a second time": {
			known: true, rivals: []map[string]string{beside("1"), theirs},
			want: outcome{Error: taken, Hints: []string{"replace it with --annotate --overwrite"}, Calls: []string{"patch", "get", "patch", "get"}, Role: theirRole},
		},
		"somebody writes another role, which is to be replaced": {
			overwrite: true, rivals: []map[string]string{theirs},
			want: outcome{Annotated: true, Calls: []string{"get", "patch", "get", "patch"}, Role: ourRole},
		},
		"somebody writes the same role": {
			known: true, rivals: []map[string]string{ours},
			want: outcome{Calls: []string{"patch", "get"}, Role: ourRole},
		},
		"somebody writes all the time": {
			known: true, rivals: []map[string]string{beside("1"), beside("2"), beside("3"), beside("4"), beside("5"), beside("6")},
			want: outcome{
				Error: `logged in, but annotating serviceaccount shop/cart: Operation cannot be fulfilled on serviceaccounts "cart": the object has been modified; please apply your changes to the latest version and try again`,
				Calls: []string{"patch", "get", "patch", "get", "patch", "get", "patch", "get", "patch"},
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			server := kubetest.New(t)
			server.AddServiceAccount("shop", "cart", map[string]string{"owner": "ann"})
			client, err := corev1client.NewForConfig(server.RESTConfig())
			if err != nil {
				t.Fatal(err)
			}
			role, err := irsa.ParseRoleARN(ourRole, irsa.TwelveDigits)
			if err != nil {
				t.Fatal(err)
			}
			session := creds.Session{RoleARN: role, Audience: irsa.DefaultAudience}
			if tc.known {
				if session.Account, err = client.ServiceAccounts("shop").Get(t.Context(), "cart", metav1.GetOptions{}); err != nil {
					t.Fatal(err)
				}
			}
			cluster := &rivals{CoreV1Interface: client, write: tc.rivals}
			l := &Login{Request: creds.Request{Namespace: "shop", ServiceAccount: "cart"}, Overwrite: tc.overwrite, Exchanger: creds.Exchanger{Core: cluster}}
			var got outcome
			if got.Annotated, err = l.annotate(t.Context(), session); err != nil {
				got.Error, got.Hints = err.Error(), hint.Lines(err)
			}
			got.Calls, got.Role = cluster.calls, server.ServiceAccount("shop", "cart").Annotations[irsa.AnnotationRoleARN]
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
