package token_test

import (
	"bytes"
	"flag"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/klog/v2"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/kubetest"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/token"
	"github.com/kubectl-irsa/kubectl-irsa/test/story"
)

// client-go prints bodies at -v=8 and above: JSON as text, protobuf as a hex dump.
func TestTheLogOfARequestHoldsNoToken(t *testing.T) {
	for name, contentType := range map[string]string{"JSON": runtime.ContentTypeJSON, "protobuf": runtime.ContentTypeProtobuf} {
		t.Run(name, func(t *testing.T) {
			server := kubetest.New(t)
			server.AddServiceAccount("shop", "cart", nil)
			var log bytes.Buffer
			logAtTen(t, &log) // a client looks at the level when it is made
			config := server.RESTConfig()
			config.ContentType, config.AcceptContentTypes = contentType, contentType
			client, err := corev1client.NewForConfig(config)
			if err != nil {
				t.Fatal(err)
			}
			minted, err := token.Create(t.Context(), client.ServiceAccounts("shop"), token.Request{
				Namespace: "shop", ServiceAccount: "cart", Audiences: []string{"sts.amazonaws.com"},
			})
			if err != nil {
				t.Fatal(err)
			}
			klog.Flush()
			if !strings.Contains(log.String(), "serviceaccounts/cart/token") {
				t.Fatalf("the request was not logged:\n%s", &log)
			}
			if got := server.Requests()[0].ContentType; got != contentType {
				t.Fatalf("the request was %s", got)
			}
			if found := story.Leak(log.String(), []string{minted.Raw(), config.BearerToken}); found != "" {
				t.Errorf("the log gives away %s", found)
			}
		})
	}
}

func logAtTen(t *testing.T, log *bytes.Buffer) {
	t.Helper()
	state := klog.CaptureState()
	t.Cleanup(state.Restore)
	flags := flag.NewFlagSet("klog", flag.ContinueOnError)
	klog.InitFlags(flags)
	for name, value := range map[string]string{"v": "10", "logtostderr": "false", "stderrthreshold": "FATAL"} {
		if err := flags.Set(name, value); err != nil {
			t.Fatal(err)
		}
	}
	klog.SetOutput(log)
}
