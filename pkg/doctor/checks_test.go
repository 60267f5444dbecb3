package doctor

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/awstest"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/check"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/irsa"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/oidc"
)

const issuerURL = "https://cluster.s3.us-east-1.amazonaws.com"

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// healthy are the facts of a chain that holds, read with AWS credentials.
func healthy(t *testing.T) Facts {
	t.Helper()
	issuer, err := awstest.NewIssuer(issuerURL, "P-256")
	if err != nil {
		t.Fatal(err)
	}
	issuer.Now = func() time.Time { return noon }
	role, err := irsa.ParseRoleARN("arn:aws:iam::111122223333:role/cart", irsa.TwelveDigits)
	if err != nil {
		t.Fatal(err)
	}
	discovery, err := oidc.ParseDiscovery(issuer.Discovery())
	if err != nil {
		t.Fatal(err)
	}
	keys := issuer.KeySet()
	provider := ProviderARN(role, issuerURL)
	return Facts{
		Target:  Target{Namespace: "shop", ServiceAccount: "cart", WithPods: true},
		Now:     noon,
		Account: Known[*corev1.ServiceAccount]{Value: &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{CreationTimestamp: metav1.NewTime(noon.Add(-time.Hour))}}},
		Role:    Known[irsa.RoleARN]{Value: role}, RoleText: role.String(), WantedAudience: irsa.DefaultAudience,
		Token: Known[Minted]{Value: minted(t, issuer.Mint("shop", "cart", irsa.DefaultAudience))}, Issuer: issuerURL,
		LiveDiscovery: Known[oidc.Discovery]{Value: discovery}, LiveKeys: Known[oidc.KeySet]{Value: keys},
		Discovery: Known[Published[oidc.Discovery]]{Value: Published[oidc.Discovery]{Document: &oidc.Document{}, Parsed: discovery}},
		Keys:      Known[Published[oidc.KeySet]]{Value: Published[oidc.KeySet]{Document: &oidc.Document{}, Parsed: keys}},
		Caller:    Known[Caller]{Value: Caller{Account: role.Account}},
		Provider:  Known[Provider]{Value: Provider{ARN: provider, Audiences: []string{irsa.DefaultAudience}}},
		Providers: Known[[]string]{Value: []string{provider}},
		IAMRole: Known[Role]{Value: Role{
			ARN: role.String(), Trust: awstest.TrustPolicy(provider, irsa.DefaultAudience, "system:serviceaccount:shop:cart"), MaxSession: time.Hour,
		}},
		Policies: Known[int]{Value: 1}, Mutated: Known[bool]{Err: ErrNotAsked},
		STS: Known[Exchange]{Value: Exchange{ARN: "arn:aws:sts::111122223333:assumed-role/cart/x", Endpoint: "sts.us-east-1.amazonaws.com"}},
	}
}

func minted(t *testing.T, raw string) Minted {
	t.Helper()
	parsed, err := oidc.ParseToken(raw)
	if err != nil {
		t.Fatal(err)
	}
	return Minted{Parsed: parsed, Granted: tokenLife, At: noon, raw: raw}
}

// said is an answer of AWS's.
func said(code, message string) error { return &smithy.GenericAPIError{Code: code, Message: message} }

// rootOf is "id CAUSE" of what stops a run that takes warnings seriously.
func rootOf(f Facts) string {
	root := check.Root(check.Run(f, ServiceAccountChecks(), check.Selection{}), check.Warn)
	if root == nil {
		return "-"
	}
	return strings.TrimSpace(root.ID + " " + root.Cause)
}

