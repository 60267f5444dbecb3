//go:build e2e

package faults

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	corev1 "k8s.io/api/core/v1"
)

// row is one way in which a world can be broken.
type row struct {
	name  string
	broke func(*world)
	run   string   // default inspect sa cart
	env   []string // of the command
	want  string   // "check CAUSE" with credentials
	blind string   // without; "" is the same, "-" is nothing failed
	fix   string   // the line to paste, whole; "" asks for none in particular
	paste bool     // the printed fix makes the next run green
	slow  bool     // restarts the API server: left out unless FULL=1
}

// refused is all that can be known without credentials where IAM is wrong.
const refused = "sts-exchange"

func serviceAccountRows() []row {
	other := "arn:aws:iam::111122223333:role/cart"
	return []row{
		{name: "no annotation", broke: func(w *world) { w.annotate() }, want: "role-annotated SA1", paste: true},
		{name: "a misspelt annotation", broke: func(w *world) { w.annotate("eks.amazonaws.com/role_arn", w.RoleARN) }, want: "role-annotated SA1", paste: true},
		{name: "an annotation of another tool", broke: func(w *world) { w.annotate("iam.amazonaws.com/role", w.RoleARN) }, want: "role-annotated SA1", paste: true},
		{name: "a blank in the ARN", broke: func(w *world) { w.annotate(annotation, w.RoleARN+" ") }, want: "role-arn-valid ROLE9", paste: true},
		{name: "quotes around the ARN", broke: func(w *world) { w.annotate(annotation, `"`+w.RoleARN+`"`) }, want: "role-arn-valid ROLE9", paste: true},
		{name: "a placeholder in the ARN", broke: func(w *world) { w.annotate(annotation, "arn:aws:iam::<account>:role/cart") }, want: "role-arn-valid ROLE9", paste: true},
		{name: "an account of eleven digits", broke: func(w *world) { w.annotate(annotation, "arn:aws:iam::00000000000:role/cart") }, want: "role-arn-valid ROLE9", paste: true},
		{name: "the ARN of a session", broke: func(w *world) { w.annotate(annotation, "arn:aws:sts::000000000000:assumed-role/cart/x") }, want: "role-arn-valid ROLE9", paste: true},
		{name: "the ARN of a user", broke: func(w *world) { w.annotate(annotation, "arn:aws:iam::000000000000:user/cart") }, want: "role-arn-valid ROLE9", paste: true},
		{name: "a role of another partition", broke: func(w *world) { w.annotate(annotation, strings.Replace(w.RoleARN, "arn:aws:", "arn:aws-cn:", 1)) },
			run: "inspect sa cart --region us-east-1", want: "role-arn-valid SA2", paste: true},
		{name: "an annotation of another account", broke: func(w *world) { w.annotate(annotation, other) }, want: "provider-account SA2", blind: refused, paste: true},
		{name: "a flag of another account", run: "inspect sa cart --role-arn " + other, want: "provider-account PROV2", blind: refused},
		{name: "no right to ask for tokens", run: "inspect sa cart --as alice --role-arn arn:aws:iam::000000000000:role/cart", want: "token-allowed RBAC1", paste: true},
		{name: "no right to read the issuer", broke: func(w *world) {
			for _, line := range [][2]string{
				{"roles", `{"metadata":{"name":"bob"},"rules":[{"apiGroups":[""],"resources":["serviceaccounts","serviceaccounts/token","pods"],"verbs":["get","list","create"]}]}`},
				{"rolebindings", `{"metadata":{"name":"bob"},"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"Role","name":"bob"},"subjects":[{"kind":"User","apiGroup":"rbac.authorization.k8s.io","name":"bob"}]}`},
			} {
				w.kube(http.MethodDelete, "/apis/rbac.authorization.k8s.io/v1/namespaces/shop/"+line[0]+"/bob", "")
				w.kube(http.MethodPost, "/apis/rbac.authorization.k8s.io/v1/namespaces/shop/"+line[0], line[1])
			}
		}, run: "inspect sa cart --as bob --fail-on warn", want: "discovery-readable RBAC2", paste: true},
	}
}

