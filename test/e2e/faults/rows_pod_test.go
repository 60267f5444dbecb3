//go:build e2e

package faults

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	corev1 "k8s.io/api/core/v1"
)

func podRows() []row {
	pod := func(name, want string, change func(*world, *corev1.Pod)) row {
		return row{name: name, run: "inspect pod web", want: want, broke: func(w *world) {
			w.pod("web", func(p *corev1.Pod) { w.whole(p); change(w, p) })
		}}
	}
	warned := func(r row) row { r.run += " --fail-on warn"; return r }
	container := func(p *corev1.Pod) *corev1.Container { return &p.Spec.Containers[0] }
	drop := func(name string) func(*world, *corev1.Pod) {
		return func(_ *world, p *corev1.Pod) {
			var kept []corev1.EnvVar
			for _, v := range container(p).Env {
				if v.Name != name {
					kept = append(kept, v)
				}
			}
			container(p).Env = kept
		}
	}
	add := func(name string) func(*world, *corev1.Pod) {
		return func(_ *world, p *corev1.Pod) {
			container(p).Env = append(container(p).Env, corev1.EnvVar{Name: name, Value: "x"})
		}
	}
	labelled := func(_ *world, p *corev1.Pod) { p.Labels = map[string]string{"app": "web", "pod-template-hash": "6d4"} }
	deployment := func(name, want string, change func(*world, *corev1.Pod), edit string) row {
		return row{name: name, run: "inspect deploy web --fail-on warn", want: want, broke: func(w *world) {
			var p corev1.Pod
			p.Spec.ServiceAccountName, p.Spec.Containers = w.ServiceAccount, []corev1.Container{{Name: "app", Image: "app"}}
			w.whole(&p)
			change(w, &p)
			spec, err := json.Marshal(p.Spec)
			w.must(err)
			w.kube(http.MethodPost, deployments, fmt.Sprintf(`{"metadata":{"name":"web"},"spec":{"selector":{"matchLabels":{"app":"web"}},"template":{"metadata":{"labels":{"app":"web"}},"spec":%s}}}`, spec))
		}}.mended("kubectl get deployment web -o yaml | " + edit + " | kubectl replace -f -")
	}
	hook := func(client string) func(*world) {
		return func(w *world) {
			w.kube(http.MethodPost, webhookPath, `{"metadata":{"name":"pod-identity-webhook"},"webhooks":[{"name":"pod-identity-webhook.amazonaws.com",`+
				`"clientConfig":{`+client+`},"rules":[{"apiGroups":[""],"apiVersions":["v1"],"operations":["CREATE"],"resources":["pods"]}],`+
				`"failurePolicy":"Ignore","sideEffects":"None","admissionReviewVersions":["v1"],"timeoutSeconds":1}]}`)
		}
	}
	whole := anew("kubectl set env --local -f - -o yaml -c app AWS_ROLE_ARN- AWS_WEB_IDENTITY_TOKEN_FILE-", "kubectl irsa inject -f - --region us-east-1")
	return []row{
		{name: "a pod that brings its own token is well", run: "inspect pod web", want: "-", broke: func(w *world) { w.pod("web", w.whole) }},
		{name: "no webhook", run: "inspect pod web", want: "webhook-present POD2", broke: func(w *world) { w.pod("web", nil) }},
		{name: "no webhook, seen from the ServiceAccount", want: "webhook-present POD2", broke: func(w *world) { w.pod("web", nil) }},
		pod("only the role is set", "webhook-present POD2", drop("AWS_WEB_IDENTITY_TOKEN_FILE")).on("inspect pod web --skip webhook-present").wants("pods-injected POD6").mended(whole),
		pod("only the file is set", "", drop("AWS_ROLE_ARN")).on("inspect pod web --skip webhook-present").wants("pods-injected POD6").mended(whole),
		pod("the token is not mounted", "", func(_ *world, p *corev1.Pod) { container(p).VolumeMounts = nil }).on("inspect pod web --skip webhook-present").wants("pods-injected POD3").mended(whole),
		pod("a container that is left out", "pods-injected POD3", func(w *world, p *corev1.Pod) {
			p.Spec.Containers = append(p.Spec.Containers, corev1.Container{Name: "side", Image: "side", Env: []corev1.EnvVar{{Name: "AWS_REGION", Value: "us-east-1"}}})
			p.Annotations = map[string]string{"eks.amazonaws.com/skip-containers": "side"}
		}).on("inspect pod web --fail-on warn").mended(anew(`kubectl patch --local -f - -o yaml --type=json -p '[{"op":"remove","path":"/metadata/annotations/eks.amazonaws.com~1skip-containers"}]'`, "kubectl irsa inject -f - --region us-east-1")),
		pod("a container that was forgotten", "pods-injected POD2", func(w *world, p *corev1.Pod) {
			p.Spec.Containers = append(p.Spec.Containers, corev1.Container{Name: "side", Image: "side"})
		}).mended(anew("kubectl irsa inject -f - --region us-east-1")),
		pod("the pod has an older role", "pods-injected POD1", func(_ *world, p *corev1.Pod) { container(p).Env[0].Value = "arn:aws:iam::000000000000:role/old" }).
			mended(anew("kubectl set env --local -f - -o yaml -c app AWS_ROLE_ARN=arn:aws:iam::000000000000:role/cart")),
		pod("the pod's token is for another audience", "pods-injected PROV3", func(_ *world, p *corev1.Pod) {
			p.Spec.Volumes[len(p.Spec.Volumes)-1].Projected.Sources[0].ServiceAccountToken.Audience = "other"
		}).mended(anew(`kubectl patch --local -f - -o yaml --type=json -p '[{"op":"replace","path":"/spec/volumes/0/projected/sources/0/serviceAccountToken/audience","value":"sts.amazonaws.com"}]'`)),
		pod("a variable that leads past the token", "pods-injected POD3", func(_ *world, p *corev1.Pod) { container(p).Env[1].Value += "s" }).
			mended(anew("kubectl set env --local -f - -o yaml -c app AWS_WEB_IDENTITY_TOKEN_FILE=/var/run/secrets/eks.amazonaws.com/serviceaccount/token")),
		pod("a volume that asks for no audience", "pods-injected PROV3", func(_ *world, p *corev1.Pod) {
			p.Spec.Volumes[len(p.Spec.Volumes)-1].Projected.Sources[0].ServiceAccountToken.Audience = ""
		}).mended(anew(`kubectl patch --local -f - -o yaml --type=json -p '[{"op":"add","path":"/spec/volumes/0/projected/sources/0/serviceAccountToken/audience","value":"sts.amazonaws.com"}]'`)),
		pod("the token for the API server", "pods-injected PROV3", func(_ *world, p *corev1.Pod) {
			container(p).Env[1].Value = "/var/run/secrets/kubernetes.io/serviceaccount/token"
			container(p).VolumeMounts, p.Spec.Volumes = nil, nil
		}).mended(whole),
		warned(pod("a mount of the file alone", "pods-ready-for-sdk TOK1", func(_ *world, p *corev1.Pod) {
			container(p).VolumeMounts[0].MountPath += "/token"
			container(p).VolumeMounts[0].SubPath = "token"
		})).pasted(),
		pod("a region that there is not", "pods-ready-for-sdk POD8", func(_ *world, p *corev1.Pod) { container(p).Env[2].Value = "us-east1" }).
			mended(anew("kubectl set env --local -f - -o yaml -c app AWS_REGION=us-east-1")),
		warned(pod("another server's STS", "pods-ready-for-sdk STSX", add("AWS_ENDPOINT_URL"))).mended(anew("kubectl set env --local -f - -o yaml -c app AWS_ENDPOINT_URL-")),
		warned(pod("an init container that was forgotten", "pods-injected POD2", func(_ *world, p *corev1.Pod) {
			p.Spec.InitContainers = []corev1.Container{{Name: "seed", Image: "seed"}}
		})).mended(anew("kubectl irsa inject -f - --region us-east-1")),
		pod("an empty key beats nothing", "-", func(_ *world, p *corev1.Pod) {
			container(p).Env = append(container(p).Env, corev1.EnvVar{Name: "AWS_ACCESS_KEY_ID"})
		}),
		{name: "an annotation on the pod", run: "inspect pod web", want: "role-annotated SA1", broke: func(w *world) {
			w.pod("web", func(p *corev1.Pod) { p.Annotations = map[string]string{annotation: w.RoleARN} })
			w.annotate()
		}, fix: "kubectl annotate serviceaccount cart --overwrite eks.amazonaws.com/role-arn=arn:aws:iam::000000000000:role/cart"},
		pod("static keys win", "pods-unrivalled POD4", func(w *world, p *corev1.Pod) {
			add("AWS_ACCESS_KEY_ID")(w, p)
			add("AWS_SECRET_ACCESS_KEY")(w, p)
		}).mended(anew("kubectl set env --local -f - -o yaml -c app AWS_ACCESS_KEY_ID- AWS_SECRET_ACCESS_KEY-")),
		pod("a profile wins", "pods-unrivalled POD4", add("AWS_PROFILE")).mended(anew("kubectl set env --local -f - -o yaml -c app AWS_PROFILE-")),
		pod("EKS Pod Identity wins", "", func(w *world, p *corev1.Pod) {
			drop("AWS_ROLE_ARN")(w, p)
			add("AWS_CONTAINER_CREDENTIALS_FULL_URI")(w, p)
		}).on("inspect pod web --skip webhook-present").wants("pods-injected POD12").fixedBy("aws eks list-pod-identity-associations --cluster-name CLUSTER --namespace shop --service-account cart --profile admin"),
		warned(pod("no region", "pods-ready-for-sdk POD8", drop("AWS_REGION"))).mended(anew("kubectl set env --local -f - -o yaml -c app AWS_REGION=us-east-1")),
		warned(pod("a token that the user cannot read", "pods-ready-for-sdk POD5", func(_ *world, p *corev1.Pod) {
			p.Spec.SecurityContext = &corev1.PodSecurityContext{RunAsUser: aws.Int64(1000)}
			p.Spec.Volumes[len(p.Spec.Volumes)-1].Projected.DefaultMode = aws.Int32(0o600)
		})).mended(anew(`kubectl patch --local -f - -o yaml -p '{"spec":{"securityContext":{"fsGroup":1000}}}'`)),
		warned(pod("no home to write to", "pods-ready-for-sdk POD10", func(_ *world, p *corev1.Pod) {
			container(p).SecurityContext = &corev1.SecurityContext{ReadOnlyRootFilesystem: aws.Bool(true)}
		})).mended(anew(`kubectl patch --local -f - -o yaml -p '{"spec":{"volumes":[{"name":"irsa-home","emptyDir":{}}],"containers":[{"name":"app","env":[{"name":"HOME","value":"/home/irsa"}],"volumeMounts":[{"name":"irsa-home","mountPath":"/home/irsa"}]}]}}'`)),
		deployment("a template without a region", "pods-ready-for-sdk POD8", drop("AWS_REGION"), "kubectl set env --local -f - -o yaml -c app AWS_REGION=us-east-1"),
		deployment("a template with another role", "pods-injected POD1", func(_ *world, p *corev1.Pod) { container(p).Env[0].Value += "s" },
			"kubectl set env --local -f - -o yaml -c app AWS_ROLE_ARN=arn:aws:iam::000000000000:role/cart"),
		deployment("a template whose token is for another audience", "pods-injected PROV3", func(_ *world, p *corev1.Pod) {
			p.Spec.Volumes[0].Projected.Sources[0].ServiceAccountToken.Audience = "other"
		}, `kubectl patch --local -f - -o yaml --type=json -p '[{"op":"replace","path":"/spec/template/spec/volumes/0/projected/sources/0/serviceAccountToken/audience","value":"sts.amazonaws.com"}]'`),
		deployment("a template without a home", "pods-ready-for-sdk POD10", func(_ *world, p *corev1.Pod) {
			container(p).SecurityContext = &corev1.SecurityContext{ReadOnlyRootFilesystem: aws.Bool(true)}
		}, `kubectl patch --local -f - -o yaml -p '{"spec":{"template":{"spec":{"volumes":[{"name":"irsa-home","emptyDir":{}}],"containers":[{"name":"app","env":[{"name":"HOME","value":"/home/irsa"}],"volumeMounts":[{"name":"irsa-home","mountPath":"/home/irsa"}]}]}}}}'`),
		warned(pod("a network policy that lets nothing out", "pods-reach-sts POD9", labelled).with(networkPolicy("locked", `{"policyTypes":["Egress"]}`))).pasted(),
		warned(pod("network policies that let DNS out alone", "pods-reach-sts POD9", labelled).with(networkPolicy("dns",
			`{"podSelector":{"matchLabels":{"app":"web"}},"policyTypes":["Egress"],"egress":[{"ports":[{"protocol":"UDP","port":53}]}]}`))).pasted(),
		warned(pod("a network policy for other pods", "-", labelled).with(networkPolicy("db", `{"podSelector":{"matchLabels":{"app":"db"}},"policyTypes":["Egress"]}`))),
		{name: "a webhook that does not answer", broke: hook(`"url":"https://127.0.0.1:1/mutate"`), want: "webhook-mutates POD2"},
		{name: "a webhook that does not answer, where pods are restricted", want: "webhook-mutates POD2", broke: func(w *world) {
			w.podSecurity(w.ctx(), `"restricted"`)
			hook(`"url":"https://127.0.0.1:1/mutate"`)(w)
		}},
		{name: "a webhook without endpoints", broke: hook(`"service":{"namespace":"kube-system","name":"pod-identity-webhook"}`), want: "webhook-serves POD2"},
	}
}

// anew is the line that makes pod web anew with edits.
func anew(edits ...string) string {
	return strings.Join(slices.Concat([]string{"kubectl get pod web -o yaml"}, edits, []string{"kubectl replace --force -f -"}), " | ")
}

func networkPolicy(name, spec string) func(*world) {
	return func(w *world) {
		w.kube(http.MethodPost, networkPolicies, fmt.Sprintf(`{"metadata":{"name":%q},"spec":%s}`, name, spec))
	}
}