func TestWhatNoWorldCanBeBrokenTo(t *testing.T) {
	denied := said("AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity")
	claims := func(t *testing.T, f *Facts, change func(map[string]any), header map[string]any) {
		t.Helper()
		issuer, err := awstest.NewIssuer(issuerURL, "P-256")
		if err != nil {
			t.Fatal(err)
		}
		issuer.Now = func() time.Time { return noon }
		c := issuer.Claims("shop", "cart", irsa.DefaultAudience)
		if change != nil {
			change(c)
		}
		raw, err := issuer.Sign(c, header)
		if err != nil {
			t.Fatal(err)
		}
		f.Token.Value = minted(t, raw)
	}
	for name, tc := range map[string]struct {
		broke func(*testing.T, *Facts)
		want  string
	}{
		"nothing is broken": {func(*testing.T, *Facts) {}, "-"},
		"a token without audience": {func(t *testing.T, f *Facts) {
			claims(t, f, func(c map[string]any) { delete(c, "aud") }, nil)
		}, "token-claims TOK3"},
		"a token of somebody else": {func(t *testing.T, f *Facts) {
			claims(t, f, func(c map[string]any) { c["sub"] = "me" }, nil)
		}, "token-claims TOK4"},
		"a token of two audiences": {func(t *testing.T, f *Facts) {
			claims(t, f, func(c map[string]any) { c["aud"] = []string{irsa.DefaultAudience, "other"} }, nil)
		}, "token-audience TOK7"},
		"an algorithm that AWS does not know": {func(t *testing.T, f *Facts) {
			claims(t, f, nil, map[string]any{"alg": "EdDSA"})
		}, "token-algorithm ALG1"},
		"a token that has expired at AWS": {func(_ *testing.T, f *Facts) {
			f.STS.Err = said("ExpiredTokenException", "Token expired: current date/time 1 must be before the expiration date/time 0")
		}, "token-valid-now TOK1"},
		"AWS's clock is two hours ahead": {func(_ *testing.T, f *Facts) {
			f.Clocks = []Reading{{Whose: "STS", Theirs: noon.Add(2 * time.Hour), Ours: noon}}
		}, "token-valid-now TOK2"},
		"a clock that is a minute off": {func(_ *testing.T, f *Facts) {
			f.Clocks = []Reading{{Whose: "STS", Theirs: noon.Add(time.Minute), Ours: noon}}
		}, "clocks-agree TOK2"},
		"an issuer with a port":       {func(_ *testing.T, f *Facts) { f.Issuer = "https://example.com:8443" }, "issuer-public PUB10"},
		"an issuer that is not https": {func(_ *testing.T, f *Facts) { f.Issuer = "http://example.com" }, "issuer-public ISS1"},
		"an issuer that is no URL":    {func(_ *testing.T, f *Facts) { f.Issuer = "kubernetes/serviceaccount" }, "issuer-public ISS1"},
		"an issuer that is an address": {func(_ *testing.T, f *Facts) {
			f.Issuer = "https://192.0.2.1"
		}, "issuer-public ISS1"},
		"an issuer that the document does not name": {func(_ *testing.T, f *Facts) {
			f.LiveDiscovery.Value.Issuer += "/"
		}, "issuer-consistent ISS2"},
		"an API server that signs with a key it does not serve": {func(_ *testing.T, f *Facts) {
			f.LiveKeys.Value = oidc.KeySet{}
		}, "signature-live PUB7"},
		"a provider with a slash": {func(_ *testing.T, f *Facts) {
			f.Provider.Err = said("NoSuchEntity", "")
			f.STS.Err, f.Providers.Value = denied, []string{f.Provider.Value.ARN + "/"}
		}, "provider-exists ISS2"},
		"no provider, in AWS's older words, without credentials": {func(_ *testing.T, f *Facts) {
			f.Provider.Err = ErrNoCredentials
			f.STS.Err = said("InvalidIdentityToken", "No OpenIDConnect provider found in your account for "+issuerURL)
		}, "provider-exists PROV1"},
		"a wrong audience, in AWS's older words, without credentials": {func(_ *testing.T, f *Facts) {
			f.Provider.Err = ErrNoCredentials
			f.STS.Err = said("InvalidIdentityToken", "Incorrect token audience")
		}, "audience-registered PROV3"},
		"a role that was made just now": {func(_ *testing.T, f *Facts) {
			f.IAMRole.Value.Created, f.STS.Err = noon.Add(-time.Second), denied
		}, "sts-exchange ROLE14"},
		"a policy of the organisation": {func(_ *testing.T, f *Facts) { f.STS.Err = denied }, "sts-exchange"},
		"a Deny statement": {func(_ *testing.T, f *Facts) {
			f.IAMRole.Value.Trust = strings.Replace(f.IAMRole.Value.Trust, `"Allow"`, `"Deny"`, 1)
			f.STS.Err = denied
		}, "role-trusts ROLE17"},
		"an STS that is not AWS's": {func(_ *testing.T, f *Facts) {
			f.STS.Err, f.STS.Value.Endpoint = said("InvalidParameterValue", "no"), "minio.example.com"
		}, "sts-exchange STSX"},
		"a region that is not active": {func(_ *testing.T, f *Facts) {
			f.STS.Err = said("RegionDisabledException", "STS is not activated in this region")
		}, "sts-exchange REG1"},
		"a pod that was made together with its ServiceAccount": {func(_ *testing.T, f *Facts) {
			f.Hooks.Value = []Webhook{{Configuration: "pod-identity-webhook"}}
			f.Pods.Value = []corev1.Pod{{
				ObjectMeta: metav1.ObjectMeta{Name: "web", CreationTimestamp: f.Account.Value.CreationTimestamp},
				Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "app"}}},
			}}
		}, "pods-injected POD13"},
		"a host that does not resolve here, and does for AWS": {func(_ *testing.T, f *Facts) {
			f.Discovery.Err = &oidc.DNSError{Host: "issuer.example.com", NotFound: true}
		}, "discovery-public PUB1"},
		"a host that does not resolve, and a provider that trusts it": {func(_ *testing.T, f *Facts) {
			f.Discovery.Err, f.STS.Err = &oidc.DNSError{Host: "issuer.example.com", NotFound: true}, denied
		}, "discovery-public PROV4"},
		"a host that does not resolve": {func(_ *testing.T, f *Facts) {
			f.Discovery.Err, f.STS.Err, f.Provider.Err = &oidc.DNSError{Host: "issuer.example.com", NotFound: true}, denied, ErrNoCredentials
		}, "discovery-public PUB1"},
		"a caBundle that is no certificate": {func(_ *testing.T, f *Facts) {
			f.Hooks.Value = []Webhook{{Configuration: "pod-identity-webhook", CABundle: []byte("x")}}
		}, "webhook-serves POD2"},
	} {
		t.Run(name, func(t *testing.T) {
			f := healthy(t)
			tc.broke(t, &f)
			if diff := cmp.Diff(tc.want, rootOf(f)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestWithoutCredentialsNothingIsClaimedThatWasNotSeen(t *testing.T) {
	f := healthy(t)
	for _, err := range []*error{&f.Caller.Err, &f.Provider.Err, &f.Providers.Err, &f.IAMRole.Err, &f.Policies.Err} {
		*err = ErrNoCredentials
	}
	f.STS.Err = said("AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity")
	got := map[string]check.Status{}
	for _, c := range check.Run(f, ServiceAccountChecks(), check.Selection{}) {
		if c.Link == linkProvider || c.Link == linkRole || c.Link == linkSTS {
			got[c.ID] = c.Status
		}
	}
	want := map[string]check.Status{
		"provider-exists": check.Unknown, "provider-account": check.Unknown, "audience-registered": check.Unknown,
		"role-exists": check.Unknown, "trust-policy-valid": check.Unknown, "role-trusts": check.Unknown, "trust-narrow": check.Unknown,
		"trust-size": check.Unknown, "session-duration": check.Unknown, "role-permits": check.Unknown, "sts-exchange": check.Fail,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestCredentialsOfAnotherAccountProveNothingAboutTheRole(t *testing.T) {
	f := healthy(t)
	other := &elsewhere{caller: "444455556666", role: "111122223333"}
	f.Provider.Err, f.IAMRole.Err, f.Policies.Err = other, other, other
	for _, c := range check.Run(f, ServiceAccountChecks(), check.Selection{}) {
		if c.Status == check.Fail {
			t.Errorf("%s failed: %s", c.ID, c.Detail)
		}
	}
}

func TestPublicDocumentsThatAreNone(t *testing.T) {
	for name, tc := range map[string]struct {
		answer http.HandlerFunc
		want   string
	}{
		"a redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/elsewhere", http.StatusFound)
		}, "warn PUB11"},
		"a page with status 403": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			w.WriteHeader(http.StatusForbidden)
			_, _ = w.Write([]byte("<html>blocked</html>"))
		}, "fail PUB11"},
		"S3 that blocks public access": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Server", "AmazonS3")
			w.WriteHeader(http.StatusForbidden)
			_, _ = w.Write([]byte("<Error><Code>AccessDenied</Code></Error>"))
		}, "fail PUB2"},
		"no such bucket": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusNotFound)
			_, _ = w.Write([]byte("<Error><Code>NoSuchBucket</Code></Error>"))
		}, "fail PUB1"},
		"a server that is busy":       {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }, "fail PUB1"},
		"an answer that is cut short": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "unknown "},
		"a document without end": {func(w http.ResponseWriter, _ *http.Request) {
			for {
				if _, err := w.Write([]byte(strings.Repeat(" ", 1<<16))); err != nil {
					return
				}
			}
		}, "fail PUB1"},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewTLSServer(tc.answer)
			defer server.Close()
			w := World{Public: server.Client(), Now: time.Now}
			f := Facts{Issuer: server.URL, STS: Known[Exchange]{Err: ErrNotAsked}, Provider: Known[Provider]{Err: ErrNoCredentials}, Blocks: Known[[]string]{Err: ErrNotAsked}}
			w.published(t.Context(), &f)
			r := discoveryPublic(f)
			if diff := cmp.Diff(tc.want, string(r.Status)+" "+r.Cause); diff != "" {
				t.Errorf("(-want +got):\n%s%s", diff, r.Detail)
			}
		})
	}
	t.Run("a certificate of nobody", func(t *testing.T) {
		server := httptest.NewTLSServer(http.NotFoundHandler())
		defer server.Close()
		w := World{Public: &http.Client{}, Now: time.Now}
		f := Facts{Issuer: server.URL}
		w.published(t.Context(), &f)
		if r := discoveryPublic(f); r.Cause != "PUB10" {
			t.Errorf("cause %s: %s", r.Cause, r.Detail)
		}
	})
}

