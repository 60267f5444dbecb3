package awsapi

import (
	"errors"
	"net/http"
	"testing"

	smithyhttp "github.com/aws/smithy-go/transport/http"
)

func TestAServerInAWSsPlaceIsKnownByItsAnswer(t *testing.T) {
	answered := func(pairs ...string) error {
		header := http.Header{}
		for i := 0; i < len(pairs); i += 2 {
			header.Set(pairs[i], pairs[i+1])
		}
		return &smithyhttp.ResponseError{Response: &smithyhttp.Response{Response: &http.Response{Header: header}}, Err: errors.New("refused")}
	}
	for name, tc := range map[string]struct {
		err  error
		want bool
	}{
		"AWS numbers its answers":          {answered("x-amzn-RequestId", "1"), false},
		"VersityGW does, and says who":     {answered("x-amzn-RequestId", "1", "Server", "VERSITYGW"), true},
		"MinIO numbers them as S3 does":    {answered("x-amz-request-id", "1", "Server", "MinIO"), true},
		"a server that does not":           {answered("Server", "nginx"), true},
		"nobody who answered is anybody's": {errors.New("no such host"), false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Foreign(tc.err); got != tc.want {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
}
