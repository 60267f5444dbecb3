package role

import (
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/google/go-cmp/cmp"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/awstest"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/irsa"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/plan"
)

// hasty is a client that does not pause between its attempts.
func hasty(server *awstest.Server) *iam.Client {
	config := server.Config()
	config.Retryer = func() aws.Retryer {
		return retry.NewStandard(func(o *retry.StandardOptions) {
			o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
		})
	}
	return iam.NewFromConfig(config)
}

func TestWhatIAMHasNotTakenInYetIsWaitedFor(t *testing.T) {
	unseen := func(action string) awstest.Fault {
		return awstest.Fault{Action: action, Code: "NoSuchEntity", Message: "The role with name cart cannot be found.", Status: 404, Times: 4}
	}
	for name, tc := range map[string]struct {
		fault awstest.Fault
		calls int // of the action
		fails bool
	}{
		"a new role, when a policy is attached":      {unseen("AttachRolePolicy"), 5, false},
		"a new role, when its policy is written":     {unseen("PutRolePolicy"), 5, false},
		"policies that are gone, when it is deleted": {awstest.Fault{Action: "DeleteRole", Code: "DeleteConflict", Message: "Cannot delete entity, must detach all policies first.", Status: 409, Times: 4}, 5, false},
		"a policy that there is not is not waited for": {awstest.Fault{
			Action: "AttachRolePolicy", Code: "NoSuchEntity", Message: "Policy arn:aws:iam::aws:policy/No does not exist or is not attachable.", Status: 404,
		}, 1, true},
	} {
		t.Run(name, func(t *testing.T) {
			server, _ := start(t)
			client := hasty(server)
			server.Faults.Add(tc.fault)
			_, err := run(t, ensure(client, Spec{Name: "cart", PolicyARNs: []string{readOnly}, Inline: policy}, cart).Steps())
			if err == nil {
				remove := &Delete{IAM: client, Role: irsa.RoleARN{Name: "cart"}}
				_, err = run(t, []plan.Step{remove.Step(StepDelete)})
			}
			if (err != nil) != tc.fails {
				t.Errorf("got %v", err)
			}
			calls := 0
			for _, r := range server.Requests() {
				if r.Action == tc.fault.Action {
					calls++
				}
			}
			if diff := cmp.Diff(tc.calls, calls); diff != "" {
				t.Errorf("calls of %s (-want +got):\n%s", tc.fault.Action, diff)
			}
		})
	}
}

func TestARoleThatMachinesBecomeKeepsItsPolicies(t *testing.T) {
	server, client := start(t)
	if _, err := run(t, ensure(client, Spec{Name: "cart", PolicyARNs: []string{readOnly}}, cart).Steps()); err != nil {
		t.Fatal(err)
	}
	server.Account.AddInstanceProfile("nodes", "cart")
	server.ForgetRequests()
	remove := &Delete{IAM: client, Role: irsa.RoleARN{Name: "cart"}}
	_, err := run(t, []plan.Step{remove.Step(StepDelete)})
	conflict, ok := errors.AsType[*plan.ConflictError](err)
	if !ok {
		t.Fatalf("got %v", err)
	}
	want := "machines become it by the instance profile nodes, and IAM deletes no role that is in one:\n" +
		"aws iam remove-role-from-instance-profile --instance-profile-name nodes --role-name cart"
	if diff := cmp.Diff(want, conflict.Conflicts[0].Detail); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(0, len(changes(server))); diff != "" {
		t.Errorf("it changed %v", changes(server))
	}
}
