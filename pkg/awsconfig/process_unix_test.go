//go:build unix

package awsconfig

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestManyLoginsAtOnceLoseNothing(t *testing.T) {
	const logins = 24
	root := t.TempDir()
	target, path := filepath.Join(root, "dotfiles", "aws"), filepath.Join(root, ".aws", "config")
	for _, dir := range []string{filepath.Dir(target), filepath.Dir(path)} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	before := readFile(t, "testdata/corpus/02-comments.ini")
	writeFile(t, target, before)
	if err := os.Chmod(target, 0o640); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("../dotfiles/aws", path); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for i := range logins {
		name := path
		if i%2 == 1 {
			name = target // by its own name, past the link
		}
		cmd := newChild(t, "login", name, fmt.Sprintf("p%02d", i))
		all.Go(func() {
			if out := output(t, cmd); out != "" {
				t.Error(out)
			}
		})
	}
	all.Wait()
	f, err := Read(path)
	if err != nil {
		t.Fatal(err)
	}
	want := readGolden(t).Files["corpus/02-comments.ini"]
	for i := range logins {
		name := fmt.Sprintf("p%02d", i)
		want[name] = map[string]any{"region": "x", "kubectl_irsa": name}
	}
	if diff := cmp.Diff(want, profileMap(f)); diff != "" {
		t.Error(diff)
	}
	if !bytes.HasPrefix(readFile(t, path), before) {
		t.Error("the user's own lines changed")
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o640 {
		t.Errorf("%v, %v; want mode 0640", info.Mode(), err)
	}
	if link, err := os.Readlink(path); link != "../dotfiles/aws" {
		t.Errorf("the link is now %q, %v", link, err)
	}
	got := append(entries(t, filepath.Dir(path)), entries(t, filepath.Dir(target))...)
	if diff := cmp.Diff([]string{"config", "aws"}, got); diff != "" {
		t.Error(diff)
	}
}

// toggle alternates between a profile with one value, another, and none.
func toggle(i int) func(*File) ([]Change, error) {
	if i%3 == 2 {
		return removeProfile("p")
	}
	return setProfile("p", Setting{"region", strings.Repeat("r", 1+i%3*5000)})
}

func TestAKillAtAnyMomentTearsNothing(t *testing.T) {
	kills := 40
	if os.Getenv("FULL") == "1" {
		kills = 200
	}
	path := filepath.Join(t.TempDir(), "config")
	var base []byte
	for i := range 200 {
		base = fmt.Appendf(base, "[profile own-%d]\nregion = us-east-1\nrole_arn = arn:aws:iam::111122223333:role/r%d\n\n", i, i)
	}
	writeFile(t, path, base)
	states := map[string]bool{string(base): true}
	file := mustParse(t, string(base))
	for i := range 2 {
		changes, _ := toggle(i)(file)
		data, err := file.Apply(changes...)
		if err != nil {
			t.Fatal(err)
		}
		states[string(data)] = true
	}
	written := 0 // kills that met a temporary file which was not yet renamed
	for range kills {
		cmd := newChild(t, "toggle", path)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if line, err := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
			t.Fatalf("%q, %v", line, err)
		}
		// An edit takes a few milliseconds: any moment of it may be hit.
		time.Sleep(time.Duration(rand.Int64N(int64(15 * time.Millisecond))))
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait()
		if data := readFile(t, path); !states[string(data)] {
			t.Fatalf("a torn file of %d bytes", len(data))
		}
		if left, err := filepath.Glob(beside(path, "-*.tmp")); len(left) > 0 && err == nil {
			written++
		}
	}
	if written == 0 {
		t.Errorf("none of %d kills met a write", kills)
	}
	t.Logf("%d of %d kills met a write", written, kills)
	if err := Edit(t.Context(), path, removeProfile("p")); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(base), string(readFile(t, path))); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"config"}, entries(t, filepath.Dir(path))); diff != "" {
		t.Error(diff)
	}
}

func TestAFileThatCannotGrowStaysAsItWas(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config")
	before := "[default]\n# " + strings.Repeat("x", 4070) + "\n"
	writeFile(t, path, []byte(before))
	got := output(t, newChild(t, "limited", path, "p"))
	if !strings.HasPrefix(got, "changing "+path+": write ") || !strings.HasSuffix(got, ": file too large") {
		t.Errorf("error %q", got)
	}
	if diff := cmp.Diff(before, string(readFile(t, path))); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"config"}, entries(t, filepath.Dir(path))); diff != "" {
		t.Error(diff)
	}
}

// Both the shell, which the SDKs use, and botocore's splitter must start the
// program with exactly the arguments, wherever it is installed.
func TestTheShellReadsACommandLineAsItWasMeant(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	arguments := []string{
		"credential-process", "", "a b", " a", "a ", "it's", `"`, `a"b`, `\`, `a\`, `\\n`, "$HOME", "${HOME}", "$(id)", "~", "~root", "*", "?", "[a-z]", "{a,b}",
		"a;b", " ;", " #", "#", ";", "a #b ;c", "' #'", "&", "&&", "|", ">x", "<", "(", ")", "!", "!!", "^", "%", "%1", "=", "a=b", "-n", "--x=y z", "caf\u00e9", "\u65e5 \u672c",
		"arn:aws:eks:eu-west-1:111122223333:cluster/x", "/a:/b c",
	}
	for _, dir := range []string{"plain", "with space", "it's", "$HOME", "a #1; b", "caf\u00e9", `back\slash`, "a=b", "'quoted'"} {
		t.Run(dir, func(t *testing.T) {
			program := filepath.Join(t.TempDir(), dir, "kubectl-irsa")
			if err := os.Mkdir(filepath.Dir(program), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink(self, program); err != nil {
				t.Fatal(err)
			}
			line, err := CommandLine("linux", append([]string{program}, arguments...))
			if err != nil {
				t.Fatal(err)
			}
			checkCommandLine(t, "linux", append([]string{program}, arguments...), line)
			cmd := exec.CommandContext(t.Context(), "sh", "-c", line)
			cmd.Env = append(os.Environ(), childVariable+"=argv")
			var got []string
			if err := json.Unmarshal([]byte(output(t, cmd)), &got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(arguments, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