func publicationRows() []row {
	publish := func(name, want string, broke func(*world)) row {
		return row{name: name, broke: broke, want: want, paste: true}
	}
	return []row{
		publish("no discovery document", "discovery-public PUB1", func(w *world) { w.remove(discoveryKey) }),
		publish("no key set", "jwks-public PUB1", func(w *world) { w.remove(jwksKey) }),
		publish("a private bucket", "discovery-public PUB1", func(w *world) {
			_, err := w.s3.DeleteBucketPolicy(w.ctx(), &s3.DeleteBucketPolicyInput{Bucket: &w.Bucket})
			w.must(err)
			w.stale = true
		}),
		{name: "the bucket is gone", want: "discovery-public PROV4", blind: "discovery-public PUB1", paste: true, broke: func(w *world) {
			for _, key := range []string{discoveryKey, jwksKey} {
				w.remove(key)
			}
			_, err := w.s3.DeleteBucket(w.ctx(), &s3.DeleteBucketInput{Bucket: &w.Bucket})
			w.must(err)
		}},
		publish("a page in place of the document", "discovery-public PUB1", func(w *world) { w.put(discoveryKey, []byte("<!doctype html><html></html>"), "") }),
		publish("a page in place of the key set", "jwks-public PUB1", func(w *world) { w.put(jwksKey, []byte("<html></html>"), "") }),
		publish("a document that is not JSON", "discovery-public PUB1", func(w *world) { w.put(discoveryKey, []byte("issuer: x"), "") }),
		publish("a document of 10 MB", "discovery-public PUB1", func(w *world) {
			w.put(discoveryKey, []byte(`{"issuer":"`+strings.Repeat("x", 10<<20)+`"}`), "")
		}),
		publish("a key set of 10 MB", "jwks-public PUB1", func(w *world) { w.put(jwksKey, []byte(`{"keys":["`+strings.Repeat("x", 10<<20)+`"]}`), "") }),
		publish("a slash behind the published issuer", "issuer-published PUB5", func(w *world) {
			w.document(func(d map[string]any) { d["issuer"] = w.Issuer + "/" })
		}),
		publish("the documents of another cluster", "issuer-published PUB5", func(w *world) {
			w.document(func(d map[string]any) { d["issuer"] = "https://other.s3.us-east-1.amazonaws.com" })
		}),
		publish("jwks_uri of the API server", "jwks-uri-public PUB4", func(w *world) {
			w.document(func(d map[string]any) { d["jwks_uri"] = "https://192.0.2.20:6443/openid/v1/jwks" })
		}),
		publish("jwks_uri in the cluster", "jwks-uri-public PUB4", func(w *world) {
			w.document(func(d map[string]any) { d["jwks_uri"] = "https://kubernetes.default.svc/openid/v1/jwks" })
		}),
		publish("jwks_uri without TLS", "jwks-uri-public PUB4", func(w *world) {
			w.document(func(d map[string]any) {
				d["jwks_uri"] = strings.Replace(w.Issuer, "https", "http", 1) + "/openid/v1/jwks"
			})
		}),
		publish("no jwks_uri", "jwks-uri-public PUB4", func(w *world) { w.document(func(d map[string]any) { delete(d, "jwks_uri") }) }),
		publish("an algorithm that is not listed", "algorithm-announced ALG1", func(w *world) {
			w.document(func(d map[string]any) { d["id_token_signing_alg_values_supported"] = []string{"RS512"} })
		}),
		publish("a document that may be cached for a week", "cache-short PUB9", func(w *world) { w.put(jwksKey, w.jwks, "max-age=604800") }).on("inspect sa cart --fail-on warn"),
		{name: "a certificate that nobody trusts", env: []string{"SSL_CERT_FILE=/dev/null", "AWS_CA_BUNDLE="}, want: "discovery-public PUB10"},
		{name: "a certificate that AWS_CA_BUNDLE alone trusts, and STS", env: []string{"SSL_CERT_FILE=/dev/null"}, run: "inspect sa cart --fail-on warn --only discovery-public,jwks-public,sts-exchange", want: "-"},
		{name: "a proxy that does not answer", env: []string{"HTTPS_PROXY=http://127.0.0.1:9", "NO_PROXY=192.0.2.20"}, run: "inspect sa cart --no-sts --only discovery-public --fail-on unknown", want: "discovery-public"},
		{name: "what is left out decides for what hangs on it", broke: func(w *world) { w.remove(discoveryKey) }, run: "inspect sa cart --only jwks-public", want: "discovery-public PUB1"},
	}
}

