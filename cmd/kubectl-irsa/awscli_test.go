package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/awsconfig"
)

// fakeAWSCLI is the one thing of the AWS CLI that stories need: "aws eks
// get-token", which runs the credential_process of the profile that was chosen
// as --profile or AWS_PROFILE, and prints a token for the cluster. The variable
// GET_TOKEN holds that token; where there is no such profile none is run.
func fakeAWSCLI() {
	profile := os.Getenv("AWS_PROFILE")
	if i := slices.Index(os.Args, "--profile"); i >= 0 && i+1 < len(os.Args) {
		profile = os.Args[i+1]
	}
	fmt.Fprintf(os.Stderr, "aws: AWS_PROFILE=%q\n", os.Getenv("AWS_PROFILE"))
	path, err := awsconfig.ConfigPath(os.Getenv)
	check(err)
	file, err := awsconfig.Read(path)
	check(err)
	if p, ok := file.Profile(profile); ok {
		if line, ok := p.Get("credential_process"); ok {
			argv, err := awsconfig.SplitCommand(runtime.GOOS, line)
			check(err)
			cmd := exec.Command(argv[0], argv[1:]...)
			cmd.Stderr = os.Stderr
			_, err = cmd.Output()
			check(err)
		}
	}
	fmt.Printf(`{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":%q}}`+"\n", os.Getenv("GET_TOKEN"))
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "aws:", err)
		os.Exit(255)
	}
}
