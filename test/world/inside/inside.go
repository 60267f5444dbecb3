// Package inside is how a test that runs in a world knows it and changes it.
//
//	go run ./test/world -- go test -tags e2e ./test/e2e/...
//
// A world costs three seconds to start, so tests share the one they are run in:
// they use names of their own for what they create, and read the logs from a
// Mark of their own. A test that stops servers or changes keys must not run
// in parallel with others, and puts things right again.
package inside

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kubectl-irsa/kubectl-irsa/test/world/control"
	"github.com/kubectl-irsa/kubectl-irsa/test/world/controlplane"
	"github.com/kubectl-irsa/kubectl-irsa/test/world/requestlog"
)

// A World is what the world told its command by the environment.
type World struct {
	// Kind is "private" where IAM, STS and S3 are real servers in a private
	// network, and "double" where they are pkg/awstest.
	Kind string
	// Dir holds kubeconfig, aws-ca.pem, admin-credentials, aws.log, audit.log
	// and the servers' logs in logs/.
	Dir string
	// Issuer is what tokens name; its documents are in Bucket.
	Issuer, Bucket string
	// Audience is what the provider and the role accept.
	Audience string
	// RoleARN trusts the ServiceAccount of Namespace and may list DataBucket.
	RoleARN, Namespace, ServiceAccount, DataBucket string
	// Admin is a shared credentials file with the profile admin.
	Admin string
	// SpareBuckets are names that lead to S3 and that nobody has created.
	SpareBuckets []string
	// RoundTrip is the time added between the command and all servers.
	RoundTrip time.Duration
}

// Here is the world that the test runs in. Outside of one the test fails: it is
// never skipped in silence.
func Here(t testing.TB) World {
	t.Helper()
	w, err := From(os.Getenv)
	if err != nil {
		t.Fatalf("%v; run it with `go run ./test/world -- go test -tags e2e ...`", err)
	}
	return w
}

// From reads a world from environment variables.
func From(getenv func(string) string) (World, error) {
	w := World{
		Kind: getenv("IRSA_WORLD_KIND"), Dir: getenv("IRSA_WORLD_DIR"),
		Issuer: getenv("IRSA_ISSUER"), Bucket: getenv("IRSA_BUCKET"), Audience: getenv("IRSA_AUDIENCE"),
		RoleARN: getenv("IRSA_ROLE_ARN"), Namespace: getenv("IRSA_NAMESPACE"),
		ServiceAccount: getenv("IRSA_SERVICE_ACCOUNT"), DataBucket: getenv("IRSA_DATA_BUCKET"),
		Admin: getenv("IRSA_ADMIN_CREDENTIALS"), SpareBuckets: strings.Fields(getenv("IRSA_SPARE_BUCKETS")),
	}
	if w.Dir == "" {
		return World{}, fmt.Errorf("IRSA_WORLD_DIR is not set: this is not inside a world")
	}
	var err error
	if w.RoundTrip, err = time.ParseDuration(getenv("IRSA_WORLD_RTT")); err != nil {
		return World{}, fmt.Errorf("reading IRSA_WORLD_RTT: %w", err)
	}
	return w, nil
}

// Control asks the world to change and returns when it has. The verbs are in
// the world program's help.
func (w World) Control(verb string, args ...string) error {
	_, err := control.Ask(filepath.Join(w.Dir, "control.sock"), verb, args...)
	return err
}

// A Mark is a moment in the logs of a world.
type Mark struct{ aws, api int64 }

// Mark is now.
func (w World) Mark() (Mark, error) {
	_, _, mark, err := w.Since(Mark{})
	return mark, err
}

// Since is what the servers were asked since a mark, in the order in which they
// answered, and the mark to go on from. The requests to AWS include those by
// which STS fetched an issuer's documents, whose ByServer is true.
func (w World) Since(mark Mark) ([]requestlog.Request, []controlplane.Event, Mark, error) {
	aws, awsAt, err := requestlog.Read(filepath.Join(w.Dir, requestlog.File), mark.aws)
	if err != nil {
		return nil, nil, mark, err
	}
	api, apiAt, err := controlplane.ReadAudit(filepath.Join(w.Dir, "audit.log"), mark.api)
	if err != nil {
		return nil, nil, mark, err
	}
	return aws, api, Mark{awsAt, apiAt}, nil
}
