package inject_test

import (
	"cmp"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/check"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/doctor"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/irsa"
)

// leftAsTheyWere are the manifests whose authors keep something of their own
// against the injection, or exclude a container: inspect says so, as it would of
// a pod that the webhook has left alone.
var leftAsTheyWere = map[string]string{
	"file-without-role":    "its author sets the file and no role",
	"role-without-file":    "its author sets the role and no file",
	"role-set-by-user":     "its author's file is not mounted",
	"has-a-foreign-volume": "a volume of that name is for another audience",
	"has-a-mount-there":    "its author mounts something else there",
	"skip-containers":      "an annotation leaves a container out",
}

// TestInjectedPodsPassInspection holds what inject makes of every manifest
// against the check that inspect has for pods.
func TestInjectedPodsPassInspection(t *testing.T) {
	inspect := checkOf(t, "pods-injected")
	passed := 0
	for _, file := range manifests(t) {
		name := strings.TrimSuffix(filepath.Base(file), ".in")
		for _, pod := range pods(t, read(t, strings.TrimSuffix(file, ".in")+".out")) {
			annotations := accounts[cmp.Or(pod.Spec.ServiceAccountName, pod.Spec.DeprecatedServiceAccount)]
			if annotations[irsa.AnnotationRoleARN] == "" {
				continue
			}
			account := &corev1.ServiceAccount{}
			account.Annotations = annotations
			facts := doctor.Facts{
				Now: time.Now(), RoleText: annotations[irsa.AnnotationRoleARN],
				WantedAudience: cmp.Or(annotations[irsa.AnnotationAudience], irsa.DefaultAudience),
				Account:        doctor.Known[*corev1.ServiceAccount]{Value: account},
			}
			facts.Workload = &doctor.Workload{Kind: "Pod", Name: name, Annotations: pod.Annotations, Spec: pod.Spec, Created: time.Now()}
			result := inspect.Run(facts)
			why, left := leftAsTheyWere[name]
			switch {
			case result.Status == check.Pass && left:
				t.Errorf("%s: it passes, and the list says %s", name, why)
			case result.Status == check.Pass:
				passed++
			case !left:
				t.Errorf("%s: %s %s %s", name, result.Status, result.Cause, result.Detail)
			}
		}
	}
	t.Logf("%d pods pass", passed)
	if passed < 40 {
		t.Errorf("%d pods pass, want at least 40", passed)
	}
}

func checkOf(t *testing.T, id string) doctor.Check {
	t.Helper()
	for _, c := range doctor.ServiceAccountChecks() {
		if c.ID == id {
			return c
		}
	}
	t.Fatalf("there is no check %s", id)
	return doctor.Check{}
}
