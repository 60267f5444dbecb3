package kubetest_test

import (
	"errors"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/google/go-cmp/cmp"
	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	authorizationclient "k8s.io/client-go/kubernetes/typed/authorization/v1"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/awstest"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/awstest/fault"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/kubetest"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/oidc"
)

func core(t *testing.T, config *rest.Config) corev1client.CoreV1Interface {
	t.Helper()
	client, err := corev1client.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func tokenRequest(seconds int64, audiences ...string) *authenticationv1.TokenRequest {
	return &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{
		Audiences: audiences, ExpirationSeconds: &seconds,
	}}
}

func TestATokenLooksLikeThatOfAKubeAPIServer(t *testing.T) {
	for _, contentType := range []string{"application/vnd.kubernetes.protobuf", "application/json"} {
		t.Run(contentType, func(t *testing.T) {
			srv := kubetest.New(t)
			srv.AddServiceAccount("shop", "cart", nil)
			config := srv.RESTConfig()
			config.ContentType = contentType
			got, err := core(t, config).ServiceAccounts("shop").CreateToken(t.Context(), "cart",
				tokenRequest(900, "sts.amazonaws.com"), metav1.CreateOptions{})
			if err != nil {
				t.Fatal(err)
			}
			token, err := oidc.ParseToken(got.Status.Token)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := oidc.Verify(token, srv.Issuer.KeySet()); err != nil {
				t.Error(err)
			}
			sa := srv.ServiceAccount("shop", "cart")
			claims := token.Claims
			want := oidc.Claims{
				Issuer: srv.URL, Subject: "system:serviceaccount:shop:cart", Audience: []string{"sts.amazonaws.com"},
				IssuedAt: claims.IssuedAt, NotBefore: claims.IssuedAt, Expiry: claims.IssuedAt.Add(15 * time.Minute), ID: claims.ID,
				Kubernetes: &oidc.KubernetesClaims{Namespace: "shop", ServiceAccount: oidc.ObjectRef{Name: "cart", UID: string(sa.UID)}},
				Names:      claims.Names,
			}
			if diff := cmp.Diff(want, claims); diff != "" {
				t.Errorf("claims (-want +got):\n%s", diff)
			}
			last := srv.Requests()[0]
			if last.String() != "create serviceaccounts/token shop/cart" || last.ContentType != contentType || last.Proto != "HTTP/2.0" {
				t.Errorf("recorded %+v", last)
			}
		})
	}
}

