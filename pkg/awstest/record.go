package awstest

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// Request is what the server remembers of one request. Secrets are replaced by
// "sha256:" and their sum, in hex.
type Request struct {
	Service string // sts, iam or s3
	Action  string // operation of the API, such as PutObject
	// Params are the parameters of a query operation, or bucket and key of S3.
	Params map[string]string
	// Signed says whether the request was signed; AccessKeyID and Region are what
	// it was signed with, ARN whom the key belongs to.
	Signed bool
	// Permissions are what a signed request to IAM or S3 takes to be allowed.
	Permissions              []string
	AccessKeyID, Region, ARN string
	Method, Host, Path       string // Path with the query string
	Proto                    string // HTTP/1.1 or HTTP/2.0
	// Header is every header of the request, secrets replaced.
	Header http.Header
	Time   time.Time
	Status int    // of the answer; 0 where none was given
	Code   string // of the error, empty for success
	Fault  string // kind of the fault that struck, empty where none did
}

// Name is service:action, such as sts:AssumeRoleWithWebIdentity.
func (r Request) Name() string { return r.Service + ":" + r.Action }

// Names are the names of requests, in order: what a test usually compares.
func Names(requests []Request) []string {
	names := make([]string, 0, len(requests))
	for _, r := range requests {
		names = append(names, r.Name())
	}
	return names
}

type record struct {
	mu   sync.Mutex
	list []Request

	logging sync.Mutex // one line at a time
}

func (r *record) add(q Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.list = append(r.list, q)
}

func (r *record) all() []Request {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.list)
}

func (r *record) reset() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.list = nil
}

// Redact is how a secret appears in a Request.
func Redact(secret string) string {
	if secret == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(secret))
	return "sha256:" + hex.EncodeToString(sum[:])
}

func redactHeader(h http.Header) http.Header {
	h = maps.Clone(h)
	if h.Get("X-Amz-Security-Token") != "" {
		h.Set("X-Amz-Security-Token", Redact(h.Get("X-Amz-Security-Token")))
	}
	if auth := h.Get("Authorization"); auth != "" {
		before, _, _ := strings.Cut(auth, "Signature=")
		h.Set("Authorization", before+"Signature=redacted")
	}
	return h
}

func redactParams(form url.Values) map[string]string {
	params := map[string]string{}
	for name, values := range form {
		if name == "Action" || name == "Version" {
			continue
		}
		params[name] = strings.Join(values, ",")
		if name == "WebIdentityToken" {
			params[name] = Redact(values[0])
		}
	}
	return params
}
