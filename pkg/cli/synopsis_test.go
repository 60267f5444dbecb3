package cli

import (
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

// synopsis is what was promised of each command: its flags, with the values of
// those that have a list of them. A command below a group stands for the group's
// promise. Flags are added to commands, and never taken away.
var synopsis = map[string]string{
	"login": "--role-arn --audience --profile --mode=process|static|token-file --duration --token-duration --session-name --policy --policy-arn " +
		"--region --sts-endpoint-url --create --annotate --overwrite --set-default --dry-run=none|client|server -o=json|yaml|name -q",
	"logout":             "--profile --all",
	"profiles":           "-o=json|yaml|name",
	"credential-process": "--kubeconfig --context -n --service-account --role-arn --audience --issuer --duration --token-duration --session-name --region --sts-endpoint-url --cache=file|none",
	"exec":               "--duration --role-arn --audience --region",
	"env":                "--shell=bash|fish|powershell|cmd|dotenv|json --unset --duration --role-arn",
	"token":              "--audience --duration --raw --bound-object-kind=Pod|Secret|Node --bound-object-name -o=json|yaml",
	"whoami":             "--profile -o=json|yaml",
	"console":            "--print --duration",

	"inspect sa":       "--role-arn --audience --no-sts --only --skip --fail-on=fail|warn|unknown -o=json|yaml|dot|mermaid --aws-profile --aws-region",
	"inspect pod":      "--role-arn --audience --no-sts --only --skip --fail-on=fail|warn|unknown -o=json|yaml|dot|mermaid --aws-profile --aws-region",
	"inspect deploy":   "--role-arn --audience --no-sts --only --skip --fail-on=fail|warn|unknown -o=json|yaml|dot|mermaid --aws-profile --aws-region",
	"inspect role":     "--only --skip --fail-on=fail|warn|unknown -o=json|yaml|dot|mermaid --aws-profile --aws-region", // nothing is exchanged
	"inspect provider": "--audience --only --skip --fail-on=fail|warn|unknown -o=json|yaml|dot|mermaid --aws-profile --aws-region",
	"inspect issuer":   "--only --skip --fail-on=fail|warn|unknown -o=json|yaml|dot|mermaid",
	"doctor":           "-A --only --skip --fail-on=fail|warn|unknown --aws-profile --aws-region -o=json|yaml",
	"verify":           "--probe --aws-profile --aws-region --fail-on=fail|warn|unknown -o=json|yaml",
	"explain":          "-o=json|yaml",
	"can-i":            "--sa --aws-profile --aws-region -o=json|yaml",
	"get sa":           "-A --dangling -l -o=json|yaml|name|wide --aws-profile --aws-region",
	"get roles":        "-A --dangling -o=json|yaml|name|wide --aws-profile --aws-region",
	"get providers":    "-A --dangling -o=json|yaml|name --aws-profile --aws-region",

	"setup": "--bucket --role --policy-arn --policy-file --permissions-boundary --audience --tags --yes --skip-phases --dry-run=none|client|server " +
		"--aws-profile --aws-region --profile",
	"setup phase":              "--bucket --role --yes --dry-run=none|client|server --aws-profile --aws-region",
	"issuer show":              "-o=json|yaml",
	"issuer plan":              "--distro=kubeadm|kind|minikube|k3s|rke2|talos|k0s --issuer --new-bucket",
	"publish":                  "--to --create-bucket --prune --diff --dry-run=none|client|server --aws-profile --aws-region",
	"provider create":          "--dry-run=none|client|server --audience --tags --aws-profile --aws-region",
	"provider get":             "--aws-profile --aws-region -o=json|yaml",
	"provider delete":          "--dry-run=none|client|server --aws-profile --aws-region",
	"provider audience add":    "--dry-run=none|client|server --aws-profile --aws-region",
	"provider audience remove": "--dry-run=none|client|server --aws-profile --aws-region",
	"role create":              "--dry-run=none|client|server --sa --policy-arn --policy-file --permissions-boundary --tags --aws-profile --aws-region",
	"role get":                 "--aws-profile --aws-region -o=json|yaml",
	"role delete":              "--dry-run=none|client|server --aws-profile --aws-region",
	"role trust add":           "--sa --dry-run=none|client|server --aws-profile --aws-region",
	"role trust remove":        "--sa --dry-run=none|client|server --aws-profile --aws-region",
	"bind":                     "--role --dry-run=none|client|server --aws-profile --aws-region",
	"unbind":                   "--dry-run=none|client|server --aws-profile --aws-region",
	"cleanup":                  "--bucket --yes --dry-run=none|client|server --aws-profile --aws-region",
	"inject":                   "-f",
	"generate rbac":            "",
	"generate iam-policy":      "",
	"generate terraform":       "",
	"generate aws-cli":         "",
	"generate cronjob":         "",
	"completion install":       "--dry-run=none|client|server",
	"version":                  "-o=json|yaml",
}

// everywhere are the flags of kubectl that every command takes.
const everywhere = "--context --kubeconfig -n --namespace --cluster --user --as --as-group --as-uid --token --server --request-timeout --cache-dir -v"

func TestEveryCommandTakesTheFlagsOfItsSynopsis(t *testing.T) {
	root := newRootCommand(newFactory(Process{Getenv: func(string) string { return "" }}))
	for path, promise := range synopsis {
		t.Run(path, func(t *testing.T) {
			words := strings.Fields(path)
			cmd, rest, err := root.Find(words)
			if err != nil || len(rest) > 0 {
				t.Fatalf("there is no such command: %v", err)
			}
			cmd.InheritedFlags() // which puts the root's flags among its own
			for _, word := range strings.Fields(promise + " " + everywhere) {
				name, values, _ := strings.Cut(word, "=")
				var flag *pflag.Flag
				if long, is := strings.CutPrefix(name, "--"); is {
					flag = cmd.Flags().Lookup(long)
				} else {
					flag = cmd.Flags().ShorthandLookup(name[1:])
				}
				if flag == nil {
					t.Errorf("%s is not taken", name)
					continue
				}
				for _, value := range strings.Split(values, "|") {
					if value != "" && !slices.Contains(choices(flag.Usage), value) {
						t.Errorf("%s does not take %s: %s", name, value, flag.Usage)
					}
				}
			}
		})
	}
	for cmd := range tree(root) {
		path := strings.TrimPrefix(cmd.CommandPath(), root.CommandPath()+" ")
		shells := cmd.HasParent() && cmd.Parent().Name() == "completion"
		if works(cmd) && !cmd.Hidden && !cmd.HasSubCommands() && synopsis[path] == "" && !strings.HasPrefix(path, "generate ") && !shells && path != "help" && path != "options" {
			t.Errorf("%s is promised nowhere", path)
		}
	}
}
