package doctor

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestAPodIsMendedAtWhatMadeIt(t *testing.T) {
	deployed := Workload{Kind: "Pod", Name: "web-6d4-x", Labels: map[string]string{"pod-template-hash": "6d4"}}
	owned := Workload{Kind: "Pod", Name: "db-0", owner: &metav1.OwnerReference{Kind: "StatefulSet", Name: "db"}}
	alone := Workload{Kind: "Pod", Name: "web-6d4-x"}
	hooks := Known[[]Webhook]{Value: []Webhook{{}}}
	for name, tc := range map[string]struct {
		hooks  Known[[]Webhook]
		w      Workload
		within func(Facts, Workload) string
		want   string
	}{
		"a webhook gives a Deployment's new pods what they need": {hooks, deployed, Facts.restart, "kubectl rollout restart deployment web"},
		"without one, inject gives it to the template":           {Known[[]Webhook]{}, deployed, Facts.restart, "kubectl get deployment web -o yaml | kubectl irsa inject -f - --region us-east-1 | kubectl replace -f -"},
		"a pod that nobody made again":                           {hooks, alone, Facts.restart, "kubectl get pod web-6d4-x -o yaml | kubectl replace --force -f -"},
		"a StatefulSet's":                                        {hooks, owned, Facts.restart, "kubectl rollout restart statefulset db"},
		"a StatefulSet's, without a webhook":                     {Known[[]Webhook]{}, owned, Facts.restart, "kubectl get statefulset db -o yaml | kubectl irsa inject -f - --region us-east-1 | kubectl replace -f -"},
		"a role that a webhook gave":                             {hooks, deployed, func(f Facts, w Workload) string { return f.altered(w, "edit") }, "kubectl rollout restart deployment web"},
		"a role of the template":                                 {Known[[]Webhook]{}, deployed, func(f Facts, w Workload) string { return f.altered(w, "edit") }, "kubectl get deployment web -o yaml | edit | kubectl replace -f -"},
		"a role of a pod alone":                                  {hooks, alone, func(f Facts, w Workload) string { return f.altered(w, "edit") }, "kubectl get pod web-6d4-x -o yaml | edit | kubectl replace --force -f -"},
		"the token of a template": {hooks, deployed, func(_ Facts, w Workload) string { return w.pointer("/spec") + w.patched("{}") },
			`/spec/template/speckubectl patch --local -f - -o yaml -p '{"spec":{"template":{"spec":{}}}}'`},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, tc.within(Facts{Hooks: tc.hooks}, tc.w)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestADeploymentIsMendedInItsTemplate has what faults of a live pod have in
// test/e2e/faults, where the lines are pasted.
func TestADeploymentIsMendedInItsTemplate(t *testing.T) {
	ptr := func(n int64) *int64 { return &n }
	mode, yes := int32(0o600), true
	const before, after = "kubectl get deployment web -o yaml | ", " | kubectl replace -f -"
	for name, tc := range map[string]struct {
		change func(*Facts, *Workload, *corev1.Container)
		judge  func(Facts) Result
		want   string // status, cause and the edits
	}{
		"half of it": {func(_ *Facts, _ *Workload, c *corev1.Container) { c.Env = c.Env[:1] }, podsInjected,
			"fail POD6: kubectl set env --local -f - -o yaml -c app AWS_ROLE_ARN- AWS_WEB_IDENTITY_TOKEN_FILE- | kubectl irsa inject -f - --region us-east-1"},
		"half of it, beside a webhook": {func(f *Facts, _ *Workload, c *corev1.Container) {
			c.Env = c.Env[:1]
			f.Hooks.Value = []Webhook{{}}
		}, podsInjected, "fail POD6: kubectl set env --local -f - -o yaml -c app AWS_ROLE_ARN- AWS_WEB_IDENTITY_TOKEN_FILE-"},
		"another role": {func(_ *Facts, _ *Workload, c *corev1.Container) { c.Env[0].Value += "s" }, podsInjected,
			"fail POD1: kubectl set env --local -f - -o yaml -c app AWS_ROLE_ARN=arn:aws:iam::111122223333:role/cart"},
		"another audience": {func(f *Facts, _ *Workload, _ *corev1.Container) { f.WantedAudience = "other" }, podsInjected,
			`fail PROV3: kubectl patch --local -f - -o yaml --type=json -p '[{"op":"replace","path":"/spec/template/spec/volumes/0/projected/sources/0/serviceAccountToken/audience","value":"other"}]'`},
		"a variable that leads past the token": {func(_ *Facts, _ *Workload, c *corev1.Container) { c.Env[1].Value = "/t/tokn" }, podsInjected,
			"fail POD3: kubectl set env --local -f - -o yaml -c app AWS_WEB_IDENTITY_TOKEN_FILE=/t/token"},
		"a volume that asks for no audience": {func(_ *Facts, w *Workload, _ *corev1.Container) {
			w.Spec.Volumes[0].Projected.Sources[0].ServiceAccountToken.Audience = ""
		}, podsInjected, `fail PROV3: kubectl patch --local -f - -o yaml --type=json -p '[{"op":"add","path":"/spec/template/spec/volumes/0/projected/sources/0/serviceAccountToken/audience","value":"sts.amazonaws.com"}]'`},
		"the token for the API server": {func(_ *Facts, w *Workload, c *corev1.Container) {
			w.Spec.Volumes[0].Projected.Sources[0].ServiceAccountToken.Audience = ""
			c.VolumeMounts[0].MountPath = "/var/run/secrets/kubernetes.io/serviceaccount"
			c.Env[1].Value = "/var/run/secrets/kubernetes.io/serviceaccount/token"
		}, podsInjected, "fail PROV3: kubectl set env --local -f - -o yaml -c app AWS_ROLE_ARN- AWS_WEB_IDENTITY_TOKEN_FILE- | kubectl irsa inject -f - --region us-east-1"},
		"a mount of the file alone": {func(_ *Facts, _ *Workload, c *corev1.Container) {
			c.VolumeMounts[0] = corev1.VolumeMount{Name: "token", MountPath: "/t/token", SubPath: "token"}
		}, podsReady, `warn TOK1: kubectl patch --local -f - -o yaml --type=json -p '[{"op":"remove","path":"/spec/template/spec/containers/0/volumeMounts/0/subPath"},` +
			`{"op":"replace","path":"/spec/template/spec/containers/0/volumeMounts/0/mountPath","value":"/var/run/secrets/eks.amazonaws.com/serviceaccount"}]'` +
			` | kubectl set env --local -f - -o yaml -c app AWS_WEB_IDENTITY_TOKEN_FILE=/var/run/secrets/eks.amazonaws.com/serviceaccount/token`},
		"a mount of the file alone, where the webhook has it": {func(_ *Facts, _ *Workload, c *corev1.Container) {
			const file = "/var/run/secrets/eks.amazonaws.com/serviceaccount/token"
			c.VolumeMounts[0], c.Env[1].Value = corev1.VolumeMount{Name: "token", MountPath: file, SubPath: "token"}, file
		}, podsReady, `warn TOK1: kubectl patch --local -f - -o yaml --type=json -p '[{"op":"remove","path":"/spec/template/spec/containers/0/volumeMounts/0/subPath"},` +
			`{"op":"replace","path":"/spec/template/spec/containers/0/volumeMounts/0/mountPath","value":"/var/run/secrets/eks.amazonaws.com/serviceaccount"}]'`},
		"a region that is none": {func(_ *Facts, _ *Workload, c *corev1.Container) { c.Env[2].Value = "us-east1" }, podsReady,
			"fail POD8: kubectl set env --local -f - -o yaml -c app AWS_REGION=us-east-1"},
		"another server's STS": {func(_ *Facts, _ *Workload, c *corev1.Container) {
			c.Env = append(c.Env, corev1.EnvVar{Name: "AWS_ENDPOINT_URL", Value: "http://localstack:4566"})
		}, podsReady, "warn STSX: kubectl set env --local -f - -o yaml -c app AWS_ENDPOINT_URL-"},
		"a container that is left out": {func(f *Facts, w *Workload, c *corev1.Container) {
			c.Env, w.Annotations = nil, map[string]string{"eks.amazonaws.com/skip-containers": "app"}
			f.Hooks.Value = []Webhook{{}}
		}, podsInjected, `warn POD3: kubectl patch --local -f - -o yaml --type=json -p '[{"op":"remove","path":"/spec/template/metadata/annotations/eks.amazonaws.com~1skip-containers"}]'`},
		"static keys": {func(_ *Facts, _ *Workload, c *corev1.Container) {
			c.Env = append(c.Env, corev1.EnvVar{Name: "AWS_ACCESS_KEY_ID", Value: "AKIAIOSFODNN7EXAMPLE"})
			c.VolumeMounts = append(c.VolumeMounts, corev1.VolumeMount{MountPath: "/root/.aws"})
		}, podsUnrivalled, "fail POD4: kubectl set env --local -f - -o yaml -c app AWS_ACCESS_KEY_ID-"},
		"no region": {func(f *Facts, _ *Workload, c *corev1.Container) { f.Region, c.Env = "eu-west-1", c.Env[:2] }, podsReady,
			"warn POD8: kubectl set env --local -f - -o yaml -c app AWS_REGION=eu-west-1"},
		"a user that may not read it": {func(_ *Facts, w *Workload, _ *corev1.Container) {
			w.Spec.Volumes[0].Projected.DefaultMode = &mode
			w.Spec.SecurityContext = &corev1.PodSecurityContext{RunAsUser: ptr(1000)}
		}, podsReady, `warn POD5: kubectl patch --local -f - -o yaml -p '{"spec":{"template":{"spec":{"securityContext":{"fsGroup":1000}}}}}'`},
		"no home": {func(_ *Facts, _ *Workload, c *corev1.Container) {
			c.SecurityContext = &corev1.SecurityContext{ReadOnlyRootFilesystem: &yes}
		}, podsReady, `warn POD10: kubectl patch --local -f - -o yaml -p '{"spec":{"template":{"spec":{"volumes":[{"name":"irsa-home","emptyDir":{}}],` +
			`"containers":[{"name":"app","env":[{"name":"HOME","value":"/home/irsa"}],"volumeMounts":[{"name":"irsa-home","mountPath":"/home/irsa"}]}]}}}}'`},
	} {
		t.Run(name, func(t *testing.T) {
			f := healthy(t)
			f.Workload = &Workload{Kind: "Deployment", Name: "web", Spec: corev1.PodSpec{
				Containers: []corev1.Container{{
					Name:         "app",
					Env:          []corev1.EnvVar{{Name: envRole, Value: f.RoleText}, {Name: envFile, Value: "/t/token"}, {Name: "AWS_REGION", Value: "us-east-1"}},
					VolumeMounts: []corev1.VolumeMount{{Name: "token", MountPath: "/t"}},
				}},
				Volumes: []corev1.Volume{{Name: "token", VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{
					Sources: []corev1.VolumeProjection{{ServiceAccountToken: &corev1.ServiceAccountTokenProjection{Audience: f.WantedAudience, Path: "token"}}},
				}}}},
			}}
			if r := tc.judge(f); r.Status != "pass" {
				t.Fatalf("the template is not well before anything is changed: %+v", r)
			}
			tc.change(&f, f.Workload, &f.Workload.Spec.Containers[0])
			r := tc.judge(f)
			status, edits, _ := strings.Cut(tc.want, ": ")
			if diff := cmp.Diff([]string{status, before + edits + after}, append([]string{string(r.Status) + " " + r.Cause}, r.Fix...)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
