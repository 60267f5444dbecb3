// Package requestlog records the requests that a world's AWS servers got, and
// reads the record back for tests that say which calls a command made.
package requestlog

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"
)

// File is the name of the log in a world's directory.
const File = "aws.log"

// A Request is what a server was asked, without its secrets.
type Request struct {
	Time      time.Time           `json:"time"`
	Remote    string              `json:"remote"`              // address and port of the client
	Method    string              `json:"method"`              // GET, POST ...
	Host      string              `json:"host"`                // as the client named it, such as sts.us-east-1.amazonaws.com
	Path      string              `json:"path"`                // escaped, with its leading slash
	Query     map[string][]string `json:"query,omitempty"`     // of the URL; secrets read "REDACTED"
	Action    string              `json:"action,omitempty"`    // of IAM and STS: AssumeRoleWithWebIdentity ...
	Form      map[string][]string `json:"form,omitempty"`      // of the body; secrets read "REDACTED"
	Signed    bool                `json:"signed"`              // carries a signature, in a header or in the URL
	Session   bool                `json:"session"`             // carries a session token
	UserAgent string              `json:"userAgent,omitempty"` // of the client
	Status    int                 `json:"status"`              // of the answer
	Error     string              `json:"error,omitempty"`     // why the server behind gave none
}

// Censored is a copy of parameters in which the values of the secret ones read
// "REDACTED".
func Censored(parameters map[string][]string) map[string][]string {
	parameters = maps.Clone(parameters)
	for name := range parameters {
		if secret(name) {
			parameters[name] = []string{"REDACTED"}
		}
	}
	return parameters
}

func secret(parameter string) bool {
	switch strings.ToLower(parameter) {
	case "webidentitytoken", "x-amz-security-token", "x-amz-signature", "x-amz-credential":
		return true
	}
	return false
}

// A Writer appends requests to a stream, one line of JSON each. It may be used
// by many goroutines. Until Begin is called it drops what it is given.
type Writer struct {
	mu  sync.Mutex
	out io.Writer
	on  bool
}

// NewWriter makes a writer to out.
func NewWriter(out io.Writer) *Writer { return &Writer{out: out} }

// Begin starts the record: what came before was the world's own doing.
func (w *Writer) Begin() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.on = true
}

// Write records r.
func (w *Writer) Write(r Request) error {
	line, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("recording a request: %w", err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.on {
		return nil
	}
	if _, err := w.out.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("recording a request: %w", err)
	}
	return nil
}

// Read reads the requests of a log from the byte offset given and returns
// the offset after the last whole line. A log that does not exist yet is empty.
func Read(path string, offset int64) ([]Request, int64, error) {
	text, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, offset, fmt.Errorf("reading the request log: %w", err)
	}
	var requests []Request
	for offset < int64(len(text)) {
		line, _, whole := strings.Cut(string(text[offset:]), "\n")
		if !whole {
			break
		}
		var r Request
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			return nil, offset, fmt.Errorf("reading the request log %s at byte %d: %w", path, offset, err)
		}
		requests = append(requests, r)
		offset += int64(len(line)) + 1
	}
	return requests, offset, nil
}

// ByServer is true of the requests by which STS itself fetches an issuer's
// documents, told by the user agent of net/http, which VersityGW
// and the double leave as it is.
func (r Request) ByServer() bool {
	return !r.Signed && r.Method == http.MethodGet && strings.HasPrefix(r.UserAgent, "Go-http-client/")
}
