package awstest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/awstest/fault"
)

// maxBody is more than any request of the operations here may carry.
const maxBody = 16 << 20

// call is one request on its way through the server.
type call struct {
	s       *Server
	r       *http.Request
	id      string // request id
	service string // sts, iam, s3
	action  string
	form    url.Values // parameters of STS and IAM, query of S3
	body    []byte     // as sent; of S3 without aws-chunked framing
	scope   scope      // what the request was signed for; zero where it was not
	key     *accessKey // who signed; nil is anonymous

	bucket, object string // of S3
	op             *s3Operation
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodConnect {
		s.tunnel(w, r)
		return
	}
	c := &call{s: s, r: r, id: requestID()}
	struck, a, e := c.answer()
	s.note(c, struck, a, e)
	if a == nil || struck != nil && struck.Kind == fault.Lost {
		panic(http.ErrAbortHandler) // cuts the connection, or resets the HTTP/2 stream
	}
	h := w.Header()
	for name, values := range a.header {
		h[name] = values
	}
	h.Set("Date", s.Faults.dateHeader())
	if c.service == "s3" {
		h.Set("X-Amz-Request-Id", c.id)
		h.Set("Server", "AmazonS3")
	} else {
		h.Set("X-Amzn-Requestid", c.id)
	}
	w.WriteHeader(a.status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(a.body) // a client that has gone needs no answer
	}
}

// answer is what the request deserves, and the fault that struck on the way.
func (c *call) answer() (*Fault, *answer, *apiError) {
	if e := c.read(); e != nil {
		return nil, errorAnswer(c, e), e
	}
	authErr := c.authenticate()
	struck := c.s.Faults.strike(c.service, c.action)
	if struck != nil {
		if !fault.Wait(c.r.Context(), struck.Delay) {
			return struck, nil, nil
		}
		switch struck.Kind {
		case fault.Hang:
			<-c.r.Context().Done()
			return struck, nil, nil
		case fault.Reset:
			return struck, nil, nil
		case fault.HTML:
			setDefault(&struck.Status, http.StatusOK)
			a := newAnswer(struck.Status)
			a.header.Set("Content-Type", "text/html; charset=utf-8")
			a.body = []byte(fault.Page)
			return struck, a, nil
		case fault.Error:
			e := c.refusedBy(struck)
			return struck, errorAnswer(c, e), e
		}
	}
	a, err := c.handle(authErr)
	if err != nil {
		var e *apiError
		if !errors.As(err, &e) {
			e = refuse(http.StatusInternalServerError, "InternalFailure", err.Error())
		}
		return struck, errorAnswer(c, e), e
	}
	return struck, a, nil
}

// read finds out which operation of which service the request is.
func (c *call) read() *apiError {
	body, err := io.ReadAll(io.LimitReader(c.r.Body, maxBody+1))
	if err != nil || len(body) > maxBody {
		c.service = "s3"
		return refuse(http.StatusBadRequest, "RequestTimeout", "The request body could not be read.")
	}
	c.body = body
	c.scope = parseAuthorization(c.r.Header.Get("Authorization"))
	c.form = c.r.URL.Query()
	if strings.HasPrefix(c.r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		if posted, err := url.ParseQuery(string(body)); err == nil && posted.Has("Action") {
			c.form = posted
		}
	}
	c.service = c.whichService()
	c.action = c.form.Get("Action")
	if c.service == "s3" {
		c.routeS3()
	}
	return nil
}

func (c *call) whichService() string {
	host := strings.ToLower(c.r.Host)
	if h, _, ok := strings.Cut(host, ":"); ok {
		host = h
	}
	if isAWSHost(host) {
		switch first, _, _ := strings.Cut(host, "."); {
		case first == "sts":
			return "sts"
		case first == "iam":
			return "iam"
		}
		return "s3"
	}
	if s := c.scope.service; s == "sts" || s == "iam" || s == "s3" {
		return s
	}
	switch c.form.Get("Version") {
	case "2011-06-15":
		return "sts"
	case "2010-05-08":
		return "iam"
	}
	return "s3"
}