func TestNothingIsRemovedThatWasNotRead(t *testing.T) {
	const (
		at      = issuerURL + oidc.DiscoveryPath
		publish = "kubectl irsa publish"
		remove  = "aws s3 rm s3://cluster/.well-known/openid-configuration"
	)
	unseen := map[string]error{
		"a connection that is refused":       &oidc.UnreachableError{URL: at, Err: errors.New("connection refused")},
		"an answer that does not come":       &oidc.TimeoutError{URL: at, Limit: time.Second, Err: context.DeadlineExceeded},
		"a resolver that does not answer":    &oidc.DNSError{URL: at, Host: "cluster", Err: errors.New("i/o timeout")},
		"a look that was given up meanwhile": fmt.Errorf("fetching: %w", context.Canceled),
	}
	authority := &oidc.TLSError{URL: at, Fault: oidc.TLSUnknownAuthority, Err: errors.New("unknown authority")}
	expired := &oidc.TLSError{URL: at, Fault: oidc.TLSExpired, Err: errors.New("expired")}
	type row struct {
		err      error
		read     bool
		bundled  bool
		accepted bool
		want     string // status, cause and fix
	}
	rows := map[string]row{
		"a page in place of the document":            {&oidc.HTMLAnswer{URL: at}, true, false, false, "fail PUB1 " + remove + ", " + publish},
		"a page that AWS has got before":             {&oidc.HTMLAnswer{URL: at}, true, false, true, "fail PUB1 " + remove + ", " + publish},
		"a document without end":                     {&oidc.TooLargeError{URL: at}, true, false, false, "fail PUB1 " + remove + ", " + publish},
		"a URL that cannot be":                       {errors.New("no URL"), false, false, false, "fail PUB1 " + publish},
		"an authority that nobody knows":             {authority, false, false, false, "fail PUB10 "},
		"an authority that is not known here":        {authority, false, false, true, "warn PUB10 "},
		"a certificate that is over":                 {expired, false, false, true, "fail PUB10 "},
		"an authority of AWS_CA_BUNDLE":              {nil, true, true, false, "warn PUB10 "},
		"an authority of AWS_CA_BUNDLE, and no harm": {nil, true, true, true, "pass  "},
	}
	for name, err := range unseen {
		rows[name] = row{err, false, false, false, "unknown  "}
		rows[name+", here alone"] = row{err, false, false, true, "warn PUB1 "}
	}
	for name, tc := range rows {
		t.Run(name, func(t *testing.T) {
			f := healthy(t)
			f.Discovery.Err, f.Discovery.Value.URL, f.Discovery.Value.Bundled = tc.err, at, tc.bundled
			if !tc.read {
				f.Discovery.Value.Document = nil
			}
			if !tc.accepted {
				f.STS.Err = ErrNotAsked
			}
			r := discoveryPublic(f)
			if diff := cmp.Diff(tc.want, string(r.Status)+" "+r.Cause+" "+strings.Join(r.Fix, ", ")); diff != "" {
				t.Errorf("(-want +got):\n%s%s", diff, r.Detail)
			}
		})
	}
}

