//go:build e2e

// Package faults breaks a world in one way after another and holds what the
// program says against what was broken.
//
//	go run ./test/world --plugin bin -- go test -tags e2e ./test/e2e/faults/...
package faults

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/trustpolicy"
	"github.com/kubectl-irsa/kubectl-irsa/test/schema"
	"github.com/kubectl-irsa/kubectl-irsa/test/world/inside"
)

const (
	discoveryKey = ".well-known/openid-configuration"
	jwksKey      = "openid/v1/jwks"
	annotation   = "eks.amazonaws.com/role-arn"
	webhookPath  = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations"
)

// world is the one that the tests share, with what it was when it was well.
type world struct {
	inside.World
	t    testing.TB
	iam  *iam.Client
	s3   *s3.Client
	core corev1client.CoreV1Interface

	provider        string // host and path of the issuer
	discovery, jwks []byte
	policy          string // of the bucket
	stale           bool   // the AWS server holds keys that are not right any more
	moved           bool   // the API server was started otherwise
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{World: inside.Here(t), t: t}
	w.provider = strings.TrimPrefix(w.Issuer, "https://")
	admin, err := config.LoadDefaultConfig(context.Background(), config.WithRegion("us-east-1"),
		config.WithSharedCredentialsFiles([]string{w.Admin}), config.WithSharedConfigProfile("admin"))
	w.must(err)
	w.iam = iam.NewFromConfig(admin)
	w.s3 = s3.NewFromConfig(admin, func(o *s3.Options) { o.UsePathStyle = true })
	kube, err := clientcmd.BuildConfigFromFlags("", filepath.Join(w.Dir, "kubeconfig"))
	w.must(err)
	kube.QPS = -1
	w.core, err = corev1client.NewForConfig(kube)
	w.must(err)
	out, err := w.s3.GetBucketPolicy(context.Background(), &s3.GetBucketPolicyInput{Bucket: &w.Bucket})
	w.must(err)
	w.policy = aws.ToString(out.Policy)
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// here is the world for one test.
func (w *world) here(t *testing.T) *world {
	other := *w
	other.t = t
	other.discovery, other.jwks = w.object(discoveryKey), w.object(jwksKey) // a row may have changed the keys
	return &other
}

func (w *world) ctx() context.Context { return w.t.Context() }

// object reads the bucket of the issuer.
func (w *world) object(key string) []byte {
	out, err := w.s3.GetObject(context.Background(), &s3.GetObjectInput{Bucket: &w.Bucket, Key: &key})
	w.must(err)
	defer out.Body.Close()
	text, err := io.ReadAll(out.Body)
	w.must(err)
	return text
}

func (w *world) put(key string, body []byte, cacheControl string) {
	in := &s3.PutObjectInput{Bucket: &w.Bucket, Key: &key, Body: bytes.NewReader(body), ContentType: aws.String("application/json")}
	if cacheControl != "" {
		in.CacheControl = &cacheControl
	}
	_, err := w.s3.PutObject(w.ctx(), in)
	w.must(err)
	w.stale = true
}

func (w *world) remove(key string) {
	_, err := w.s3.DeleteObject(w.ctx(), &s3.DeleteObjectInput{Bucket: &w.Bucket, Key: &key})
	w.must(err)
	w.stale = true
}

// document changes the published discovery document.
func (w *world) document(change func(map[string]any)) {
	var d map[string]any
	w.must(json.Unmarshal(w.discovery, &d))
	change(d)
	text, err := json.Marshal(d)
	w.must(err)
	w.put(discoveryKey, text, "")
}

// keys changes the published key set.
func (w *world) keys(change func([]map[string]any) []map[string]any) {
	var set struct {
		Keys []map[string]any `json:"keys"`
	}
	w.must(json.Unmarshal(w.jwks, &set))
	set.Keys = change(set.Keys)
	text, err := json.Marshal(set)
	w.must(err)
	w.put(jwksKey, text, "")
}

// annotate replaces all annotations of the ServiceAccount.
func (w *world) annotate(pairs ...string) {
	account, err := w.core.ServiceAccounts(w.Namespace).Get(w.ctx(), w.ServiceAccount, metav1.GetOptions{})
	w.must(err)
	account.Annotations = map[string]string{}
	for i := 0; i+1 < len(pairs); i += 2 {
		account.Annotations[pairs[i]] = pairs[i+1]
	}
	_, err = w.core.ServiceAccounts(w.Namespace).Update(w.ctx(), account, metav1.UpdateOptions{})
	w.must(err)
}

func (w *world) providerARN() string {
	return "arn:aws:iam::000000000000:oidc-provider/" + w.provider
}

// good is the trust policy of a healthy world.
func (w *world) good() string {
	text, err := trustpolicy.New(trustpolicy.Trust{
		Provider: w.providerARN(), Audience: w.Audience, Subject: "system:serviceaccount:" + w.Namespace + ":" + w.ServiceAccount,
	})
	w.must(err)
	return string(text)
}

// trust gives the role another trust policy: the good one with strings replaced.
func (w *world) trust(oldnew ...string) {
	w.policyOf(strings.NewReplacer(oldnew...).Replace(w.good()))
}

func (w *world) policyOf(document string) {
	_, err := w.iam.UpdateAssumeRolePolicy(w.ctx(), &iam.UpdateAssumeRolePolicyInput{
		RoleName: aws.String("cart"), PolicyDocument: &document,
	})
	w.must(err)
}

func (w *world) pod(name string, change func(*corev1.Pod)) {
	p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: corev1.PodSpec{
		ServiceAccountName: w.ServiceAccount, Containers: []corev1.Container{{Name: "app", Image: "app"}},
	}}
	if change != nil {
		change(p)
	}
	_, err := w.core.Pods(w.Namespace).Create(w.ctx(), p, metav1.CreateOptions{})
	w.must(err)
}

