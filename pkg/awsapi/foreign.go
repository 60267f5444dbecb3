package awsapi

import (
	"errors"
	"strings"

	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// Foreign reports whether the refusal err is the answer of a server that takes
// the place of AWS: it says its own name, or does not number its answers as AWS
// does. Where nobody answered, nobody is foreign.
func Foreign(err error) bool {
	response, ok := errors.AsType[*smithyhttp.ResponseError](err)
	if !ok || response.Response == nil || response.Response.Response == nil {
		return false
	}
	header := response.Response.Header
	server := strings.ToLower(header.Get("Server"))
	return strings.Contains(server, "versitygw") || strings.Contains(server, "minio") || header.Get("X-Amzn-Requestid") == ""
}
