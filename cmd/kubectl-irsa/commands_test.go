package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/yaml"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/awstest"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/awstest/fault"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/kubetest"
	"github.com/kubectl-irsa/kubectl-irsa/test/story"
)

// commands are the words of stories beside testscript's own and package story's.
//
//	requests kube|aws [sorted]   print the servers' requests, one a line, and forget them
//	fault kube VERB RESOURCE KIND [times=N] [skip=N] [status=N] [message=M] [delay=D] [marks=FILE]
//	fault aws ACTION KIND        the same; KIND is a kind or an error code. FILE is made
//	                             when the fault strikes
//	fault clear                  all is well again
//	clock aws|kube-date D        move AWS's clock, or the date the cluster says
//	grant USER VERBS RESOURCES [NAMES]   lists with commas; in place of what the user might
//	apply FILE                   store the objects of a YAML file
//	namespace terminating NAME   a namespace that is being deleted
//	object PATH                  print what the API server holds at a path
//	provider URL [AUDIENCE...]   make an OIDC provider
//	role NAME FILE [SECONDS]     make a role with this trust policy and longest session
//	bucket NAME [ACCOUNT]        make a bucket as new ones are: private; of another account
//	put BUCKET KEY FILE          write an S3 object; remove BUCKET KEY removes it
//	publish                      copy the cluster's documents into the issuer's bucket
//	rotate KIND [drop-old]       sign with a new key from now on
//	signin [STATUS]              serve what gives links into the console, or refuse with STATUS
func commands() map[string]func(*testscript.TestScript, bool, []string) {
	all := story.Commands(func(ts *testscript.TestScript) story.Stage { return worldOf(ts) })
	maps.Copy(all, map[string]func(*testscript.TestScript, bool, []string){
		"requests": requests, "fault": addFault, "clock": clock,
		"grant": grant, "apply": apply, "namespace": namespace, "object": object, "provider": provider, "role": role,
		"bucket": bucket, "put": put, "remove": remove, "publish": publish, "rotate": rotate, "signin": signIn,
	})
	return all
}

func requests(ts *testscript.TestScript, neg bool, args []string) {
	story.Arguments(ts, neg, args, 1, 2, "requests kube|aws [sorted]")
	w := worldOf(ts)
	var lines []string
	switch args[0] {
	case "kube":
		for _, r := range w.kube.Requests() {
			lines = append(lines, fmt.Sprintf("%s %d", r, r.Status))
		}
		w.kube.ForgetRequests()
	case "aws":
		for _, r := range w.aws.Requests() {
			lines = append(lines, awsLine(r))
		}
		w.aws.ForgetRequests()
		w.counted = 0
	default:
		ts.Fatalf("requests of kube or aws, not of %q", args[0])
	}
	if len(args) == 2 {
		slices.Sort(lines) // those that went out side by side are answered in any order
	}
	for _, line := range lines {
		fmt.Fprintln(ts.Stdout(), w.Plain(line))
	}
	fmt.Fprint(ts.Stdout())
}

// awsLine says which host was asked what, and whether the request was signed.
func awsLine(r awstest.Request) string {
	line := r.Host + " " + r.Name()
	if r.Service == "s3" {
		line = r.Method + " " + r.Host + r.Path
	}
	if r.Signed {
		line += " signed"
	}
	line += fmt.Sprintf(" %d", r.Status)
	if r.Code != "" {
		line += " " + r.Code
	}
	return line
}

func addFault(ts *testscript.TestScript, neg bool, args []string) {
	story.Arguments(ts, neg, args, 1, -1, "fault kube VERB RESOURCE KIND [NAME=VALUE...], fault aws ACTION KIND [NAME=VALUE...], fault clear")
	w := worldOf(ts)
	switch {
	case args[0] == "clear":
		w.kube.Faults.Clear()
		w.aws.Faults.Clear()
	case args[0] == "kube" && len(args) >= 4:
		set := faultSettings(ts, args[4:])
		w.kube.Faults.Add(kubetest.Fault{
			Verb: args[1], Resource: args[2], Kind: fault.Kind(args[3]),
			Times: set.times, Skip: set.skip, Status: set.status, Message: set.message, Delay: set.delay, Struck: set.struck,
		})
	case args[0] == "aws" && len(args) >= 3:
		kind, code := fault.Kind(args[2]), ""
		if strings.ToLower(args[2]) != args[2] {
			kind, code = fault.Error, args[2]
		}
		set := faultSettings(ts, args[3:])
		w.aws.Faults.Add(awstest.Fault{
			Action: args[1], Kind: kind, Code: code,
			Times: set.times, Skip: set.skip, Status: set.status, Message: set.message, Delay: set.delay, Struck: set.struck,
		})
	default:
		ts.Fatalf("no such fault")
	}
}

type faultSetting struct {
	times, skip, status int
	message             string
	delay               time.Duration
	struck              func()
}