// whole gives a pod everything that the webhook would.
func (w *world) whole(p *corev1.Pod) {
	const at = "/var/run/secrets/eks.amazonaws.com/serviceaccount"
	p.Spec.Volumes = append(p.Spec.Volumes, corev1.Volume{Name: "aws-iam-token", VolumeSource: corev1.VolumeSource{
		Projected: &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{{
			ServiceAccountToken: &corev1.ServiceAccountTokenProjection{Audience: w.Audience, Path: "token", ExpirationSeconds: aws.Int64(86400)},
		}}},
	}})
	c := &p.Spec.Containers[0]
	c.VolumeMounts = append(c.VolumeMounts, corev1.VolumeMount{Name: "aws-iam-token", MountPath: at})
	c.Env = append(c.Env, corev1.EnvVar{Name: "AWS_ROLE_ARN", Value: w.RoleARN},
		corev1.EnvVar{Name: "AWS_WEB_IDENTITY_TOKEN_FILE", Value: at + "/token"}, corev1.EnvVar{Name: "AWS_REGION", Value: "us-east-1"})
}

// kube sends an object to a path, or deletes what is there.
func (w *world) kube(verb, path, body string) {
	request := w.core.RESTClient().Verb(verb).AbsPath(path).SetHeader("Content-Type", "application/json")
	if body != "" {
		request = request.Body([]byte(body))
	}
	if err := request.Do(w.ctx()).Error(); err != nil && verb != http.MethodDelete {
		w.must(fmt.Errorf("%s %s: %w", verb, path, err))
	}
}

// podSecurity is the level that the namespace holds its pods to, as JSON:
// https://kubernetes.io/docs/concepts/security/pod-security-admission/.
func (w *world) podSecurity(ctx context.Context, level string) {
	label := `{"metadata":{"labels":{"pod-security.kubernetes.io/enforce":` + level + `}}}`
	w.must(w.core.RESTClient().Patch(types.MergePatchType).AbsPath("/api/v1/namespaces", w.Namespace).Body([]byte(label)).Do(ctx).Error())
}

// reset makes the world well again.
func (w *world) reset() {
	ctx := context.Background()
	if w.moved {
		w.must(w.Control("restart-apiserver", "--issuer", w.Issuer, "--max-token-expiration", "0"))
		w.moved = false
	}
	account := fmt.Sprintf(`[{"op":"add","path":"/metadata/annotations","value":{%q:%q}}]`, annotation, w.RoleARN)
	_, err := w.core.ServiceAccounts(w.Namespace).Patch(ctx, w.ServiceAccount, types.JSONPatchType, []byte(account), metav1.PatchOptions{})
	w.must(err)
	for _, namespace := range []string{w.Namespace} {
		w.must(w.core.Pods(namespace).DeleteCollection(ctx, metav1.DeleteOptions{GracePeriodSeconds: aws.Int64(0)}, metav1.ListOptions{}))
	}
	w.podSecurity(ctx, "null")
	_ = w.core.RESTClient().Delete().AbsPath(webhookPath, "pod-identity-webhook").Do(ctx).Error()
	for _, path := range []string{networkPolicies, deployments, events} {
		w.must(w.core.RESTClient().Delete().AbsPath(path).Do(ctx).Error())
	}
	if _, err := w.s3.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: &w.Bucket}); err == nil {
		w.stale = true
	}
	_, err = w.s3.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: &w.Bucket, Policy: &w.policy})
	w.must(err)
	w.must(w.Control("publish"))
	w.resetIAM(ctx)
	if w.stale {
		w.fresh()
	}
	_ = os.Remove(filepath.Join(w.Dir, "home", ".aws", "config"))
}

