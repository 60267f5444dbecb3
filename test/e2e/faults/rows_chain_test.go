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
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

func serviceAccountRows() []row {
	other := "arn:aws:iam::111122223333:role/cart"
	return []row{
		{name: "no annotation", broke: func(w *world) { w.annotate() }, want: "role-annotated SA1", paste: true},
		{name: "a misspelt annotation", broke: func(w *world) { w.annotate("eks.amazonaws.com/role_arn", w.RoleARN) }, want: "role-annotated SA1", paste: true},
		{name: "an annotation of another tool", broke: func(w *world) { w.annotate("iam.amazonaws.com/role", w.RoleARN) }, want: "role-annotated SA1", paste: true},
		{name: "a blank in the ARN", broke: func(w *world) { w.annotate(annotation, w.RoleARN+" ") }, want: "role-arn-valid ROLE9", paste: true},
		{name: "quotes around the ARN", broke: func(w *world) { w.annotate(annotation, `"`+w.RoleARN+`"`) }, want: "role-arn-valid ROLE9", paste: true},
		{name: "a slash behind the ARN", broke: func(w *world) { w.annotate(annotation, w.RoleARN+"/") }, want: "role-arn-valid ROLE9", paste: true},
		{name: "a letter of another script in the ARN", broke: func(w *world) { w.annotate(annotation, strings.Replace(w.RoleARN, "/cart", "/\u0441art", 1)) }, want: "role-arn-valid ROLE9", paste: true},
		{name: "an audience annotation that is almost the usual one", broke: func(w *world) {
			w.annotate(annotation, w.RoleARN, "eks.amazonaws.com/audience", "sts.amazon.com")
		}, want: "audience-registered PROV3", blind: "token-audience PROV3", paste: true},
		{name: "a blank behind the audience annotation", broke: func(w *world) {
			w.annotate(annotation, w.RoleARN, "eks.amazonaws.com/audience", w.Audience+" ")
		}, want: "audience-registered PROV3", blind: "token-audience PROV3", paste: true},
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
		publish("jwks_uri in a bucket that nobody has", "jwks-public PROV4", func(w *world) {
			w.document(func(d map[string]any) { d["jwks_uri"] = "https://spare-1.s3.us-east-1.amazonaws.com/keys.json" })
		}).blindly("jwks-public PUB1"),
		publish("no issuer", "issuer-published PUB5", func(w *world) { w.document(func(d map[string]any) { delete(d, "issuer") }) }),
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
		trust("a blank behind the trusted name", "role-trusts ROLE1", fixed(`shop:cart"`, `shop:cart "`)),
		trust("a trusted subject without its beginning", "role-trusts ROLE1", fixed("system:serviceaccount:shop:cart", "shop:cart")),
		trust("capitals in the trusted namespace", "role-trusts ROLE1", fixed("shop:cart", "Shop:cart")),
		trust("the provider of another account is trusted", "role-trusts ROLE6", fixed("iam::000000000000:oidc", "iam::111122223333:oidc")),
		{name: "a role in another case", broke: func(w *world) { w.annotate(annotation, strings.Replace(w.RoleARN, "/cart", "/Cart", 1)) }, want: "role-exists ROLE8", blind: refused, paste: true},
		{name: "a statement that denies it", want: "role-trusts ROLE17", blind: refused, fix: "kubectl irsa role get cart --aws-profile admin", broke: func(w *world) {
			no := fmt.Sprintf(`{"Sid":"NotTheShop","Effect":"Deny","Principal":{"Federated":%q},"Action":"sts:AssumeRoleWithWebIdentity","Condition":{"StringLike":{"%s:sub":"system:serviceaccount:shop:*"}}},`, w.providerARN(), w.provider)
			w.trust(`"Statement":[`, `"Statement":[`+no, `"Statement": [`, `"Statement": [`+no)
		}},
		{name: "a condition that does not hold here", broke: func(w *world) {
			w.trust(`"StringEquals"`, `"IpAddress":{"aws:SourceIp":"198.51.100.0/24"},"StringEquals"`)
		}, want: "sts-exchange", fix: "kubectl irsa role get cart --aws-profile admin"},
		trust("another namespace is trusted", "role-trusts ROLE1", fixed("shop:cart", "store:cart")),
		trust("another audience is trusted", "role-trusts ROLE2", fixed("sts.amazonaws.com", "sts.amazon.com")),
		trust("the condition's keys are another issuer's", "role-trusts ROLE3", func(w *world) []string { return []string{`"` + w.provider + ":", `"other.example.com:`} }),
		trust("the condition's keys have a scheme", "role-trusts ROLE3", func(w *world) []string { return []string{`"` + w.provider + ":", `"https://` + w.provider + ":"} }),
		trust("the condition's key has a letter too many", "role-trusts ROLE3", fixed(`:sub"`, `:subb"`)),
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
		{name: "a role without policies", run: "inspect sa cart --fail-on warn", want: "role-permits ROLE19", blind: "-", broke: func(w *world) {
			_, err := w.iam.DeleteRolePolicy(w.ctx(), &iam.DeleteRolePolicyInput{RoleName: aws.String("cart"), PolicyName: aws.String("basket")})
			w.must(err)
		}},
		{name: "STS behind a proxy that nobody trusts", env: []string{"AWS_CA_BUNDLE=/etc/ssl/certs/ca-certificates.crt"}, run: "inspect sa cart --only sts-exchange", want: "sts-exchange WS6"},
	}
}