func TestRefusalsAreThoseOfAKubeAPIServer(t *testing.T) {
	srv := kubetest.New(t, kubetest.Options{MaxTokenSeconds: 86400})
	srv.AddServiceAccount("default", "test", nil)
	srv.TerminateNamespace("app")
	srv.AddServiceAccount("app", "irsa", nil)
	alice := srv.AddUser("alice")
	tests := map[string]struct {
		user, namespace, name string
		seconds               int64
		status                int32
		reason                metav1.StatusReason
		kind, message         string
	}{
		"a token shorter than ten minutes": {
			namespace: "default", name: "test", seconds: 599, status: 422, reason: metav1.StatusReasonInvalid, kind: "TokenRequest",
			message: `TokenRequest.authentication.k8s.io "" is invalid: spec.expirationSeconds: Invalid value: 599: may not specify a duration less than 10 minutes`,
		},
		"a token longer than 2^32 seconds": {
			namespace: "default", name: "test", seconds: 4294967297, status: 422, reason: metav1.StatusReasonInvalid, kind: "TokenRequest",
			message: `TokenRequest.authentication.k8s.io "" is invalid: spec.expirationSeconds: Invalid value: 4294967297: may not specify a duration larger than 2^32 seconds`,
		},
		"a service account that does not exist": {
			namespace: "default", name: "nosuch", seconds: 3600, status: 404, reason: metav1.StatusReasonNotFound, kind: "serviceaccounts",
			message: `serviceaccounts "nosuch" not found`,
		},
		"a namespace that does not exist": {
			namespace: "nons", name: "test", seconds: 3600, status: 404, reason: metav1.StatusReasonNotFound, kind: "namespaces",
			message: `namespaces "nons" not found`,
		},
		"a namespace that terminates": {
			namespace: "app", name: "irsa", seconds: 3600, status: 403, reason: metav1.StatusReasonForbidden, kind: "serviceaccounts",
			message: `serviceaccounts "irsa" is forbidden: unable to create new content in namespace app because it is being terminated`,
		},
		"a user without the right": {
			user: alice, namespace: "default", name: "test", seconds: 3600, status: 403, reason: metav1.StatusReasonForbidden, kind: "serviceaccounts",
			message: `serviceaccounts "test" is forbidden: User "alice" cannot create resource "serviceaccounts/token" in API group "" in the namespace "default"`,
		},
		"a token that nobody issued": {
			user: "made-up", namespace: "default", name: "test", seconds: 3600, status: 401, reason: metav1.StatusReasonUnauthorized,
			message: "Unauthorized",
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			config := srv.RESTConfig()
			if tc.user != "" {
				config.BearerToken = tc.user
			}
			_, err := core(t, config).ServiceAccounts(tc.namespace).CreateToken(t.Context(), tc.name, tokenRequest(tc.seconds), metav1.CreateOptions{})
			var status *apierrors.StatusError
			if !errors.As(err, &status) {
				t.Fatalf("error %v", err)
			}
			s := status.ErrStatus
			kind := ""
			if s.Details != nil {
				kind = s.Details.Kind
			}
			if s.Code != tc.status || s.Reason != tc.reason || kind != tc.kind || s.Message != tc.message {
				t.Errorf("got %d %s %q %s\nwant %d %s %q %s", s.Code, s.Reason, kind, s.Message, tc.status, tc.reason, tc.kind, tc.message)
			}
		})
	}
}

type warnings []string

// HandleWarningHeader implements rest.WarningHandler.
func (w *warnings) HandleWarningHeader(_ int, _, text string) { *w = append(*w, text) }