func (r row) on(run string) row {
	r.run = run
	r.paste = false
	return r
}

func keyRows() []row {
	publish := func(name, want string, change func([]map[string]any) []map[string]any) row {
		return row{name: name, broke: func(w *world) { w.keys(change) }, want: want, paste: true}
	}
	return []row{
		publish("an empty key set", "keys-usable PUB7", func([]map[string]any) []map[string]any { return []map[string]any{} }),
		publish("the key of another cluster", "key-published PUB7", func(k []map[string]any) []map[string]any {
			k[0]["kid"] = "other"
			return k
		}),
		publish("keys without kid", "key-published PUB6", func(k []map[string]any) []map[string]any {
			delete(k[0], "kid")
			return k
		}),
		publish("another key of the same name", "signature-published PUB7", func(k []map[string]any) []map[string]any {
			own, err := rsa.GenerateKey(rand.Reader, 2048)
			if err != nil {
				panic(err)
			}
			return []map[string]any{{
				"kty": "RSA", "use": "sig", "alg": "RS256", "e": "AQAB", "kid": k[0]["kid"],
				"n": base64.RawURLEncoding.EncodeToString(own.N.Bytes()),
			}}
		}),
		publish("more keys than AWS reads", "keys-few PUB8", func(k []map[string]any) []map[string]any {
			for i := range 100 {
				more := maps.Clone(k[0])
				more["kid"] = fmt.Sprint("key-", i)
				k = append(k, more)
			}
			return k
		}),
		publish("a key of EdDSA alone", "keys-usable ALG1", func([]map[string]any) []map[string]any {
			public, _, _ := ed25519.GenerateKey(rand.Reader)
			return []map[string]any{{"kty": "OKP", "crv": "Ed25519", "kid": "ed", "alg": "EdDSA", "use": "sig", "x": base64.RawURLEncoding.EncodeToString(public)}}
		}),
		publish("a private key among the public ones", "private-keys-kept", func(k []map[string]any) []map[string]any {
			k[0]["d"] = "AQAB"
			return k
		}),
		{name: "a new signing key", want: "key-published PUB7", paste: true, broke: func(w *world) {
			w.must(w.Control("rotate", "--drop-old"))
			w.stale = true
		}},
		{name: "a new signing key of another kind", want: "key-published PUB7", paste: true, broke: func(w *world) {
			w.must(w.Control("rotate", "--signing-key", "ecdsa"))
			w.stale = true
		}},
		publish("the same key twice is no fault", "-", func(k []map[string]any) []map[string]any { return append(k, k[0]) }),
	}
}

