package login

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/awsconfig"
)

func TestOneNameInTwoKubeconfigs(t *testing.T) {
	here := filepath.Join(t.TempDir(), "here")
	odd := filepath.Join(t.TempDir(), "a"+string(filepath.ListSeparator)+"b")
	for _, file := range []string{here, odd} {
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Skipf("this system has no such names: %v", err)
		}
	}
	list := func(files ...string) string {
		text := files[0]
		for _, file := range files[1:] {
			text += string(filepath.ListSeparator) + file
		}
		return text
	}
	cart := Pinned{Context: "c", Namespace: "n", ServiceAccount: "s"}
	type answer struct {
		ReadsFrom bool
		OtherThan string
	}
	for name, tc := range map[string]struct {
		profile, other string
		want           answer
	}{
		"the very file":                             {here, here, answer{true, ""}},
		"a list with the file in it":                {here, list("/x", here), answer{true, ""}},
		"another file":                              {here, "/x", answer{false, "context c in another kubeconfig, " + here}},
		"another file, after the profile's is gone": {"/gone", "/x", answer{false, ""}},
		"a profile that does not say":               {"", "/x", answer{true, ""}},
		"a file whose name separates":               {odd, odd, answer{true, ""}},
		"half of a name that separates":             {odd, filepath.Join(filepath.Dir(odd), "a"), answer{false, "context c in another kubeconfig, " + odd}},
	} {
		t.Run(name, func(t *testing.T) {
			p, other := cart, cart
			p.Kubeconfig, other.Kubeconfig = tc.profile, tc.other
			if diff := cmp.Diff(tc.want, answer{p.ReadsFrom(tc.other), p.otherThan(other)}); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestTheProfileOfAnotherAccountIsNotTakenForItsName(t *testing.T) {
	written := Pinned{Kubeconfig: "/gone", Context: "c", Namespace: "n", ServiceAccount: "s"}
	const whose = "serviceaccount n/s in context c"
	for name, tc := range map[string]struct {
		login func(*Pinned)
		want  string
	}{
		"the same":                             {func(*Pinned) {}, ""},
		"another account":                      {func(p *Pinned) { p.ServiceAccount = "t" }, whose},
		"another namespace":                    {func(p *Pinned) { p.Namespace = "m" }, whose},
		"another context":                      {func(p *Pinned) { p.Context = "d" }, whose},
		"another role":                         {func(p *Pinned) { p.RoleARN = "r" }, ""},
		"namespace and account, cut elsewhere": {func(p *Pinned) { p.Namespace, p.ServiceAccount = "n-s", "" }, whose},
	} {
		login := written
		if tc.login(&login); written.otherThan(login) != tc.want {
			t.Errorf("%s: it is of %q, want %q", name, written.otherThan(login), tc.want)
		}
	}
	if other := (Pinned{ServiceAccount: "s"}).otherThan(written); other != "" {
		t.Errorf("a profile that names no context is of %q", other)
	}
}

func TestAProfileSaysWhatItIsFor(t *testing.T) {
	full := Pinned{Kubeconfig: "/home/ann/my config", Context: "arn:aws:eks:eu-west-1:111122223333:cluster/a@b", Namespace: "shop", ServiceAccount: "cart"}
	odd, plain := full, full
	odd.Kubeconfig = "/home/ann/a #b"
	plain.Kubeconfig = ""
	for name, tc := range map[string]struct{ written, want Pinned }{
		"where it came from":                  {full, full},
		"nothing that readers disagree about": {odd, plain},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "config")
			err := awsconfig.Edit(t.Context(), path, func(*awsconfig.File) ([]awsconfig.Change, error) {
				marks, err := tc.written.marks()
				return []awsconfig.Change{{Profile: "p", Set: marks}}, err
			})
			if err != nil {
				t.Fatal(err)
			}
			file, err := awsconfig.Read(path)
			if err != nil {
				t.Fatal(err)
			}
			profile, _ := file.Profile("p")
			got, _ := Recognise("linux", profile)
			if diff := cmp.Diff(Owned{Name: "p", Mode: Static, Pinned: tc.want}, got, cmpopts.EquateEmpty()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAProgramIsGoneWhereNothingFindsIt(t *testing.T) {
	folder := t.TempDir()
	program := filepath.Join(folder, "kubectl-irsa.exe") // a name that every system takes for a program
	if err := os.WriteFile(program, nil, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", folder)
	for binary, dead := range map[string]bool{
		program: false, "kubectl-irsa.exe": false, program + ".former": true, "no-such-program": true,
	} {
		if got := (Owned{Mode: Process, Binary: binary}).DeadBinary(); got != dead {
			t.Errorf("%s: gone is %v", binary, got)
		}
	}
	if (Owned{Mode: Static}).DeadBinary() {
		t.Error("a profile without a program has lost one")
	}
}

func TestALoginIsRepeatedWithAllThatWasChosen(t *testing.T) {
	list := "/a" + string(filepath.ListSeparator) + "/b"
	for name, tc := range map[string]struct {
		owned Owned
		want  []string
	}{
		"the usual": {
			Owned{Name: "p", Pinned: Pinned{Kubeconfig: "/a", Context: "c", Namespace: "n", ServiceAccount: "s", RoleARN: "r", Audience: "a", Issuer: "i", Region: "x"}},
			[]string{"login", "s", "-n", "n", "--context", "c", "--kubeconfig", "/a", "--role-arn", "r", "--audience", "a", "--profile", "p"},
		},
		"all of it": {
			Owned{Name: "p", Pinned: Pinned{
				Kubeconfig: list, Context: "c", Namespace: "n", ServiceAccount: "s", RoleARN: "r", Duration: time.Hour, TokenDuration: time.Hour,
				STSEndpointURL: "u", Policy: "/f", PolicyARNs: []string{"b", "d"}, Extra: []string{"--as=bob"},
			}},
			[]string{
				"login", "s", "-n", "n", "--context", "c", "--role-arn", "r", "--profile", "p", "--duration", "1h0m0s", "--token-duration", "1h0m0s",
				"--sts-endpoint-url", "u", "--policy", "/f", "--policy-arn", "b", "--policy-arn", "d", "--as=bob",
			},
		},
	} {
		if diff := cmp.Diff(tc.want, tc.owned.Again()); diff != "" {
			t.Errorf("%s:\n%s", name, diff)
		}
	}
}
