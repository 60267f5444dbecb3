package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A login that is killed while it writes leaves the file as it was or as it was
// to be, and the next one is in nobody's way.
func TestALoginThatIsKilledTearsNothing(t *testing.T) {
	w := bareWorld(t)
	w.write(t, "policy.json", listBuckets)
	w.run(t, setupArgs)
	args := []string{"login", "cart", "-n", "shop", "-q", "--profile", "killed"}
	config := filepath.Join(w.dir, "home", ".aws", "config")
	lock := filepath.Join(filepath.Dir(config), ".config.kubectl-irsa.lock")
	var before []byte
	for i := range 1500 { // which takes some time to check
		before = fmt.Appendf(before, "[profile own-%d]\nregion = us-east-1\n\n", i)
	}
	write := func() {
		if err := os.WriteFile(config, before, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	read := func() []byte {
		text, err := os.ReadFile(config)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	write()
	w.run(t, args)
	after := read()
	met, states := 0, map[bool]int{}
	for range 25 {
		write()
		_ = os.Remove(lock)
		cmd := w.command(t.Context(), args...)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan bool, 1)
		go func() {
			_ = cmd.Wait()
			ended <- true
		}()
		for begun := false; !begun && len(ended) == 0; time.Sleep(100 * time.Microsecond) {
			_, err := os.Stat(lock)
			begun = err == nil
		}
		time.Sleep(time.Duration(rand.Int64N(int64(40 * time.Millisecond))))
		_ = cmd.Process.Kill()
		<-ended
		if _, err := os.Stat(lock); err == nil {
			met++
		}
		text := read()
		if !bytes.Equal(text, before) && !bytes.Equal(text, after) {
			t.Fatalf("a torn file of %d bytes", len(text))
		}
		states[bytes.Equal(text, after)]++
	}
	if met == 0 {
		t.Error("no kill met a write")
	}
	t.Logf("%d kills met a write; %d left the file as it was", met, states[false])
	w.run(t, args)
	if diff := cmp.Diff(string(after), string(read())); diff != "" {
		t.Error(diff)
	}
	left, err := os.ReadDir(filepath.Dir(config))
	if err != nil || len(left) != 1 {
		t.Errorf("beside the file there is %v, %v", left, err)
	}
}