func faultSettings(ts *testscript.TestScript, args []string) (set faultSetting) {
	for _, arg := range args {
		name, value, _ := strings.Cut(arg, "=")
		var err error
		switch name {
		case "times":
			set.times, err = strconv.Atoi(value)
		case "skip":
			set.skip, err = strconv.Atoi(value)
		case "status":
			set.status, err = strconv.Atoi(value)
		case "message":
			set.message = value
		case "delay":
			set.delay, err = time.ParseDuration(value)
		case "marks":
			file := ts.MkAbs(value)
			set.struck = func() { _ = os.WriteFile(file, nil, 0o600) } // a script waits for it, or does not
		default:
			ts.Fatalf("a fault has no %q", name)
		}
		ts.Check(err)
	}
	return set
}

func clock(ts *testscript.TestScript, neg bool, args []string) {
	story.Arguments(ts, neg, args, 2, 2, "clock aws|kube-date D")
	by, err := time.ParseDuration(args[1])
	ts.Check(err)
	switch args[0] {
	case "aws":
		worldOf(ts).aws.Faults.MoveClock(by)
	case "kube-date":
		worldOf(ts).kube.Faults.MoveDate(by)
	default:
		ts.Fatalf("the clock of aws or kube-date, not of %q", args[0])
	}
}

func grant(ts *testscript.TestScript, neg bool, args []string) {
	story.Arguments(ts, neg, args, 3, 4, "grant USER VERBS RESOURCES [NAMES]")
	g := kubetest.Grant{Verbs: strings.Split(args[1], ","), Resources: strings.Split(args[2], ",")}
	if len(args) == 4 {
		g.Names = strings.Split(args[3], ",")
	}
	worldOf(ts).kube.AddUser(args[0], g)
}

func apply(ts *testscript.TestScript, neg bool, args []string) {
	story.Arguments(ts, neg, args, 1, 1, "apply FILE")
	for document := range strings.SplitSeq(ts.ReadFile(args[0]), "\n---\n") {
		object, _, err := scheme.Codecs.UniversalDeserializer().Decode([]byte(document), nil, nil)
		ts.Check(err)
		ts.Check(worldOf(ts).kube.Add(object))
	}
}

func namespace(ts *testscript.TestScript, neg bool, args []string) {
	story.Arguments(ts, neg, args, 2, 2, "namespace terminating NAME")
	worldOf(ts).kube.TerminateNamespace(args[1])
}

func object(ts *testscript.TestScript, neg bool, args []string) {
	story.Arguments(ts, neg, args, 1, 1, "object PATH")
	w := worldOf(ts)
	text, err := w.Get(context.Background(), args[0])
	ts.Check(err)
	document, err := yaml.JSONToYAML(text)
	ts.Check(err)
	fmt.Fprint(ts.Stdout(), w.Plain(string(document)))
}

func provider(ts *testscript.TestScript, neg bool, args []string) {
	story.Arguments(ts, neg, args, 1, -1, "provider URL [AUDIENCE...]")
	worldOf(ts).aws.Account.AddProvider(args[0], args[1:]...)
}

func role(ts *testscript.TestScript, neg bool, args []string) {
	story.Arguments(ts, neg, args, 2, 3, "role NAME FILE [SECONDS]")
	account := worldOf(ts).aws.Account
	account.AddRole(args[0], ts.ReadFile(args[1]))
	if len(args) == 3 {
		longest, err := strconv.Atoi(args[2])
		ts.Check(err)
		account.SetMaxSession(args[0], longest)
	}
}

func bucket(ts *testscript.TestScript, neg bool, args []string) {
	story.Arguments(ts, neg, args, 1, 2, "bucket NAME [ACCOUNT]")
	account := worldOf(ts).aws.Account
	if len(args) == 2 {
		account = worldOf(ts).aws.AddAccount(args[1], "")
	}
	account.AddBucket(args[0], region)
}

func put(ts *testscript.TestScript, neg bool, args []string) {
	story.Arguments(ts, neg, args, 3, 3, "put BUCKET KEY FILE")
	worldOf(ts).aws.PutObject(args[0], args[1], "application/json", []byte(ts.ReadFile(args[2])))
}

func remove(ts *testscript.TestScript, neg bool, args []string) {
	story.Arguments(ts, neg, args, 2, 2, "remove BUCKET KEY")
	worldOf(ts).aws.DeleteObject(args[0], args[1])
}

func publish(ts *testscript.TestScript, neg bool, args []string) {
	story.Arguments(ts, neg, args, 0, 0, "publish")
	w := worldOf(ts)
	ts.Check(w.plan.Publish(context.Background(), w))
	w.forget()
}

func rotate(ts *testscript.TestScript, neg bool, args []string) {
	story.Arguments(ts, neg, args, 1, 2, "rotate KIND [drop-old]")
	issuer := worldOf(ts).kube.Issuer
	ts.Check(issuer.Rotate(args[0]))
	if len(args) == 2 {
		issuer.DropOldKeys()
	}
}