func providerRows() []row {
	remove := func(w *world) {
		_, err := w.iam.DeleteOpenIDConnectProvider(w.ctx(), &iam.DeleteOpenIDConnectProviderInput{OpenIDConnectProviderArn: aws.String(w.providerARN())})
		w.must(err)
	}
	return []row{
		{name: "no provider", broke: remove, want: "provider-exists PROV1", blind: refused, paste: true},
		{name: "a provider of a longer path", broke: func(w *world) { remove(w); w.addProvider(w.Issuer + "/cluster") }, want: "provider-exists ISS2", blind: refused, paste: true},
		{name: "a provider of another issuer", broke: func(w *world) { remove(w); w.addProvider("https://spare-1.s3.us-east-1.amazonaws.com") }, want: "provider-exists PROV1", blind: refused, paste: true},
		{name: "an audience that is not registered", run: "inspect sa cart --audience other.example", want: "audience-registered PROV3", blind: refused},
		{name: "a provider without the audience", broke: func(w *world) {
			for _, call := range []func() error{
				func() error {
					_, err := w.iam.AddClientIDToOpenIDConnectProvider(w.ctx(), &iam.AddClientIDToOpenIDConnectProviderInput{OpenIDConnectProviderArn: aws.String(w.providerARN()), ClientID: aws.String("sts.amazon.com")})
					return err
				},
				func() error {
					_, err := w.iam.RemoveClientIDFromOpenIDConnectProvider(w.ctx(), &iam.RemoveClientIDFromOpenIDConnectProviderInput{OpenIDConnectProviderArn: aws.String(w.providerARN()), ClientID: &w.Audience})
					return err
				},
			} {
				w.must(call())
			}
		}, want: "audience-registered PROV3", blind: refused, paste: true},
	}
}

// addProvider makes a provider without asking its issuer.
func (w *world) addProvider(url string) {
	_, err := w.iam.CreateOpenIDConnectProvider(w.ctx(), &iam.CreateOpenIDConnectProviderInput{
		Url: &url, ClientIDList: []string{w.Audience}, ThumbprintList: []string{strings.Repeat("0", 40)},
	})
	w.must(err)
}

