package cli

import (
	"context"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/generate"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/lazyregexp"
)

// completionLimit is how long whoever pressed TAB waits for a server.
const completionLimit = 3 * time.Second

// completionPrefix begins the name by which kubectl asks a plugin for
// completions: kubectl_complete-irsa ARGUMENT...
// https://kubernetes.io/docs/tasks/extend-kubectl/kubectl-plugins/.
const completionPrefix = "kubectl_complete-"

// arguments are those of this process without its name, as cobra wants them.
func arguments(argv []string) []string {
	name := filepath.Base(strings.ReplaceAll(argv[0], `\`, "/"))
	if strings.HasPrefix(name, completionPrefix) {
		return append([]string{cobra.ShellCompRequestCmd}, argv[1:]...)
	}
	return argv[1:]
}

// isCompletion reports whether a shell asks what may come next.
func isCompletion(args []string) bool {
	return slices.Contains(args, cobra.ShellCompRequestCmd) || slices.Contains(args, cobra.ShellCompNoDescRequestCmd)
}

// lookup finds the values that may stand somewhere, each followed by a tab and
// a description where it has one. cmd is the command line so far, its flags read.
// It gives nothing where something is amiss: a completion never complains.
type lookup func(ctx context.Context, cmd *cobra.Command) []string

// completions says what may stand where in the tree below root. Commands say it
// by the names of their arguments and flags, so that a new command that keeps to
// those is completed too. What was registered by a command itself stays.
func (f *Factory) completions(root *cobra.Command) {
	f.completeFlags(root.PersistentFlags(), root)
	for cmd := range tree(root) {
		f.completeFlags(cmd.LocalNonPersistentFlags(), cmd)
		switch {
		case cmd.ValidArgsFunction != nil:
		case cmd.Name() == "inspect":
			cmd.ValidArgsFunction = f.completeKinds
		case !cmd.HasSubCommands():
			cmd.ValidArgsFunction = f.completeArguments(cmd)
		}
	}
}

// tree yields a command and all below it.
func tree(cmd *cobra.Command) func(func(*cobra.Command) bool) {
	return func(yield func(*cobra.Command) bool) {
		all := []*cobra.Command{cmd}
		for len(all) > 0 {
			next := all[0]
			all = append(all[1:], next.Commands()...)
			if !yield(next) {
				return
			}
		}
	}
}

// fileFlags take the name of a file, which the shell completes.
var fileFlags = []string{"kubeconfig", "policy", "policy-file", "filename", "certificate-authority", "client-certificate", "client-key"}

func (f *Factory) completeFlags(flags *pflag.FlagSet, cmd *cobra.Command) {
	flags.VisitAll(func(flag *pflag.Flag) {
		if _, has := cmd.GetFlagCompletionFunc(flag.Name); has || flag.Value.Type() == "bool" || slices.Contains(fileFlags, flag.Name) {
			return
		}
		_ = cmd.RegisterFlagCompletionFunc(flag.Name, f.flagCompletion(flag))
	})
}

// flagCompletion is by what a flag's help lists, else by its name, which means
// the same everywhere.
func (f *Factory) flagCompletion(flag *pflag.Flag) cobra.CompletionFunc {
	found := map[string]lookup{
		"context": f.contexts, "cluster": f.clusters, "user": f.users,
		"namespace": f.namespaces, "sa": f.serviceAccounts, "service-account": f.serviceAccounts,
		"profile": f.ownProfiles, "aws-profile": f.allProfiles,
		"role": f.roleNames, "role-arn": f.roleARNs, "bucket": f.buckets, "to": f.bucketURLs,
	}
	values := choices(flag.Usage)
	switch {
	case flag.Name == "cache-dir":
		return cobra.FixedCompletions(nil, cobra.ShellCompDirectiveFilterDirs)
	case values != nil:
		return cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)
	case found[flag.Name] != nil:
		return f.completing(found[flag.Name])
	}
	return cobra.NoFileCompletions
}

// What help says of a flag that takes one of several values: they stand at its
// beginning or behind its first colon, as "none, client or server: show ..." and
// "Where to keep it: file or none". What is in brackets explains one of them.
var (
	aside      = lazyregexp.New(` \([^)]*\)|…`)
	choiceList = lazyregexp.New(`^(?:[A-Z][^:;,]*: )?([\w-]+(?:=|\b)(?:, [\w-]+(?:=|\b))*(?:(?:,| or) [\w-]+=?))(?:[;:]|$)`)
)

// choices are the values that a flag's help lists, nil where it lists none.
func choices(usage string) []string {
	list := choiceList().FindStringSubmatch(aside().ReplaceAllString(usage, ""))
	if list == nil {
		return nil
	}
	return strings.Split(strings.ReplaceAll(list[1], " or ", ", "), ", ")
}

// someOf completes a flag that takes several values with commas between.
func someOf(cmd *cobra.Command, flag string, values func() []string) {
	_ = cmd.RegisterFlagCompletionFunc(flag, func(_ *cobra.Command, _ []string, toComplete string) ([]string, cobra.ShellCompDirective) {
		chosen := toComplete[:strings.LastIndexByte(toComplete, ',')+1]
		var left []string
		for _, value := range values() {
			if !slices.Contains(strings.Split(chosen, ","), value) {
				left = append(left, chosen+value)
			}
		}
		return left, cobra.ShellCompDirectiveNoFileComp
	})
}

// completeArguments goes by the names of a command's usage line. What follows
// "--" is another program's, and the shell's to complete.
func (f *Factory) completeArguments(cmd *cobra.Command) cobra.CompletionFunc {
	names := slices.DeleteFunc(strings.Fields(cmd.Use)[1:], func(word string) bool { return word == "[flags]" })
	return func(cmd *cobra.Command, args []string, toComplete string) ([]string, cobra.ShellCompDirective) {
		if slices.Contains(names, "--") && len(args) >= slices.Index(names, "--") {
			return nil, cobra.ShellCompDirectiveDefault
		}
		if find := f.argument(cmd, nameOf(names, len(args)), toComplete); find != nil {
			return f.completing(find)(cmd, args, toComplete)
		}
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
}

// nameOf is what the nth argument is called, "" where there is none so far behind.
// The last may be repeated.
func nameOf(names []string, n int) string {
	if last := len(names) - 1; n > last && last >= 0 && strings.Contains(names[last], "...") {
		n = last
	}
	if n >= len(names) {
		return ""
	}
	return strings.Trim(names[n], "[].")
}

// completeKinds is for what stands behind "inspect KIND/", which means the same
// as "inspect KIND NAME".
func (f *Factory) completeKinds(cmd *cobra.Command, _ []string, toComplete string) ([]string, cobra.ShellCompDirective) {
	kind, _, slash := strings.Cut(toComplete, "/")
	for _, sub := range cmd.Commands() {
		if slash && (sub.Name() == kind || sub.HasAlias(kind)) {
			sub.SetContext(cmd.Context())
			return sub.ValidArgsFunction(sub, nil, toComplete)
		}
	}
	return nil, cobra.ShellCompDirectiveNoFileComp
}

// argument is by the name of an argument; a bare NAME is of the kind that the
// command, or the group it is in, is called by.
func (f *Factory) argument(cmd *cobra.Command, name, toComplete string) lookup {
	kinds := map[string]lookup{
		"SERVICEACCOUNT": f.serviceAccounts, "SA": f.serviceAccounts, "POD": f.pods, "DEPLOY": f.deployments,
		"PROFILE": f.ownProfiles, "ROLE": f.roleNames, "BUCKET": f.buckets, "ERROR": explainable,
		"PHASE": fixed(setupPhases), "IAM-POLICY": fixed(generate.Commands()),
	}
	switch {
	case name == "ARN|NAME" && strings.HasPrefix(toComplete, "a"):
		return f.roleARNs
	case name == "ARN|NAME":
		return f.roleNames
	case name != "NAME" && name != "COMMAND":
		return kinds[name]
	}
	if own := kinds[strings.ToUpper(cmd.Name())]; own != nil {
		return own
	}
	for above := cmd.Parent(); above != nil; above = above.Parent() {
		if find := kinds[strings.ToUpper(above.Name())]; find != nil && cmd.Name() != "create" {
			return find
		}
	}
	return nil
}

// fixed finds the same values always.
func fixed(values []string) lookup {
	return func(context.Context, *cobra.Command) []string { return slices.Clone(values) }
}

// completing bounds a lookup and keeps it silent: warnings and errors would
// end up in the middle of a line that somebody is typing. A lookup that is still
// busy at the end is left behind; this process ends right after.
func (f *Factory) completing(find lookup) cobra.CompletionFunc {
	return func(cmd *cobra.Command, _ []string, toComplete string) ([]string, cobra.ShellCompDirective) {
		f.quietServer, f.Streams.ErrOut = true, io.Discard
		ctx, cancel := context.WithTimeout(cmd.Context(), completionLimit)
		defer cancel()
		prefix := ""
		if kind, _, slash := strings.Cut(toComplete, "/"); slash && (isServiceAccountKind(kind) || cmd.Name() == kind || cmd.HasAlias(kind)) {
			prefix = kind + "/"
		}
		answer := make(chan []string, 1)
		go func() { answer <- find(ctx, cmd) }()
		var fitting []string
		select {
		case values := <-answer:
			for _, value := range values {
				if value = prefix + value; strings.HasPrefix(value, toComplete) {
					fitting = append(fitting, value)
				}
			}
		case <-ctx.Done():
		}
		slices.Sort(fitting)
		return fitting, cobra.ShellCompDirectiveNoFileComp
	}
}