func TestOfADocumentThatWasNotSeenNothingHolds(t *testing.T) {
	f := healthy(t)
	f.Discovery = Known[Published[oidc.Discovery]]{Err: &oidc.UnreachableError{URL: issuerURL, Err: errors.New("connection refused")}}
	f.Keys = Known[Published[oidc.KeySet]]{Err: errors.New("the discovery document does not say where the key set is")}
	f.STS.Err = ErrNotAsked
	for _, x := range check.Run(f, ServiceAccountChecks(), check.Selection{}) {
		if (x.Link == linkDocuments || x.Link == linkKeys && x.ID != "signature-live") && x.Status != check.Unknown {
			t.Errorf("%s is %s: %s", x.ID, x.Status, x.Detail)
		}
	}
}

func TestTheBundleForAWSServesWhereNothingElseDoes(t *testing.T) {
	issuer, err := awstest.NewIssuer(issuerURL, "P-256")
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(issuer.Discovery()) }))
	defer server.Close()
	for name, tc := range map[string]struct {
		world World
		want  string
	}{
		"nobody knows the authority":      {World{Public: &http.Client{}}, "fail PUB10"},
		"AWS_CA_BUNDLE alone does":        {World{Public: &http.Client{}, Bundled: server.Client()}, "warn PUB10"},
		"this machine does, like anybody": {World{Public: server.Client(), Bundled: server.Client()}, "pass "},
	} {
		t.Run(name, func(t *testing.T) {
			tc.world.Now = time.Now
			f := Facts{Issuer: server.URL, STS: Known[Exchange]{Err: ErrNotAsked}}
			tc.world.published(t.Context(), &f)
			r := discoveryPublic(f)
			if diff := cmp.Diff(tc.want, string(r.Status)+" "+r.Cause); diff != "" {
				t.Errorf("(-want +got):\n%s%s", diff, r.Detail)
			}
		})
	}
}

