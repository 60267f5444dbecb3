package main

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"sync"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/awstest"
	"github.com/kubectl-irsa/kubectl-irsa/test/world/awsplane"
	"github.com/kubectl-irsa/kubectl-irsa/test/world/requestlog"
)

// startDouble has pkg/awstest stand in for AWS where there are no namespaces.
// Its proxy gives a command the true names of AWS, so that the issuer and the
// set-up are those of a private world.
func (w *world) startDouble(ctx context.Context) error {
	record := &doubleRecord{to: w.record}
	server, err := awstest.Start(ctx, awstest.Options{AccountID: awsplane.Account, Region: awsplane.Region, Log: record})
	if err != nil {
		return err
	}
	record.follow(server)
	admin, err := server.Account.Admin.Retrieve(ctx)
	if err != nil {
		return fmt.Errorf("asking the AWS double for its administrator: %w", err)
	}
	w.plan.Client, w.plan.Credentials = server.Client(), server.Account.Admin
	w.proxy = []string{
		"HTTPS_PROXY=" + server.URL, "https_proxy=" + server.URL,
		"NO_PROXY=127.0.0.1,localhost", "no_proxy=127.0.0.1,localhost",
	}
	return w.introduce(server.CAPEM, admin.AccessKeyID, admin.SecretAccessKey)
}

// doubleRecord is told by the double whenever a request is answered, and copies
// what is new to a world's record.
type doubleRecord struct {
	mu     sync.Mutex
	to     *requestlog.Writer
	server *awstest.Server
	copied int
}

func (d *doubleRecord) follow(server *awstest.Server) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.server = server
}

// Write takes a line of the double's log, as a sign that there is one more.
func (d *doubleRecord) Write(line []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.server == nil {
		return len(line), nil
	}
	requests := d.server.Requests()
	for ; d.copied < len(requests); d.copied++ {
		if err := d.to.Write(translated(requests[d.copied])); err != nil {
			return 0, err
		}
	}
	return len(line), nil
}

// translated is a request as a world records it.
func translated(r awstest.Request) requestlog.Request {
	path, rawQuery, _ := strings.Cut(r.Path, "?")
	out := requestlog.Request{
		Time: r.Time.UTC(), Method: r.Method, Host: r.Host, Path: path, Signed: r.Signed,
		Session: r.Header.Get("X-Amz-Security-Token") != "", UserAgent: r.Header.Get("User-Agent"), Status: r.Status,
	}
	if query, err := url.ParseQuery(rawQuery); err == nil && rawQuery != "" {
		out.Query = requestlog.Censored(query)
	}
	if r.Service == "sts" || r.Service == "iam" {
		form := url.Values{"Action": {r.Action}}
		for name, value := range r.Params {
			form.Set(name, value)
		}
		out.Action, out.Form = r.Action, requestlog.Censored(form)
	}
	return out
}
