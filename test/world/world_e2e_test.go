//go:build e2e && linux

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kubectl-irsa/kubectl-irsa/test/world/inside"
)

// The program under test, built once.
var program string

func TestMain(m *testing.M) {
	if os.Getenv("WORLD_TEST_PART") == "dial" {
		os.Exit(dial())
	}
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "world")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	program = filepath.Join(dir, "world")
	build := exec.Command("go", "build", "-o", program, ".")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "building the world:", err)
		return 1
	}
	return m.Run()
}

// dial says how long it takes to connect to STS.
func dial() int {
	began := time.Now()
	connection, err := net.Dial("tcp", "sts.us-east-1.amazonaws.com:443")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println(time.Since(began).Nanoseconds())
	_ = connection.Close()
	return 0
}

// start is a world about to be started with its directory below the one that is
// returned, which the test removes.
func start(t *testing.T, args ...string) (*exec.Cmd, string) {
	t.Helper()
	parent, err := os.MkdirTemp("/tmp", "wt") // short, for the sockets
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(parent) })
	cmd := exec.Command(program, args...)
	cmd.Env = append(os.Environ(), "TMPDIR="+parent)
	return cmd, parent
}

// in runs a command in a world and returns its standard output. When it ends,
// nothing of the world may be left.
func in(t *testing.T, args ...string) string {
	t.Helper()
	cmd, parent := start(t, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s\n%s", err, out, stderr.String())
	}
	nothingLeft(t, parent)
	return string(out)
}

func nothingLeft(t *testing.T, parent string) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); len(processes(parent)) > 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Errorf("processes left over: %q", processes(parent))
			break
		}
	}
	if left, err := os.ReadDir(parent); err != nil || len(left) > 0 {
		t.Errorf("files left over: %v, %v", left, err)
	}
}

// processes are the command lines that name a path below dir.
func processes(dir string) []string {
	var found []string
	all, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, path := range all {
		line, err := os.ReadFile(path)
		if err == nil && bytes.Contains(line, []byte(dir+"/")) {
			found = append(found, strings.ReplaceAll(string(line), "\x00", " "))
		}
	}
	return found
}

func TestTheTutorialByHandListsTheBucket(t *testing.T) {
	for name, args := range map[string][]string{
		"as it comes": nil,
		"an ECDSA key, an issuer with a path and another audience": {"--signing-key", "ecdsa", "--issuer-path", "id/1", "--audience", "test"},
		"the bucket in the issuer's path":                          {"--path-style"},
		"a double of AWS on loopback":                              {"--no-namespace"},
	} {
		t.Run(name, func(t *testing.T) {
			out := in(t, append(args, "--", "sh", "testdata/tutorial.sh")...)
			if fields := strings.Fields(out); len(fields) != 4 || fields[3] != "basket.json" {
				t.Errorf("got %q", out)
			}
		})
	}
}