// wideTrust lets in every ServiceAccount of the cluster.
func wideTrust(f Facts) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Federated":"` + f.Provider.Value.ARN + `"},` +
		`"Action":"sts:AssumeRoleWithWebIdentity","Condition":{"StringEquals":{"` + hostPath(issuerURL) + `:aud":"sts.amazonaws.com"}}}]}`
}

func TestWhatCannotCauseARefusalExplainsNone(t *testing.T) {
	denied := said("AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity")
	for name, tc := range map[string]struct {
		broke func(*Facts)
		want  string // root cause
		says  string // in the detail of sts-exchange
	}{
		"a role that trusts too many, and a policy above it": {func(f *Facts) { f.IAMRole.Value.Trust = wideTrust(*f) }, "sts-exchange", "(ROLE11)"},
		"a role that trusts too many and was made just now": {func(f *Facts) {
			f.IAMRole.Value.Trust, f.IAMRole.Value.Created = wideTrust(*f), noon
		}, "sts-exchange ROLE14", "less than a minute ago"},
		"a private key that is public": {func(f *Facts) { f.Keys.Value.Parsed.Keys[0].Private = true }, "sts-exchange", "(ROLE11)"},
		"what can cause it does": {func(f *Facts) {
			f.IAMRole.Value.Trust = strings.ReplaceAll(f.IAMRole.Value.Trust, "shop:cart", "shop:cards")
		}, "role-trusts ROLE1", "AccessDenied"},
	} {
		t.Run(name, func(t *testing.T) {
			f := healthy(t)
			f.STS.Err = denied
			tc.broke(&f)
			if diff := cmp.Diff(tc.want, rootOf(f)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if x := finding(t, f, "sts-exchange"); !strings.Contains(x.Detail, tc.says) {
				t.Errorf("it says %s", x.Detail)
			}
		})
	}
	t.Run("alone it is what is wrong", func(t *testing.T) {
		f := healthy(t)
		f.IAMRole.Value.Trust = wideTrust(f)
		if diff := cmp.Diff("trust-narrow ROLE7", rootOf(f)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestNoResultHoldsTheToken(t *testing.T) {
	f := healthy(t)
	f.STS.Err = errors.New("broken")
	for _, c := range check.Run(f, ServiceAccountChecks(), check.Selection{}) {
		if strings.Contains(c.Detail+strings.Join(c.Fix, ""), f.Token.Value.raw) {
			t.Errorf("%s shows the token", c.ID)
		}
	}
}
