package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/awsconfig"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/awstest"
)

// stand is a world outside of a script.
type stand struct {
	*world
	home string
}

func newStand(t *testing.T) stand {
	t.Helper()
	w := &world{dir: t.TempDir()}
	file, err := readWorldFile(w.dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.start(t.Context(), file); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.kube.Close(); _ = w.aws.Close() })
	if err := w.writeFiles(); err != nil {
		t.Fatal(err)
	}
	return stand{w, t.TempDir()}
}

// run is the plugin with a command line; STS is asked directly, not by a proxy.
func (s stand) run(ctx context.Context, args ...string) (stdout, stderr string, err error) {
	cmd := exec.CommandContext(ctx, "kubectl-irsa", args...)
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + s.home, "USERPROFILE=" + s.home, "KUBECONFIG=" + filepath.Join(s.dir, "kubeconfig"),
		"AWS_CA_BUNDLE=" + filepath.Join(s.dir, "aws-ca.pem"), "AWS_ENDPOINT_URL_STS=" + s.aws.TLSURL,
		"SYSTEMROOT=" + os.Getenv("SYSTEMROOT"),
	}
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	err = cmd.Run()
	return out.String(), errOut.String(), err
}

// asked counts the requests that are not the servers' own.
func (s stand) asked() map[string]int {
	asked := map[string]int{}
	for _, r := range s.kube.Requests() {
		asked[r.String()]++
	}
	for _, name := range awstest.Names(s.aws.Requests()) {
		if strings.HasPrefix(name, "sts:") {
			asked[name]++
		}
	}
	return asked
}

func TestFiftyProcessesWithAColdCacheShareOneExchange(t *testing.T) {
	s := newStand(t)
	answers := make([]string, 50)
	var wait sync.WaitGroup
	for i := range answers {
		wait.Go(func() {
			out, errOut, err := s.run(t.Context(), "credential-process", "--context=world", "--namespace=shop", "--service-account=cart",
				"--role-arn="+s.plan.RoleARN(), "--audience=sts.amazonaws.com", "--issuer="+s.plan.Issuer)
			if err != nil || errOut != "" {
				t.Errorf("%v: %s", err, errOut)
			}
			answers[i] = out
		})
	}
	wait.Wait()
	for _, answer := range answers {
		if answer == "" || answer != answers[0] {
			t.Fatal("not all were answered alike")
		}
	}
	want := map[string]int{"create serviceaccounts/token shop/cart": 1, "sts:AssumeRoleWithWebIdentity": 1}
	if diff := cmp.Diff(want, s.asked()); diff != "" {
		t.Errorf("what was asked (-want +got):\n%s", diff)
	}
}

func TestTwentyFourLoginsAtOnceWriteTwentyFourProfiles(t *testing.T) {
	s := newStand(t)
	const mine = "# mine\n[default]\nregion = eu-west-1   \n\n[profile work]\nsso_session=corp\n# the end\n"
	dir := filepath.Join(s.home, ".aws")
	config := filepath.Join(dir, "config")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(config, []byte(mine), 0o600); err != nil {
		t.Fatal(err)
	}
	modes := []string{"process", "static", "token-file"}
	var wait sync.WaitGroup
	for i := range 24 {
		wait.Go(func() {
			if _, errOut, err := s.run(t.Context(), "login", "cart", "--region=us-east-1", "-q",
				fmt.Sprintf("--profile=p%02d", i), "--mode="+modes[i%len(modes)]); err != nil {
				t.Errorf("%v: %s", err, errOut)
			}
		})
	}
	wait.Wait()
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(string(text), mine) {
		t.Errorf("the user's own lines changed:\n%s", text)
	}
	file, err := awsconfig.Read(config)
	if err != nil {
		t.Fatal(err)
	}
	if got := len(file.Profiles()); got != 26 {
		t.Errorf("%d profiles, not 24 and the user's two", got)
	}
	if _, errOut, err := s.run(t.Context(), "logout", "--all"); err != nil {
		t.Fatal(errOut)
	}
	if text, err = os.ReadFile(config); err != nil || string(text) != mine {
		t.Errorf("after logout, %v:\n%s", err, text)
	}
	noLeftovers(t, dir, "config")
}

// noLeftovers fails where a folder holds more than the files named and our lock.
func noLeftovers(t *testing.T, dir string, files ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var left []string
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".lock") {
			left = append(left, e.Name())
		}
	}
	if diff := cmp.Diff(files, left); diff != "" {
		t.Errorf("what is left in %s (-want +got):\n%s", dir, diff)
	}
}

// A login that looks at the ServiceAccount does so on the connection of its
// TokenRequest: one handshake with each server, whatever is open.
func TestALoginOpensOneConnectionToEachServer(t *testing.T) {
	for name, args := range map[string][]string{
		"role and audience are named":         {"--role-arn=arn:aws:iam::111122223333:role/cart", "--audience=sts.amazonaws.com"},
		"both come from the annotations":      nil,
		"the audience comes from the default": {"--role-arn=arn:aws:iam::111122223333:role/cart"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStand(t)
			kube, aws := counting(t, s.kube.URL), counting(t, s.aws.TLSURL)
			path := filepath.Join(s.dir, "kubeconfig")
			config, err := clientcmd.LoadFromFile(path)
			if err != nil {
				t.Fatal(err)
			}
			config.Clusters["world"].Server = kube.url
			if err := clientcmd.WriteToFile(*config, path); err != nil {
				t.Fatal(err)
			}
			if _, errOut, err := s.run(t.Context(), append([]string{"login", "cart", "--sts-endpoint-url=" + aws.url}, args...)...); err != nil {
				t.Fatal(errOut)
			}
			if got := []int64{kube.count.Load(), aws.count.Load()}; !cmp.Equal(got, []int64{1, 1}) {
				t.Errorf("connections to the cluster and to STS: %v", got)
			}
		})
	}
}

// counter is a way to a server that counts connections.
type counter struct {
	url   string
	count atomic.Int64
}

func counting(t *testing.T, url string) *counter {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &counter{url: "https://" + listener.Addr().String()}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			c.count.Add(1)
			go join(near, strings.TrimPrefix(url, "https://"))
		}
	}()
	return c
}

func join(near net.Conn, address string) {
	defer near.Close()
	far, err := net.Dial("tcp", address)
	if err != nil {
		return
	}
	defer far.Close()
	done := make(chan struct{}, 2)
	for _, pair := range [][2]net.Conn{{near, far}, {far, near}} {
		go func() {
			buffer := make([]byte, 16<<10)
			for {
				n, err := pair[0].Read(buffer)
				if _, werr := pair[1].Write(buffer[:n]); err != nil || werr != nil {
					break
				}
			}
			done <- struct{}{}
		}()
	}
	<-done
}