func TestTheLogsHoldTheCallsOfTheTutorial(t *testing.T) {
	for name, args := range map[string][]string{"real servers": nil, "a double": {"--no-namespace"}} {
		t.Run(name, func(t *testing.T) {
			copied := t.TempDir()
			in(t, append(args, "--", "sh", "-c", "sh testdata/tutorial.sh && cp $IRSA_WORLD_DIR/*.log "+copied)...)
			aws, api, _, err := inside.World{Dir: copied}.Since(inside.Mark{})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, r := range aws {
				if !r.ByServer() {
					got = append(got, fmt.Sprintf("%s %s %s signed=%v %d", r.Method, r.Host, r.Action, r.Signed, r.Status))
				}
			}
			for _, e := range api {
				if !strings.HasPrefix(e.RequestURI, "/version") { // kubectl's own
					got = append(got, fmt.Sprintf("%s %s %s %d", e.User.Username, e.Verb, e.RequestURI, e.ResponseStatus.Code))
				}
			}
			if diff := cmp.Diff([]string{
				"POST sts.us-east-1.amazonaws.com AssumeRoleWithWebIdentity signed=false 200",
				"GET cart-data.s3.amazonaws.com  signed=true 200",
				"admin create /api/v1/namespaces/shop/serviceaccounts/cart/token 201",
			}, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestTheExitCodeIsTheCommands(t *testing.T) {
	cmd, parent := start(t, "--", "sh", "-c", "exit 7")
	var exit *exec.ExitError
	if err := cmd.Run(); !errors.As(err, &exit) || exit.ExitCode() != 7 {
		t.Errorf("got %v", err)
	}
	nothingLeft(t, parent)
}

// signalled starts a world whose command waits, sends a signal to the program
// once it does, and returns how the program ended.
func signalled(t *testing.T, signal os.Signal, script string) (error, string, string) {
	t.Helper()
	cmd, parent := start(t, "--", "sh", "-c", script)
	reader, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line := make([]byte, 64)
	n, err := reader.Read(line)
	if err != nil || string(line[:n]) != "up\n" {
		t.Fatalf("got %q, %v", line[:n], err)
	}
	if err := cmd.Process.Signal(signal); err != nil {
		t.Fatal(err)
	}
	var rest bytes.Buffer
	_, _ = rest.ReadFrom(reader)
	return cmd.Wait(), rest.String(), parent
}

func TestSignalsReachTheCommandOnce(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP} {
		t.Run(signal.String(), func(t *testing.T) {
			err, out, parent := signalled(t, signal,
				`trap 'echo got it; n=1' TERM INT HUP; echo up; i=0; while [ $i -lt 15 ]; do i=$((i+n)); sleep 0.02; done; exit 5`)
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.ExitCode() != 5 || out != "got it\n" {
				t.Errorf("got %v, %q", err, out)
			}
			nothingLeft(t, parent)
		})
	}
}

func TestAWorldThatCrashesLeavesNoProcessAndTheNextSweepsItsDirectory(t *testing.T) {
	_, _, parent := signalled(t, syscall.SIGKILL, "echo up; sleep 60")
	for deadline := time.Now().Add(5 * time.Second); len(processes(parent)) > 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("processes left over: %q", processes(parent))
		}
	}
	if left, err := os.ReadDir(parent); err != nil || len(left) != 1 {
		t.Errorf("the crashed world's directory: %v, %v", left, err)
	}
	next := exec.Command(program, "true")
	next.Env = append(os.Environ(), "TMPDIR="+parent)
	if out, err := next.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	nothingLeft(t, parent)
}

func TestSeveralWorldsAtOnce(t *testing.T) {
	var worlds []*exec.Cmd
	var outputs []*bytes.Buffer
	var parents []string
	for i := range 3 {
		cmd, parent := start(t, "--", "sh", "-c", fmt.Sprintf("kubectl create ns only-%d >/dev/null; kubectl get ns -o name | grep only", i))
		output := &bytes.Buffer{}
		cmd.Stdout, cmd.Stderr = output, os.Stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		worlds, outputs, parents = append(worlds, cmd), append(outputs, output), append(parents, parent)
	}
	for i, cmd := range worlds {
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
		if got, want := outputs[i].String(), fmt.Sprintf("namespace/only-%d\n", i); got != want {
			t.Errorf("world %d has %q", i, got)
		}
		nothingLeft(t, parents[i])
	}
}

func TestTheRoundTripIsPaidByHandshakes(t *testing.T) {
	for name, tc := range map[string]struct {
		args     []string
		from, to time.Duration
	}{
		"none":                        {nil, 0, 15 * time.Millisecond},
		"one of 40 ms on top of that": {[]string{"--rtt", "40ms"}, 40 * time.Millisecond, 60 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("WORLD_TEST_PART", "dial")
			out := in(t, append(tc.args, "--", os.Args[0])...)
			took, err := strconv.Atoi(strings.TrimSpace(out))
			if err != nil {
				t.Fatal(err)
			}
			if d := time.Duration(took); d < tc.from || d > tc.to {
				t.Errorf("connecting took %v, want %v to %v", d, tc.from, tc.to)
			}
		})
	}
}

func TestVerbsChangeTheWorld(t *testing.T) {
	out := in(t, "--", "sh", "-c", `
		change() { "$IRSA_WORLD_BIN" control "$@"; }
		try() { sh testdata/tutorial.sh >/dev/null 2>&1 && echo "$1: works" || echo "$1: refused"; }
		change rotate --signing-key ecdsa && try "a new key that is not published"
		change publish && change restart-aws && try "published"
		change restart-aws --empty && try "no role, no provider"
		change trust && try "trusted again"
		change stop-apiserver && try "no API server"
		change start-apiserver && try "an API server"
		change add-bucket brand-new && getent hosts brand-new.s3.amazonaws.com | tr -s " "
	`)
	if diff := cmp.Diff([]string{
		"a new key that is not published: refused", "published: works",
		"no role, no provider: refused", "trusted again: works",
		"no API server: refused", "an API server: works",
		"192.0.2.10 brand-new.s3.amazonaws.com",
	}, strings.Split(strings.TrimSpace(out), "\n")); diff != "" {
		t.Error(diff)
	}
}

func TestAnOrdinaryUserHasTheSameWorld(t *testing.T) {
	if os.Getuid() != 0 {
		t.Log("every test here ran as an ordinary user already")
		return
	}
	const nobody = 65534
	cmd, parent := start(t, "--", "sh", "-c", "id -u; kubectl get sa cart -o name; touch /etc/shadow 2>&1 | grep -c denied")
	cache := readableCache(t, parent)
	if err := os.Chown(parent, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	cmd.Env = append(cmd.Env, "HOME="+parent, "GOCACHE=off", "IRSA_WORLD_CACHE="+cache)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil || strings.Contains(stderr.String(), "no private network") {
		t.Fatalf("%v\n%s", err, stderr.String())
	}
	if diff := cmp.Diff("65534\nserviceaccount/cart\n1\n", string(out)); diff != "" {
		t.Error(diff)
	}
}

// readableCache is the servers at a place that every user can read.
func readableCache(t *testing.T, near string) string {
	t.Helper()
	cache, err := os.MkdirTemp(filepath.Dir(near), "wc")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(cache) })
	from := builder().Cache
	err = filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || path == from {
			return err
		}
		to := filepath.Join(cache, strings.TrimPrefix(path, from))
		if entry.IsDir() {
			return os.Mkdir(to, 0o755)
		}
		if os.Link(path, to) == nil {
			return nil
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(to, data, 0o755)
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(cache, 0o755); err != nil {
		t.Fatal(err)
	}
	return cache
}
