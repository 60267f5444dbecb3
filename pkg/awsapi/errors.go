package awsapi

import (
	"errors"
	"fmt"
	"net"
	"net/url"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
)

// Code is the error code that an AWS service answered with, such as
// AccessDenied or InvalidIdentityToken; "" where none of them answered.
func Code(err error) string {
	if e, ok := errors.AsType[smithy.APIError](err); ok && e.ErrorCode() != unknownError {
		return e.ErrorCode()
	}
	return ""
}

// unknownError is the code that the SDK gives an answer in which it finds none.
const unknownError = "UnknownError"

// Message is the text that came with Code.
func Message(err error) string {
	if e, ok := errors.AsType[smithy.APIError](err); ok {
		return e.ErrorMessage()
	}
	return ""
}

// Brief is err in one line: the service's code, text and request ID where it
// answered, else what kept it from answering. The SDK's own text repeats
// itself at each layer. Credentials that are missing, or [Rejected], come with advice.
func Brief(err error) error {
	if err == nil {
		return nil
	}
	if none, ok := errors.AsType[*noCredentials](err); ok {
		return none.advised()
	}
	if refused := rejected(err); refused != nil {
		return refused
	}
	return &brief{err}
}

type brief struct{ err error }

func (b *brief) Unwrap() error { return b.err }

func (b *brief) Error() string {
	if silence, ok := errors.AsType[*Silence](b.err); ok {
		return silence.Error()
	}
	status := 0
	request := ""
	if response, ok := errors.AsType[*awshttp.ResponseError](b.err); ok {
		status, request = response.HTTPStatusCode(), response.ServiceRequestID()
	}
	if code := Code(b.err); code != "" {
		text := code
		if m := Message(b.err); m != "" {
			text += ": " + m
		}
		if request != "" {
			text += " (request " + request + ")"
		}
		return text
	}
	_, unreadable := errors.AsType[*smithy.DeserializationError](b.err)
	if _, uncoded := errors.AsType[smithy.APIError](b.err); unreadable || uncoded {
		return fmt.Sprintf("the answer (HTTP %d) is not one of AWS's", status)
	}
	if e, ok := errors.AsType[*net.OpError](b.err); ok {
		return e.Error()
	}
	if e, ok := errors.AsType[*url.Error](b.err); ok {
		return e.Err.Error()
	}
	if status != 0 {
		return fmt.Sprintf("HTTP %d", status)
	}
	return b.err.Error()
}
