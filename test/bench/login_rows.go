package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// loginRows: what a login costs at a distance, and on the processor.
var loginRows = []row{
	{delayed, "login, role and audience given, wall at 20 ms", "the bare protocol by net/http", 1.2, (*bench).loginGiven},
	{delayed, "login from annotations, wall at 20 ms", "the bare protocol by net/http", 1.25, (*bench).loginAnnotated},
	{near, "login, processor time", "kubectl create token, aws sts assume-role-with-web-identity, four aws configure set", 1.0 / 20, (*bench).loginProcessor},
}

func milliseconds(d time.Duration) string {
	return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000)
}

func walls(a, b figure) outcome {
	return outcome{float64(a.wall) / float64(b.wall), milliseconds(a.wall), milliseconds(b.wall)}
}

func processors(a, b figure) outcome {
	return outcome{float64(a.cpu) / float64(b.cpu), milliseconds(a.cpu), milliseconds(b.cpu)}
}

// fresh removes what a login leaves, so that each one starts from nothing.
func fresh() func() error {
	home := os.Getenv("HOME")
	return removeAll(filepath.Join(home, ".aws"), filepath.Join(home, ".kube"))
}

func (b *bench) login(args ...string) task {
	argv := append([]string{b.program("kubectl-irsa"), "login", os.Getenv("IRSA_SERVICE_ACCOUNT"), "--region", "us-east-1", "--profile", "bench"}, args...)
	return task{fresh(), [][]string{argv}}
}

// protocol is the two requests of a login and nothing else.
func (b *bench) protocol(mode ...string) (task, error) {
	server, err := exec.Command(b.program("floor"), "unpack", b.dir).Output()
	if err != nil {
		return task{}, err
	}
	return task{nil, [][]string{slices.Concat([]string{b.program("floor")}, mode, []string{strings.TrimSpace(string(server)),
		filepath.Join(b.dir, "ca.pem"), filepath.Join(b.dir, "client.pem"), filepath.Join(b.dir, "client.key"),
		os.Getenv("IRSA_NAMESPACE"), os.Getenv("IRSA_SERVICE_ACCOUNT"), os.Getenv("IRSA_AUDIENCE"), os.Getenv("IRSA_ROLE_ARN"),
		"sts.us-east-1.amazonaws.com"})}}, nil
}

func (b *bench) loginGiven() (outcome, error) {
	floor, err := b.protocol()
	if err != nil {
		return outcome{}, err
	}
	ours, bare, err := pair(b.rounds, b.login("--role-arn", os.Getenv("IRSA_ROLE_ARN"), "--audience", os.Getenv("IRSA_AUDIENCE")), floor)
	return walls(ours, bare), err
}

func (b *bench) loginAnnotated() (outcome, error) {
	floor, err := b.protocol()
	if err != nil {
		return outcome{}, err
	}
	ours, bare, err := pair(b.rounds, b.login(), floor)
	return walls(ours, bare), err
}

func (b *bench) loginProcessor() (outcome, error) {
	byHand := `set -e
token=$(kubectl create token "$IRSA_SERVICE_ACCOUNT" -n "$IRSA_NAMESPACE" --audience "$IRSA_AUDIENCE")
set -- $(aws sts assume-role-with-web-identity --region us-east-1 --role-arn "$IRSA_ROLE_ARN" --role-session-name bench \
  --web-identity-token "$token" --query Credentials.[AccessKeyId,SecretAccessKey,SessionToken] --output text)
# a token that begins with a dash is taken for an option, and costs the same
aws configure set aws_access_key_id "$1" --profile hand
aws configure set aws_secret_access_key "$2" --profile hand || true
aws configure set aws_session_token "$3" --profile hand || true
aws configure set region us-east-1 --profile hand`
	ours, hand, err := pair(max(b.rounds/3, 3), b.login(), task{fresh(), [][]string{{"sh", "-c", byHand}}})
	return processors(ours, hand), err
}