func roleRows() []row {
	trust := func(name, want string, oldnew func(w *world) []string) row {
		return row{name: name, broke: func(w *world) { w.trust(oldnew(w)...) }, want: want, blind: refused, paste: true}
	}
	fixed := func(oldnew ...string) func(*world) []string { return func(*world) []string { return oldnew } }
	wide := func(r row) row { r.blind = "-"; return r }
	return []row{
		{name: "a role that does not exist", broke: func(w *world) { w.annotate(annotation, strings.Replace(w.RoleARN, "/cart", "/carts", 1)) }, want: "role-exists ROLE8", blind: refused, paste: true},
		{name: "a role of another path", broke: func(w *world) { w.annotate(annotation, strings.Replace(w.RoleARN, "/cart", "/team/cart", 1)) }, want: "role-exists ROLE8", blind: refused, paste: true},
		trust("another ServiceAccount is trusted", "role-trusts ROLE1", fixed("shop:cart", "shop:carts")),
		trust("another namespace is trusted", "role-trusts ROLE1", fixed("shop:cart", "store:cart")),
		trust("another audience is trusted", "role-trusts ROLE2", fixed("sts.amazonaws.com", "sts.amazon.com")),
		trust("the condition's keys are another issuer's", "role-trusts ROLE3", func(w *world) []string { return []string{`"` + w.provider + ":", `"other.example.com:`} }),
		trust("the condition's keys have a scheme", "role-trusts ROLE3", func(w *world) []string { return []string{`"` + w.provider + ":", `"https://` + w.provider + ":"} }),
		trust("a wildcard under StringEquals", "role-trusts ROLE4", fixed("shop:cart", "shop:*")),
		trust("another provider is trusted", "role-trusts ROLE6", func(w *world) []string {
			return []string{"oidc-provider/" + w.provider, "oidc-provider/other.example.com"}
		}),
		trust("an AWS principal is trusted", "role-trusts ROLE6", func(w *world) []string {
			return []string{`"Federated":"` + w.providerARN() + `"`, `"AWS":"arn:aws:iam::000000000000:root"`, `"Federated": "` + w.providerARN() + `"`, `"AWS": "arn:aws:iam::000000000000:root"`}
		}),
		{name: "another issuer is trusted without a subject", want: "trust-narrow ROLE7", blind: "-", fix: "kubectl irsa role get cart --aws-profile admin", broke: func(w *world) {
			other := `{"Effect":"Allow","Principal":{"Federated":"arn:aws:iam::000000000000:oidc-provider/other.example.com"},"Action":"sts:AssumeRoleWithWebIdentity","Condition":{"StringEquals":{"other.example.com:aud":"sts.amazonaws.com"}}},`
			w.trust(`"Statement":[`, `"Statement":[`+other, `"Statement": [`, `"Statement": [`+other)
		}},
		trust("another action is allowed", "role-trusts ROLE6", fixed("sts:AssumeRoleWithWebIdentity", "sts:AssumeRole")),
		wide(trust("no subject is asked for", "trust-narrow ROLE7", func(*world) []string { return nil })).policy(func(w *world) string {
			return fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Federated":%q},"Action":"sts:AssumeRoleWithWebIdentity","Condition":{"StringEquals":{"%s:aud":"sts.amazonaws.com"}}}]}`, w.providerARN(), w.provider)
		}),
		wide(trust("every subject is let in", "trust-narrow ROLE7", nil)).policy(func(w *world) string {
			return fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Federated":%q},"Action":"sts:AssumeRoleWithWebIdentity","Condition":{"StringEquals":{"%s:aud":"sts.amazonaws.com"},"StringLike":{"%s:sub":"system:serviceaccount:*:*"}}}]}`, w.providerARN(), w.provider, w.provider)
		}),
		wide(trust("ForAllValues lets in who has no subject", "trust-narrow ROLE5", nil)).policy(func(w *world) string {
			return fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Federated":%q},"Action":"sts:AssumeRoleWithWebIdentity","Condition":{"ForAllValues:StringEquals":{"%s:aud":"sts.amazonaws.com","%s:sub":"system:serviceaccount:shop:cart"}}}]}`, w.providerARN(), w.provider, w.provider)
		}),
		{name: "names that nobody has are trusted too", run: "inspect sa cart --fail-on warn", want: "trust-narrow ROLE18", blind: "-", paste: true, broke: func(w *world) {
			w.trust(`"system:serviceaccount:shop:cart"`, `["system:serviceaccount:shop:cart","system:serviceaccount:shop:card","system:serviceaccount:store:cart"]`)
		}},
		{name: "a trust policy near its quota", run: "inspect sa cart --fail-on warn --only trust-size", want: "trust-size ROLE12", blind: "-", broke: func(w *world) {
			var p map[string]any
			w.must(json.Unmarshal([]byte(w.good()), &p))
			subjects := []string{"system:serviceaccount:shop:cart"}
			for i := range 38 {
				subjects = append(subjects, fmt.Sprintf("system:serviceaccount:shop:service-%02d", i))
			}
			p["Statement"].([]any)[0].(map[string]any)["Condition"].(map[string]any)["StringEquals"].(map[string]any)[w.provider+":sub"] = subjects
			text, err := json.Marshal(p)
			w.must(err)
			w.policyOf(string(text))
		}},
		{name: "a session longer than the role allows", run: "inspect sa cart --duration 2h", want: "session-duration ROLE10"},
		{name: "a role without policies", run: "inspect sa cart --fail-on warn", want: "role-permits", blind: "-", broke: func(w *world) {
			_, err := w.iam.DeleteRolePolicy(w.ctx(), &iam.DeleteRolePolicyInput{RoleName: aws.String("cart"), PolicyName: aws.String("basket")})
			w.must(err)
		}},
		{name: "STS behind a proxy that nobody trusts", env: []string{"AWS_CA_BUNDLE=/etc/ssl/certs/ca-certificates.crt"}, run: "inspect sa cart --only sts-exchange", want: "sts-exchange WS6"},
	}
}

