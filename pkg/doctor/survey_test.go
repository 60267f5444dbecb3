package doctor

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/kubetest"
)

// clientOf is a client of a server, with the administrator's token where none is
// given.
func clientOf(t *testing.T, server *kubetest.Server, token string) corev1client.CoreV1Interface {
	t.Helper()
	config := server.RESTConfig()
	if token != "" {
		config.BearerToken = token
	}
	client, err := corev1client.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func TestClientsAccepted(t *testing.T) {
	// Whoever writes an event says in another field when it was.
	event := func(pod string, at func(*corev1.Event)) corev1.Event {
		e := corev1.Event{InvolvedObject: corev1.ObjectReference{Namespace: "shop", Name: pod}}
		e.CreationTimestamp = metav1.NewTime(noon.Add(-time.Hour))
		at(&e)
		return e
	}
	last := func(e *corev1.Event) { e.LastTimestamp = metav1.NewTime(noon.Add(-5 * time.Minute)) }
	micro := func(e *corev1.Event) { e.EventTime = metav1.NewMicroTime(noon.Add(-4 * time.Minute)) }
	series := func(e *corev1.Event) {
		micro(e)
		e.Series = &corev1.EventSeries{LastObservedTime: metav1.NewMicroTime(noon.Add(-3 * time.Minute))}
	}
	warned := func(detail string) Result {
		return Result{
			Status: "warn", Cause: "ISS3", Fix: []string{"kubectl get daemonsets -A"},
			Detail: "pods have no network, since the API server answers their plugin 401 (events: " + detail + "; its token is of an issuer or a key that was changed, or has expired",
		}
	}
	for name, tc := range map[string]struct {
		refused Known[[]corev1.Event]
		want    Result
	}{
		"nobody is refused":     {Known[[]corev1.Event]{}, Result{Status: "pass", Detail: "no event says otherwise"}},
		"the last of a series":  {Known[[]corev1.Event]{Value: []corev1.Event{event("a", last), event("b", series), event("c", micro)}}, warned("3), the last of shop/b at 11:57 UTC")},
		"one of the older kind": {Known[[]corev1.Event]{Value: []corev1.Event{event("a", last)}}, warned("1), the last of shop/a at 11:55 UTC")},
		"one that says no time": {Known[[]corev1.Event]{Value: []corev1.Event{event("a", func(*corev1.Event) {})}}, warned("1), the last of shop/a at 11:00 UTC")},
		"nobody may read events": {
			Known[[]corev1.Event]{Err: apierrors.NewForbidden(schema.GroupResource{Resource: "events"}, "", errors.New("no"))},
			Result{Status: "unknown", Detail: "you may not read events: events is forbidden: no"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, clientsAccepted(Survey{Facts: healthy(t), Refused: tc.refused})); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestTheDaemonSetOfANetworkPluginIsNamed(t *testing.T) {
	server := kubetest.New(t)
	for _, name := range []string{"calico-node", "kube-multus-ds", "kube-proxy"} {
		set := &appsv1.DaemonSet{ObjectMeta: metav1.ObjectMeta{Namespace: "kube-system", Name: name}}
		if err := server.Add(set); err != nil {
			t.Fatal(err)
		}
	}
	w := World{Core: clientOf(t, server, "")}
	event := func(message string) []corev1.Event { return []corev1.Event{{Message: message}} }
	for name, tc := range map[string]struct {
		events []corev1.Event
		want   []string
	}{
		"by its type":           {event(`plugin type="calico" failed (add): error getting ClusterInformation: connection is unauthorized: Unauthorized`), []string{"kubectl rollout restart daemonset calico-node -n kube-system"}},
		"a shim":                {event(`plugin type="multus-shim" name="multus-cni-network" failed (add): Unauthorized`), []string{"kubectl rollout restart daemonset kube-multus-ds -n kube-system"}},
		"one that nobody knows": {event(`plugin type="own" failed (add): Unauthorized`), []string{"kubectl get daemonsets -A"}},
		"none is said":          {event("Unauthorized"), []string{"kubectl get daemonsets -A"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := Survey{Refused: Known[[]corev1.Event]{Value: tc.events}, Plugins: w.plugins(t.Context(), tc.events)}
			if diff := cmp.Diff(tc.want, clientsAccepted(s).Fix); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