func (w *world) resetIAM(ctx context.Context) {
	providers, err := w.iam.ListOpenIDConnectProviders(ctx, &iam.ListOpenIDConnectProvidersInput{})
	w.must(err)
	found := false
	for _, p := range providers.OpenIDConnectProviderList {
		arn := aws.ToString(p.Arn)
		details, err := w.iam.GetOpenIDConnectProvider(ctx, &iam.GetOpenIDConnectProviderInput{OpenIDConnectProviderArn: &arn})
		w.must(err)
		if arn == w.providerARN() && len(details.ClientIDList) == 1 && details.ClientIDList[0] == w.Audience {
			found = true
			continue
		}
		_, err = w.iam.DeleteOpenIDConnectProvider(ctx, &iam.DeleteOpenIDConnectProviderInput{OpenIDConnectProviderArn: &arn})
		w.must(err)
	}
	if !found {
		_, err := w.iam.CreateOpenIDConnectProvider(ctx, &iam.CreateOpenIDConnectProviderInput{Url: &w.Issuer, ClientIDList: []string{w.Audience}})
		w.must(err)
	}
	roles, err := w.iam.ListRoles(ctx, &iam.ListRolesInput{})
	w.must(err)
	cart := false
	for _, r := range roles.Roles {
		if aws.ToString(r.Arn) == w.RoleARN {
			cart = true
			continue
		}
		w.deleteRole(ctx, aws.ToString(r.RoleName))
	}
	document := w.good()
	if !cart {
		_, err := w.iam.CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String("cart"), AssumeRolePolicyDocument: &document})
		w.must(err)
	}
	_, err = w.iam.UpdateAssumeRolePolicy(ctx, &iam.UpdateAssumeRolePolicyInput{RoleName: aws.String("cart"), PolicyDocument: &document})
	w.must(err)
	_, err = w.iam.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: aws.String("cart"), PolicyName: aws.String("basket"),
		PolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:ListAllMyBuckets","Resource":"*"}]}`)})
	w.must(err)
}

func (w *world) deleteRole(ctx context.Context, name string) {
	policies, err := w.iam.ListRolePolicies(ctx, &iam.ListRolePoliciesInput{RoleName: &name})
	w.must(err)
	for _, p := range policies.PolicyNames {
		_, err := w.iam.DeleteRolePolicy(ctx, &iam.DeleteRolePolicyInput{RoleName: &name, PolicyName: &p})
		w.must(err)
	}
	_, err = w.iam.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: &name})
	w.must(err)
}

// fresh starts a new AWS server, which has no keys cached.
func (w *world) fresh() {
	w.must(w.Control("restart-aws"))
	w.stale = false
}

// outcome is what is asserted of a report.
type outcome struct {
	Checks []struct {
		ID, Status, Cause string
		Fix               []string
	} `json:"checks"`
	RootCause *struct{ ID, Cause string } `json:"rootCause"`
}

// root is "id CAUSE", "-" where all is well.
func (o outcome) root() string {
	if o.RootCause == nil {
		return "-"
	}
	return strings.TrimSpace(o.RootCause.ID + " " + o.RootCause.Cause)
}

// fixes are the lines of the root cause's check.
func (o outcome) fixes() []string {
	for _, c := range o.Checks {
		if o.RootCause != nil && c.ID == o.RootCause.ID {
			return c.Fix
		}
	}
	return nil
}

// notWell are the checks that failed or warn.
func (o outcome) notWell() (ids []string) {
	for _, c := range o.Checks {
		if c.Status == "fail" || c.Status == "warn" {
			ids = append(ids, strings.TrimSpace(c.ID+" "+c.Cause))
		}
	}
	return ids
}

// irsa runs the program with -o json; admin says whether it has credentials.
func (w *world) irsa(command string, admin bool, env ...string) outcome {
	w.t.Helper()
	args := append(strings.Fields(command), "-o", "json")
	if admin {
		args = append(args, "--aws-profile", "admin")
	}
	ctx, cancel := context.WithTimeout(w.ctx(), 30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, "kubectl-irsa", args...)
	cmd.Env = append(os.Environ(), env...)
	if admin {
		cmd.Env = append(cmd.Env, "AWS_SHARED_CREDENTIALS_FILE="+w.Admin)
	}
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || exit.ExitCode() != 3) {
		w.t.Fatalf("kubectl irsa %s: %v\n%s%s", strings.Join(args, " "), err, out.String(), errs.String())
	}
	var o outcome
	if err := json.Unmarshal(out.Bytes(), &o); err != nil {
		w.t.Fatalf("kubectl irsa %s: %v\n%s", strings.Join(args, " "), err, out.String())
	}
	w.fits(out.Bytes())
	if (err != nil) != (o.RootCause != nil) {
		w.t.Errorf("exit code %v beside root cause %v", err, o.RootCause)
	}
	return o
}

// fits holds a report against the documented schema of its kind.
func (w *world) fits(report []byte) {
	w.t.Helper()
	var meta struct{ Kind string }
	w.must(json.Unmarshal(report, &meta))
	rules, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "schema", strings.ToLower(meta.Kind)+".json"))
	w.must(err)
	if err := schema.Validate(rules, report); err != nil {
		w.t.Errorf("the report does not fit its schema: %v", err)
	}
}

// paste runs lines as a person would.
func (w *world) paste(lines []string) {
	w.t.Helper()
	for _, line := range lines {
		cmd := exec.CommandContext(w.ctx(), "bash", "-c", line)
		cmd.Env = append(os.Environ(), "AWS_SHARED_CREDENTIALS_FILE="+w.Admin)
		if out, err := cmd.CombinedOutput(); err != nil {
			w.t.Fatalf("pasting %s: %v\n%s", line, err, out)
		}
	}
}