func (r row) policy(document func(*world) string) row {
	r.broke = func(w *world) { w.policyOf(document(w)) }
	return r
}

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
	whole := anew("kubectl set env --local -f - -o yaml -c app AWS_ROLE_ARN- AWS_WEB_IDENTITY_TOKEN_FILE-", "kubectl irsa inject -f -")
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
		}).on("inspect pod web --fail-on warn").mended(anew(`kubectl patch --local -f - -o yaml --type=json -p '[{"op":"remove","path":"/metadata/annotations/eks.amazonaws.com~1skip-containers"}]'`, "kubectl irsa inject -f -")),
		pod("a container that was forgotten", "pods-injected POD2", func(w *world, p *corev1.Pod) {
			p.Spec.Containers = append(p.Spec.Containers, corev1.Container{Name: "side", Image: "side"})
		}).mended(anew("kubectl irsa inject -f -")),
		pod("the pod has an older role", "pods-injected POD1", func(_ *world, p *corev1.Pod) { container(p).Env[0].Value = "arn:aws:iam::000000000000:role/old" }).
			mended(anew("kubectl set env --local -f - -o yaml -c app AWS_ROLE_ARN=arn:aws:iam::000000000000:role/cart")),
		pod("the pod's token is for another audience", "pods-injected PROV3", func(_ *world, p *corev1.Pod) {
			p.Spec.Volumes[len(p.Spec.Volumes)-1].Projected.Sources[0].ServiceAccountToken.Audience = "other"
		}).mended(anew(`kubectl patch --local -f - -o yaml --type=json -p '[{"op":"replace","path":"/spec/volumes/0/projected/sources/0/serviceAccountToken/audience","value":"sts.amazonaws.com"}]'`)),
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

// fixedBy is the line that is printed to mend it.
func (r row) fixedBy(line string) row {
	r.fix = line
	return r
}

// mended is the line that is printed to mend it, and does.
func (r row) mended(line string) row { return r.fixedBy(line).pasted() }

const deployments = "/apis/apps/v1/namespaces/shop/deployments"

const events = "/api/v1/namespaces/shop/events"

const networkPolicies = "/apis/networking.k8s.io/v1/namespaces/shop/networkpolicies"

func networkPolicy(name, spec string) func(*world) {
	return func(w *world) {
		w.kube(http.MethodPost, networkPolicies, fmt.Sprintf(`{"metadata":{"name":%q},"spec":%s}`, name, spec))
	}
}

// with breaks one thing more.
func (r row) with(more func(*world)) row {
	first := r.broke
	r.broke = func(w *world) { first(w); more(w) }
	return r
}

func (r row) wants(want string) row {
	r.want = want
	return r
}

