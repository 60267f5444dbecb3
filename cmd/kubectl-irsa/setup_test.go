package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/awstest"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/awstest/fault"
)

// bareWorld is servers with nothing set up but a namespace.
func bareWorld(t *testing.T) *world {
	t.Helper()
	w := &world{dir: t.TempDir()}
	err := w.start(t.Context(), worldFile{
		Issuer: "https://cluster-issuer.s3." + region + ".amazonaws.com", SigningKey: "P-256", Audience: "sts.amazonaws.com", Bare: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = w.kube.Close()
		_ = w.aws.Close()
	})
	if err := w.writeFiles(); err != nil {
		t.Fatal(err)
	}
	w.kube.AddServiceAccount("shop", "default", nil)
	if err := w.kube.Add(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "shop"}}); err != nil {
		t.Fatal(err)
	}
	w.forget()
	return w
}

// command is the plugin in w, with an administrator's credentials.
func (w *world) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "kubectl-irsa", args...)
	cmd.Dir = w.dir
	home := filepath.Join(w.dir, "home")
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + home, "USERPROFILE=" + home, "TMPDIR=" + w.dir, "TEMP=" + w.dir, "SYSTEMROOT=" + os.Getenv("SYSTEMROOT"),
		"KUBECONFIG=" + filepath.Join(w.dir, "kubeconfig"), "HTTPS_PROXY=" + w.aws.URL,
		"AWS_CA_BUNDLE=" + filepath.Join(w.dir, "aws-ca.pem"), "SSL_CERT_FILE=" + filepath.Join(w.dir, "aws-ca.pem"),
		"AWS_SHARED_CREDENTIALS_FILE=" + filepath.Join(w.dir, "admin-credentials"), "AWS_PROFILE=admin", "AWS_EC2_METADATA_DISABLED=true",
		"AWS_REGION=" + region,
	}
	return cmd
}

// changes are the requests that change something at AWS, in order.
func (w *world) changes() []awstest.Request {
	return slices.DeleteFunc(w.aws.Requests(), func(r awstest.Request) bool {
		for _, verb := range []string{"Create", "Put", "Update", "Delete", "Attach", "Detach", "Tag", "Add", "Remove"} {
			if strings.HasPrefix(r.Action, verb) {
				return false
			}
		}
		return true
	})
}

// kubeChanges are those that change something in the cluster; a token is none.
func (w *world) kubeChanges() (changes []string) {
	for _, r := range w.kube.Requests() {
		if line := r.String(); !strings.HasPrefix(line, "get ") && !strings.HasPrefix(line, "list ") && !strings.Contains(line, "/token") {
			changes = append(changes, line)
		}
	}
	return changes
}

var setupArgs = []string{
	"setup", "cart", "-n", "shop", "--yes", "--policy-arn", "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess", "--policy-file", "policy.json",
}

const listBuckets = `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}]}`

// A run of setup that is killed at any change, be it made already or not, is
// gone on with by the next, and one more changes nothing.
func TestSetupGoesOnWhereItWasKilled(t *testing.T) {
	t.Parallel()
	for n, change := range changesOf(t, setupArgs, nil) {
		for _, made := range []bool{false, true} {
			t.Run(fmt.Sprintf("%02d %s made %v", n, change.action, made), func(t *testing.T) {
				w := bareWorld(t)
				w.write(t, "policy.json", listBuckets)
				w.killAt(t, change, made, setupArgs)
				w.healed(t, setupArgs)
			})
		}
	}
}

// Cleaning up is gone on with likewise, and at no moment is there a provider
// without its bucket.
func TestCleanupGoesOnWhereItWasKilled(t *testing.T) {
	t.Parallel()
	cleanup := []string{"cleanup", "--yes", "-n", "shop"}
	for n, change := range changesOf(t, cleanup, setupArgs) {
		for _, made := range []bool{false, true} {
			t.Run(fmt.Sprintf("%02d %s made %v", n, change.action, made), func(t *testing.T) {
				w := bareWorld(t)
				w.write(t, "policy.json", listBuckets)
				w.run(t, setupArgs)
				w.forget()
				w.killAt(t, change, made, cleanup)
				w.nothingDangles(t)
				w.healed(t, cleanup)
			})
		}
	}
}