func TestALongTokenIsShortenedWithAWarning(t *testing.T) {
	srv := kubetest.New(t, kubetest.Options{MaxTokenSeconds: 86400})
	srv.AddServiceAccount("default", "test", nil)
	config := srv.RESTConfig()
	var got warnings
	config.WarningHandler = &got
	tr, err := core(t, config).ServiceAccounts("default").CreateToken(t.Context(), "test", tokenRequest(172800), metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if *tr.Spec.ExpirationSeconds != 86400 {
		t.Errorf("granted %d seconds", *tr.Spec.ExpirationSeconds)
	}
	if diff := cmp.Diff(warnings{"requested expiration of 172800 seconds shortened to 86400 seconds"}, got); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
}

func TestTheKeySetIsNotAcceptableAsPlainJSON(t *testing.T) {
	srv := kubetest.New(t)
	bob := srv.AddUser("bob")
	client, err := rest.HTTPClientFor(&rest.Config{TLSClientConfig: rest.TLSClientConfig{CAData: srv.CAPEM}})
	if err != nil {
		t.Fatal(err)
	}
	srv.AddServiceAccount("default", "test", nil)
	tr, err := core(t, srv.RESTConfig()).ServiceAccounts("default").CreateToken(t.Context(), "test", tokenRequest(600), metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		path, accept, token, method string
		status                      int
		contentType, body           string
	}{
		"admin, any type":             {"/openid/v1/jwks", "application/json, */*", srv.RESTConfig().BearerToken, "GET", 200, "application/jwk-set+json", ""},
		"admin, plain JSON only":      {"/openid/v1/jwks", "application/json", srv.RESTConfig().BearerToken, "GET", 406, "text/plain", "406: Not Acceptable\n\nAvailable representations: application/jwk-set+json"},
		"admin, trailing slash":       {"/.well-known/openid-configuration/", "", srv.RESTConfig().BearerToken, "GET", 200, "application/json", ""},
		"admin, HEAD":                 {"/openid/v1/jwks", "", srv.RESTConfig().BearerToken, "HEAD", 405, "text/plain", ""},
		"a service account may read":  {"/openid/v1/jwks", "", tr.Status.Token, "GET", 200, "application/jwk-set+json", ""},
		"an ordinary user may not":    {"/openid/v1/jwks", "", bob, "GET", 403, "application/json", `forbidden: User \"bob\" cannot get path \"/openid/v1/jwks\"`},
		"nor may somebody unknown":    {"/openid/v1/jwks", "", "", "GET", 403, "application/json", `forbidden: User \"system:anonymous\" cannot get path \"/openid/v1/jwks\"`},
		"a token of another audience": {"/openid/v1/jwks", "", srv.Issuer.Mint("default", "test", "sts.amazonaws.com"), "GET", 401, "application/json", "Unauthorized"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			req, err := http.NewRequestWithContext(t.Context(), tc.method, srv.URL+tc.path, http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			if tc.accept != "" {
				req.Header.Set("Accept", tc.accept)
			}
			if tc.token != "" {
				req.Header.Set("Authorization", "Bearer "+tc.token)
			}
			resp, err := client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			body, _ := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			if resp.StatusCode != tc.status || resp.Header.Get("Content-Type") != tc.contentType || !strings.Contains(string(body), tc.body) {
				t.Errorf("got %d %s\n%s", resp.StatusCode, resp.Header.Get("Content-Type"), body)
			}
		})
	}
}

func TestServiceAccountsAreKept(t *testing.T) {
	srv := kubetest.New(t)
	accounts := core(t, srv.RESTConfig()).ServiceAccounts("default")
	if _, err := accounts.Create(t.Context(), &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "a"}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	_, err := accounts.Create(t.Context(), &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "a"}}, metav1.CreateOptions{})
	if !apierrors.IsAlreadyExists(err) {
		t.Errorf("creating it again: %v", err)
	}
	if _, err := accounts.Create(t.Context(), &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "dry"}}, metav1.CreateOptions{DryRun: []string{"All"}}); err != nil {
		t.Error(err)
	}
	for kind, patch := range map[types.PatchType]string{
		types.MergePatchType:          `{"metadata":{"annotations":{"merge":"1"}}}`,
		types.StrategicMergePatchType: `{"metadata":{"annotations":{"strategic":"1"}}}`,
	} {
		if _, err := accounts.Patch(t.Context(), "a", kind, []byte(patch), metav1.PatchOptions{}); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
	}
	got, err := accounts.Get(t.Context(), "a", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"merge": "1", "strategic": "1"}, got.Annotations); diff != "" {
		t.Errorf("annotations (-want +got):\n%s", diff)
	}
	for _, name := range []string{"b", "c"} {
		srv.AddServiceAccount("default", name, nil)
	}
	var names []string
	for options := (metav1.ListOptions{Limit: 2}); ; {
		page, err := accounts.List(t.Context(), options)
		if err != nil {
			t.Fatal(err)
		}
		for _, sa := range page.Items {
			names = append(names, sa.Name)
		}
		if options.Continue = page.Continue; options.Continue == "" {
			break
		}
	}
	if diff := cmp.Diff([]string{"a", "b", "c"}, names); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
}