func doctorRows() []row {
	run := func(name, flags, want string, broke func(*world)) row {
		return row{name: "doctor: " + name, run: strings.TrimSpace("doctor " + flags), want: want, broke: broke}
	}
	keys := run("keys in the environment", "--fail-on warn", "environment-quiet WS1", nil)
	keys.env = []string{"AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE"}
	return []row{
		keys,
		run("a profile whose program is gone", "", "profiles-run WS4", func(w *world) { w.profile("/nowhere/kubectl-irsa", "world", w.Issuer) }).pasted(),
		run("a profile whose context is gone", "", "profiles-lead-here WS5", func(w *world) { w.profile(w.program(), "gone", w.Issuer) }).pasted(),
		run("a profile of an older issuer", "", "profiles-lead-here WS5", func(w *world) { w.profile(w.program(), "world", "https://old.example.com") }).pasted(),
		run("a misspelt annotation", "--fail-on warn", "annotations-spelled SA1", func(w *world) { w.annotate("eks.amazonaws.com/role_arn", w.RoleARN) }),
		run("an annotation that is no ARN", "", "annotations-valid ROLE9", func(w *world) { w.annotate(annotation, "cart") }),
		run("pods without token", "-A", "pods-have-tokens POD2", func(w *world) { w.pod("web", nil) }).pasted(),
		run("the keys of a second container", "", "pods-no-static-keys POD4", func(w *world) {
			w.pod("web", func(p *corev1.Pod) {
				w.whole(p)
				side := *p.Spec.Containers[0].DeepCopy()
				side.Name, side.Env = "side", append(side.Env, corev1.EnvVar{Name: "AWS_ACCESS_KEY_ID", Value: "x"})
				p.Spec.Containers = append(p.Spec.Containers, side)
			})
		}),
		run("a network plugin with a token of an older issuer", "--fail-on warn", "clients-accepted ISS3", func(w *world) {
			w.kube(http.MethodPost, events, `{"metadata":{"name":"web.1"},"involvedObject":{"kind":"Pod","namespace":"shop","name":"web"},"type":"Warning","reason":"FailedCreatePodSandBox",`+
				`"message":"Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox \"5a84\": plugin type=\"calico\" failed (add): error getting ClusterInformation: connection is unauthorized: Unauthorized"}`)
		}),
		run("a pod without a network for another reason", "--fail-on warn", "-", func(w *world) {
			w.kube(http.MethodPost, events, `{"metadata":{"name":"web.2"},"involvedObject":{"kind":"Pod","namespace":"shop","name":"web"},"type":"Warning","reason":"FailedCreatePodSandBox","message":"no space left on device"}`)
		}),
		run("no discovery document", "", "discovery-public PUB1", func(w *world) { w.remove(discoveryKey) }).pasted(),
		{name: "doctor: an account with little room for providers", run: "doctor --fail-on warn", want: "providers-few PROV5", blind: "-", broke: func(w *world) {
			for i := range 94 { // beside its own
				w.addProvider(fmt.Sprintf("https://full-%d.example.com", i))
			}
		}},
		{name: "doctor: an account with room for six providers", run: "doctor --fail-on warn", want: "-", broke: func(w *world) {
			for i := range 93 {
				w.addProvider(fmt.Sprintf("https://full-%d.example.com", i))
			}
		}},
		{name: "doctor: no provider", run: "doctor", want: "provider-exists PROV1", blind: "-", paste: true, broke: providerRows()[0].broke},
		{name: "doctor: no right to mint", run: "doctor --as carol", want: "token-creation-allowed RBAC1"},
		{name: "doctor: a right for one ServiceAccount", run: "doctor --as dave --only token-creation-allowed --fail-on unknown", want: "-", broke: func(w *world) {
			for _, line := range [][2]string{
				{"roles", `{"metadata":{"name":"dave"},"rules":[{"apiGroups":[""],"resources":["serviceaccounts/token"],"resourceNames":["cart"],"verbs":["create"]}]}`},
				{"rolebindings", `{"metadata":{"name":"dave"},"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"Role","name":"dave"},"subjects":[{"kind":"User","apiGroup":"rbac.authorization.k8s.io","name":"dave"}]}`},
			} {
				w.kube(http.MethodPost, "/apis/rbac.authorization.k8s.io/v1/namespaces/shop/"+line[0], line[1])
			}
		}},
		{name: "doctor: short tokens", run: "doctor --fail-on warn", want: "token-lifetime TOK6", slow: true, broke: func(w *world) {
			w.must(w.Control("restart-apiserver", "--max-token-expiration", "1h"))
			w.moved = true
		}},
		{name: "an issuer that only the cluster knows", want: "issuer-public ISS1", slow: true, broke: func(w *world) {
			w.must(w.Control("restart-apiserver", "--issuer", "https://kubernetes.default.svc.cluster.local"))
			w.moved = true
		}},
		{name: "an issuer with a slash", want: "issuer-published PUB5", slow: true, broke: func(w *world) {
			w.must(w.Control("restart-apiserver", "--issuer", w.Issuer+"/"))
			w.moved = true
		}},
	}
}

func (r row) pasted() row {
	r.paste = true
	return r
}