// nothingDangles checks that no provider has lost its bucket.
func (w *world) nothingDangles(t *testing.T) {
	t.Helper()
	providers, err := iam.NewFromConfig(w.aws.Config()).ListOpenIDConnectProviders(t.Context(), &iam.ListOpenIDConnectProvidersInput{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = s3.NewFromConfig(w.aws.Config()).HeadBucket(t.Context(), &s3.HeadBucketInput{Bucket: aws.String("cluster-issuer")})
	if len(providers.OpenIDConnectProviderList) > 0 && err != nil {
		t.Errorf("there is a provider and no bucket: %v", err)
	}
}

// nth is the nth call of an action that a run makes.
type nth struct {
	action string
	before int
}

// changesOf are the changes that a run makes in a world of its own.
func changesOf(t *testing.T, args, before []string) (changes []nth) {
	t.Helper()
	w := bareWorld(t)
	w.write(t, "policy.json", listBuckets)
	if before != nil {
		w.run(t, before)
		w.forget()
	}
	w.run(t, args)
	seen := map[string]int{}
	for _, r := range w.changes() {
		changes = append(changes, nth{r.Name(), seen[r.Name()]})
		seen[r.Name()]++
	}
	if len(changes) < 4 {
		t.Fatalf("only %d changes were made: %v", len(changes), changes)
	}
	return changes
}

func (w *world) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(w.dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// run plays a command that must succeed.
func (w *world) run(t *testing.T, args []string) {
	t.Helper()
	if out, err := w.command(t.Context(), args...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", args, err, out)
	}
}

// killAt kills a run at a change: when the connection was cut before or after it
// was made, and the call that repeats it hangs.
func (w *world) killAt(t *testing.T, at nth, made bool, args []string) {
	t.Helper()
	kind := fault.Reset
	if made {
		kind = fault.Lost
	}
	w.aws.Faults.Add(
		awstest.Fault{Action: at.action, Kind: kind, Skip: at.before, Times: 1},
		awstest.Fault{Action: at.action, Kind: fault.Hang, Skip: at.before},
	)
	var out bytes.Buffer
	cmd := w.command(t.Context(), args...)
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	struck := func(r awstest.Request) bool { return r.Fault == string(kind) }
	for deadline := time.Now().Add(30 * time.Second); !slices.ContainsFunc(w.aws.Requests(), struck); {
		if time.Now().After(deadline) {
			t.Fatalf("%s was never called\n%s", at.action, out.String())
		}
		time.Sleep(2 * time.Millisecond)
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	w.aws.Faults.Clear()
}

// healed runs a command twice: the first ends well, the second changes nothing.
func (w *world) healed(t *testing.T, args []string) {
	t.Helper()
	w.run(t, args)
	w.forget()
	w.run(t, args)
	if changes := awstest.Names(w.changes()); len(changes) > 0 {
		t.Errorf("one more run changed AWS: %v", changes)
	}
	if changes := w.kubeChanges(); len(changes) > 0 {
		t.Errorf("one more run changed the cluster: %v", changes)
	}
}

// Whichever call is refused, setup says what was done, what was not and how to
// go on, and goes on once it is allowed.
func TestSetupSurvivesEachRefusal(t *testing.T) {
	t.Parallel()
	w := bareWorld(t)
	w.write(t, "policy.json", listBuckets)
	w.run(t, setupArgs)
	seen := map[string]bool{}
	for _, r := range w.aws.Requests() {
		if seen[r.Name()] || !r.Signed || r.Action == "GetCallerIdentity" {
			continue // STS lets everybody ask who they are
		}
		seen[r.Name()] = true
		t.Run(r.Name(), func(t *testing.T) {
			w := bareWorld(t)
			w.write(t, "policy.json", listBuckets)
			w.aws.Faults.Fail(r.Name(), "AccessDenied", 0)
			out, err := w.command(t.Context(), setupArgs...).CombinedOutput()
			if err == nil {
				t.Fatalf("setup without %s ended well:\n%s", r.Name(), out)
			}
			// A 403 for a bucket has two meanings, which its conflict tells apart.
			if text := string(out); !strings.Contains(text, "error: ") || !strings.Contains(text, "hint: ") && !strings.Contains(text, "lack s3:ListBucket") {
				t.Errorf("no error with advice in\n%s", out)
			}
			if len(w.changes()) > 0 && slices.ContainsFunc(w.changes(), func(c awstest.Request) bool { return c.Status < 300 }) &&
				!strings.Contains(string(out), "hint: done: ") {
				t.Errorf("it does not say what was done:\n%s", out)
			}
			w.aws.Faults.Clear()
			w.healed(t, setupArgs)
		})
	}
}

// Throttling is waited out, and so is IAM's own time to tell STS.
func TestSetupWaits(t *testing.T) {
	t.Parallel()
	w := bareWorld(t)
	w.write(t, "policy.json", listBuckets)
	w.aws.Faults.Throttle("iam:CreateRole", 1)
	w.aws.Faults.Throttle("iam:CreateOpenIDConnectProvider", 1)
	w.aws.Faults.Fail("sts:AssumeRoleWithWebIdentity", "AccessDenied", 2)
	out, err := w.command(t.Context(), setupArgs...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if !strings.Contains(string(out), "waiting for STS to know what IAM was told (AccessDenied)") {
		t.Errorf("it does not say that it waits:\n%s", out)
	}
	w.healed(t, setupArgs)
}

// Two setups at once build one chain, and both end well.
func TestTwoSetupsAtOnce(t *testing.T) {
	t.Parallel()
	w := bareWorld(t)
	w.write(t, "policy.json", listBuckets)
	type outcome struct {
		out []byte
		err error
	}
	ended := make(chan outcome)
	for range 2 {
		go func() {
			out, err := w.command(t.Context(), setupArgs...).CombinedOutput()
			ended <- outcome{out, err}
		}()
	}
	for range 2 {
		if o := <-ended; o.err != nil {
			t.Errorf("%v\n%s", o.err, o.out)
		}
	}
	w.healed(t, setupArgs)
}