// refusedBy words a fault; the names in it are read under the lock.
func (c *call) refusedBy(struck *Fault) *apiError {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	return struck.refusal(c)
}

func (c *call) handle(authErr error) (*answer, error) {
	if authErr != nil {
		return nil, authErr
	}
	switch c.service {
	case "sts":
		return c.handleSTS()
	case "iam":
		return c.handleIAM()
	}
	return c.handleS3()
}

// now is AWS's clock.
func (c *call) now() time.Time { return c.s.now() }

func unknownAction(c *call) *apiError {
	return refuse(http.StatusBadRequest, "InvalidAction",
		"Could not find operation %s for version %s", c.action, c.form.Get("Version"))
}

// deniedText is how AWS words that the caller may not do this. The lock is held.
func deniedText(c *call) string {
	switch {
	case c.service == "sts" && c.action == "AssumeRoleWithWebIdentity":
		return notAuthorized
	case c.key == nil && c.service == "s3":
		return "Access Denied"
	case c.key == nil:
		who := "anonymous"
		if k := c.s.keys[c.scope.keyID]; k != nil {
			who = k.arn
		}
		return fmt.Sprintf("User: %s is not authorized to perform: %s:%s", who, c.service, c.action)
	}
	permission, resource := c.permission()
	return fmt.Sprintf("User: %s is not authorized to perform: %s on resource: %s because no identity-based policy allows the %s action",
		c.key.arn, permission, c.quoteResource(resource), permission)
}

func (c *call) quoteResource(arn string) string {
	if c.service == "s3" {
		return `"` + arn + `"`
	}
	return arn
}

func (s *Server) keyOf(id string) *accessKey {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.keys[id]
}

func (s *Server) note(c *call, struck *Fault, a *answer, e *apiError) {
	q := Request{
		Service: c.service, Action: c.action, Params: redactParams(c.form),
		Signed: c.scope.keyID != "", AccessKeyID: c.scope.keyID, Region: c.scope.region,
		Method: c.r.Method, Host: c.r.Host, Path: c.r.URL.EscapedPath(), Proto: c.r.Proto,
		Header: redactHeader(c.r.Header), Time: c.now(),
	}
	if c.service == "s3" {
		q.Params = map[string]string{"Bucket": c.bucket}
		if c.object != "" {
			q.Params["Key"] = c.object
		}
		if c.r.URL.RawQuery != "" {
			q.Path += "?" + c.r.URL.RawQuery
		}
	}
	if k := s.keyOf(c.scope.keyID); k != nil {
		q.ARN = k.arn
		q.Permissions = c.permissions()
	}
	if struck != nil {
		q.Fault = string(struck.Kind)
	}
	if a != nil && (struck == nil || struck.Kind != fault.Lost) {
		q.Status = a.status
	}
	if e != nil {
		q.Code = e.code
	}
	s.record.add(q)
	if s.opts.Log != nil {
		var line bytes.Buffer
		fmt.Fprintf(&line, "%s %s status=%d", q.Time.UTC().Format(time.RFC3339), q.Name(), q.Status)
		for _, field := range [][2]string{{"code", q.Code}, {"fault", q.Fault}, {"by", q.ARN},
			{"bucket", q.Params["Bucket"]}, {"key", q.Params["Key"]}, {"role", q.Params["RoleArn"] + q.Params["RoleName"]}} {
			if field[1] != "" {
				fmt.Fprintf(&line, " %s=%s", field[0], field[1])
			}
		}
		line.WriteByte('\n')
		s.record.logging.Lock() // not mu: a log may ask for the record
		defer s.record.logging.Unlock()
		_, _ = s.opts.Log.Write(line.Bytes())
	}
}
