package doctor

import (
	"fmt"
	"strings"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/shell"
)

// Paste is what a line to paste needs so that it reaches the same cluster and
// account as the command that prints it.
type Paste struct {
	Kube      string // flags for kubectl and kubectl irsa: " --context prod", "" where the default serves
	Namespace string // " -n shop", "" where the context's own namespace serves
	CLI       string // flags for the AWS CLI: " --profile admin"
	AWS       string // flags for commands that touch IAM: " --aws-profile admin"
	Look      string // flags of the look itself, but for the role: " --region eu-west-1"
}

// kubectl is a line for kubectl in the target's namespace.
func (t Target) kubectl(format string, args ...any) string {
	return "kubectl " + fmt.Sprintf(format, args...) + t.Paste.Namespace + t.Paste.Kube
}

// cluster is a line for kubectl that is about no namespace.
func (t Target) cluster(format string, args ...any) string {
	return "kubectl " + fmt.Sprintf(format, args...) + t.Paste.Kube
}

// build is a line of this program's that touches the cluster and AWS.
func (t Target) build(format string, args ...any) string {
	return "kubectl irsa " + fmt.Sprintf(format, args...) + t.Paste.Kube + t.Paste.AWS
}

// buildHere is build with the target's namespace.
func (t Target) buildHere(format string, args ...any) string {
	return "kubectl irsa " + fmt.Sprintf(format, args...) + t.Paste.Namespace + t.Paste.Kube + t.Paste.AWS
}

// buildIn is build with a namespace of its own.
func (t Target) buildIn(namespace, format string, args ...any) string {
	if namespace == t.Namespace {
		return t.buildHere(format, args...)
	}
	return t.build(format+" -n %s", append(args, namespace)...)
}

// look is a line of this program's that looks as this one does, with the AWS
// credentials of a profile where one is named.
func (t Target) look(profile, format string, args ...any) string {
	if profile != "" {
		t.Paste.AWS = " --aws-profile " + shell.Word(profile) // in place of one that holds no credentials
	}
	line := t.buildHere(format, args...) + t.Paste.Look
	if t.RoleARN != "" {
		line += " --role-arn " + shell.Word(t.RoleARN)
	}
	return line
}

// list joins names as a person would.
func list(names []string) string {
	switch len(names) {
	case 0:
		return "none"
	case 1:
		return names[0]
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}

// counted is a number of things: 1 pod, 2 pods.
func counted(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	if one, consonant := strings.CutSuffix(thing, "y"); consonant && !strings.HasSuffix(one, "e") {
		thing = one + "ie" // a policy, but a key
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// few cuts a list after n entries.
func few(names []string, n int) string {
	if len(names) <= n {
		return list(names)
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:n], ", "), len(names)-n)
}
