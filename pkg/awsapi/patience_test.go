package awsapi

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// pipes is a network of one server in memory, so that time can be made up.
type pipes struct{ incoming chan net.Conn }

func (p pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case p.incoming <- theirs:
		return ours, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (p pipes) Accept() (net.Conn, error) {
	conn, open := <-p.incoming
	if !open {
		return nil, net.ErrClosed
	}
	return conn, nil
}

func (p pipes) Close() error   { return nil }
func (p pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipes"} }

// TestACallIsGivenUpInTime plays, at the patience that people get, a server that
// is mute, and servers whose answers each come in time but never end.
func TestACallIsGivenUpInTime(t *testing.T) {
	for name, tc := range map[string]struct {
		mine  time.Duration // what whoever asks gives it; 0 is for ever
		after time.Duration // which the server takes; 0 is for ever
		took  time.Duration // about, since the pause between attempts is random
		asked int
		why   string
	}{
		"a mute server is not asked again":         {0, 0, 20 * time.Second, 1, "sts.us-east-1.amazonaws.com did not answer within 20s"},
		"a slow and busy one is asked for a while": {0, 15 * time.Second, 35 * time.Second, 3, "sts.us-east-1.amazonaws.com did not answer within 35s"},
		"a busy one is asked three times":          {0, time.Second, 3 * time.Second, 3, ""},
		"whoever goes away earlier says so":        {5 * time.Second, 0, 5 * time.Second, 1, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				network, asked := pipes{make(chan net.Conn)}, 0
				server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					_, _ = io.Copy(io.Discard, r.Body)
					asked++
					if tc.after == 0 {
						<-r.Context().Done()
						return
					}
					select {
					case <-time.After(tc.after):
						w.WriteHeader(http.StatusServiceUnavailable)
					case <-r.Context().Done():
					}
				})}
				go func() { _ = server.Serve(network) }()
				client, err := NewSTS(t.Context(), STSOptions{Region: "us-east-1"})
				if err != nil {
					t.Fatal(err)
				}
				client.connection.transport.Proxy = nil
				client.connection.transport.DialTLSContext = network.dial
				ctx := t.Context()
				if tc.mine > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, tc.mine)
					defer cancel()
				}
				begun := time.Now()
				_, err = client.AssumeRoleWithWebIdentity(ctx, &sts.AssumeRoleWithWebIdentityInput{
					RoleArn: aws.String("arn:aws:iam::111122223333:role/cart"), RoleSessionName: aws.String("test"), WebIdentityToken: aws.String("token"),
				})
				if took := time.Since(begun).Round(time.Second); took < tc.took || took > tc.took+2*time.Second || asked != tc.asked {
					t.Errorf("it took %s and %d attempts, not %s and %d", took, asked, tc.took, tc.asked)
				}
				silence, silent := errors.AsType[*Silence](err)
				if silent != (tc.why != "") || silent && silence.Error() != tc.why || err == nil {
					t.Errorf("error %v", err)
				}
				client.Close()
				close(network.incoming)
				_ = server.Close()
			})
		})
	}
}