func TestAccessReviewsFollowTheGrants(t *testing.T) {
	srv := kubetest.New(t)
	config := srv.RESTConfig()
	config.BearerToken = srv.AddUser("carol", kubetest.Grant{
		Verbs: []string{"create"}, Resources: []string{"serviceaccounts/token"}, Namespaces: []string{"shop"}, Names: []string{"cart"},
	})
	client, err := authorizationclient.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{"cart": true, "other": false} {
		review, err := client.SelfSubjectAccessReviews().Create(t.Context(), &authorizationv1.SelfSubjectAccessReview{
			Spec: authorizationv1.SelfSubjectAccessReviewSpec{ResourceAttributes: &authorizationv1.ResourceAttributes{
				Verb: "create", Resource: "serviceaccounts", Subresource: "token", Namespace: "shop", Name: name,
			}},
		}, metav1.CreateOptions{})
		if err != nil || review.Status.Allowed != want {
			t.Errorf("%s: allowed %v, %v", name, review.Status.Allowed, err)
		}
	}
}

func TestFaultsStrikeTheRequestsTheyName(t *testing.T) {
	tests := map[string]struct {
		fault   kubetest.Fault
		timeout time.Duration
		want    string
	}{
		"forbidden":     {kubetest.Fault{Verb: "get", Resource: "serviceaccounts", Status: 403}, time.Minute, `serviceaccounts "a" is forbidden: User "kubernetes-admin" cannot get resource "serviceaccounts" in API group "" in the namespace "default"`},
		"server error":  {kubetest.Fault{Status: 500, Message: "etcd is away"}, time.Minute, "etcd is away"},
		"never answers": {kubetest.Fault{Kind: fault.Hang}, 200 * time.Millisecond, "exceeded"},
		"cut":           {kubetest.Fault{Kind: fault.Reset, Times: 100}, time.Minute, "INTERNAL_ERROR"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			srv := kubetest.New(t)
			srv.AddServiceAccount("default", "a", nil)
			srv.Faults.Add(tc.fault)
			config := srv.RESTConfig()
			config.Timeout = tc.timeout
			_, err := core(t, config).ServiceAccounts("default").Get(t.Context(), "a", metav1.GetOptions{})
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
}

func TestAKubeconfigLeadsToTheServer(t *testing.T) {
	srv := kubetest.New(t)
	for name, tc := range map[string]struct {
		kubeconfig kubetest.Kubeconfig
		want       string
	}{
		"admin":     {kubetest.Kubeconfig{Namespace: "default"}, ""},
		"wrong CA":  {kubetest.Kubeconfig{WrongCA: true}, "certificate signed by unknown authority"},
		"anonymous": {kubetest.Kubeconfig{Anonymous: true}, `User "system:anonymous" cannot get resource "namespaces"`},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "config")
			if err := srv.WriteKubeconfig(path, tc.kubeconfig); err != nil {
				t.Fatal(err)
			}
			config, err := clientcmd.BuildConfigFromFlags("", path)
			if err != nil {
				t.Fatal(err)
			}
			_, err = core(t, config).Namespaces().Get(t.Context(), "default", metav1.GetOptions{})
			if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
}

func TestATokenOfThisClusterOpensARole(t *testing.T) {
	cloud := awstest.New(t)
	issuer, err := awstest.NewIssuer("https://oidc-test.s3.us-east-1.amazonaws.com", "P-256")
	if err != nil {
		t.Fatal(err)
	}
	cloud.PublishIssuer(issuer, "oidc-test")
	srv := kubetest.New(t, kubetest.Options{Issuer: issuer})
	srv.AddServiceAccount("shop", "cart", nil)
	role := cloud.Trust(issuer.URL, "cart", "system:serviceaccount:shop:cart")
	tr, err := core(t, srv.RESTConfig()).ServiceAccounts("shop").CreateToken(t.Context(), "cart", tokenRequest(600, "sts.amazonaws.com"), metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	out, err := sts.NewFromConfig(cloud.ConfigFor(nil)).AssumeRoleWithWebIdentity(t.Context(), &sts.AssumeRoleWithWebIdentityInput{
		RoleArn: &role, RoleSessionName: aws.String("me"), WebIdentityToken: &tr.Status.Token,
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := *out.AssumedRoleUser.Arn, "arn:aws:sts::111122223333:assumed-role/cart/me"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
