package process

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The test program plays two parts besides its own: a parent that starts a
// child and waits, and that child.
func TestMain(m *testing.M) {
	if os.Getenv("PROCESS_TEST_PARENT") != "" {
		parent()
	}
	os.Exit(m.Run())
}

func parent() {
	launcher, err := NewLauncher(nil)
	if err != nil {
		os.Exit(1)
	}
	child := exec.Command("sleep", "60")
	if err := launcher.Start(child, true); err != nil {
		os.Exit(1)
	}
	_, _ = os.Stdout.WriteString(strconv.Itoa(child.Process.Pid) + "\n")
	select {}
}

func TestExitCode(t *testing.T) {
	for name, tc := range map[string]struct {
		script string
		want   int
	}{
		"success":               {"exit 0", 0},
		"a code of its own":     {"exit 7", 7},
		"killed by a signal":    {"kill -TERM $$", 128 + 15},
		"killed without notice": {"kill -KILL $$", 128 + 9},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := ExitCode(exec.CommandContext(t.Context(), "sh", "-c", tc.script).Run())
			if err != nil || got != tc.want {
				t.Errorf("got %d, %v; want %d", got, err, tc.want)
			}
		})
	}
	if code, err := ExitCode(exec.CommandContext(t.Context(), "/no/such/program").Run()); code != 1 || err == nil {
		t.Errorf("a program that is not there: %d, %v", code, err)
	}
}

func TestServer(t *testing.T) {
	launcher, err := NewLauncher(nil)
	if err != nil {
		t.Fatal(err)
	}
	log := filepath.Join(t.TempDir(), "log")
	env := []string{"PATH=" + os.Getenv("PATH"), "GREETING=hello"}
	server, err := launcher.Serve("greeter", log, env, "/bin/sh", "-c", "echo $GREETING; echo bye >&2; exit 3")
	if err != nil {
		t.Fatal(err)
	}
	<-server.Done()
	want := "greeter ended early (exit status 3); the end of its log:\nhello\nbye\n"
	if got := server.Ended().Error(); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	server.Kill() // once more does no harm

	server, err = launcher.Serve("sleeper", log, env, "/bin/sh", "-c", "sleep 60")
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Pause(); err != nil {
		t.Error(err)
	}
	server.Kill() // paused or not
	select {
	case <-server.Done():
	default:
		t.Error("still running after Kill")
	}
	if got := Tail(log, 4); got != "bye\n" {
		t.Errorf("the tail is %q", got)
	}
}

func TestChildrenEndWithTheirLauncher(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), "PROCESS_TEST_PARENT=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line := make([]byte, 16)
	n, err := out.Read(line)
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(line[:n])))
	if err != nil {
		t.Fatal(err)
	}
	if !alive(pid) {
		t.Fatal("the child did not start")
	}
	if err := cmd.Process.Kill(); err != nil { // no chance to tidy up
		t.Fatal(err)
	}
	_ = cmd.Wait()
	for deadline := time.Now().Add(5 * time.Second); alive(pid); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			_ = syscall.Kill(pid, syscall.SIGKILL)
			t.Fatal("the child outlived its parent")
		}
	}
}

// alive is false of a zombie too: whoever reaps it may be slow.
func alive(pid int) bool {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err == nil && !strings.Contains(string(stat), ") Z ")
}
