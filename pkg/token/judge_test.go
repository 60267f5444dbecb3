package token

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	authenticationv1 "k8s.io/api/authentication/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/hint"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/kubeapi"
)

func TestATokenLivesAsLongAsAnAPIServerGrants(t *testing.T) {
	for d, good := range map[time.Duration]bool{
		10 * time.Minute: true, 10*time.Minute - time.Second: false, 5 * time.Minute: false, 0: false,
		time.Hour: true, time.Hour + time.Millisecond: false,
		1 << 32 * time.Second: true, (1<<32 + 1) * time.Second: false,
	} {
		if err := CheckDuration(d); (err == nil) != good {
			t.Errorf("%s: %v", d, err)
		}
	}
}

func TestWhatAnErrorIsAbout(t *testing.T) {
	resource := func(name string) schema.GroupResource { return schema.GroupResource{Resource: name} }
	forbidden := func(user string) error {
		return apierrors.NewForbidden(resource("serviceaccounts"), "cart", errors.New(`User "`+user+`" cannot create resource "serviceaccounts/token"`))
	}
	for name, tc := range map[string]struct {
		err             error
		gone, anonymous bool
		user            string
	}{
		"the ServiceAccount is missing": {err: apierrors.NewNotFound(resource("serviceaccounts"), "cart"), gone: true, user: "USER"},
		"the namespace is missing":      {err: apierrors.NewNotFound(resource("namespaces"), "shop"), user: "USER"},
		"a pod is missing":              {err: apierrors.NewNotFound(resource("pods"), "web"), user: "USER"},
		"nobody is known":               {err: forbidden("system:anonymous"), anonymous: true, user: "system:anonymous"},
		"somebody may not":              {err: forbidden("alice"), user: "alice"},
		"another error names nobody":    {err: errors.New(`User "system:anonymous" is a text`), user: "system:anonymous"},
		"nothing is wrong":              {user: "USER"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := NoServiceAccount(tc.err); got != tc.gone {
				t.Errorf("NoServiceAccount is %v", got)
			}
			if got := tc.err != nil && kubeapi.Anonymous(tc.err); got != tc.anonymous {
				t.Errorf("Anonymous is %v", got)
			}
			if got := kubeapi.UserOf(tc.err); got != tc.user {
				t.Errorf("UserOf is %s", got)
			}
		})
	}
}

// answers is an API server that gives this in place of a token, or this error.
type answers struct {
	request *authenticationv1.TokenRequest
	err     error
}

func (a answers) CreateToken(context.Context, string, *authenticationv1.TokenRequest, metav1.CreateOptions) (*authenticationv1.TokenRequest, error) {
	return a.request, a.err
}

func TestAnAnswerIsReadAsItIs(t *testing.T) {
	seconds := func(n int64) authenticationv1.TokenRequestSpec {
		return authenticationv1.TokenRequestSpec{ExpirationSeconds: &n}
	}
	full := authenticationv1.TokenRequestStatus{Token: "hush"}
	for name, tc := range map[string]struct {
		answer answers
		want   time.Duration
		err    string
	}{
		"what was granted":            {answers{request: &authenticationv1.TokenRequest{Spec: seconds(600), Status: full}}, 10 * time.Minute, ""},
		"more than a duration can be": {answers{request: &authenticationv1.TokenRequest{Spec: seconds(1 << 62), Status: full}}, (1<<32 - 1) * time.Second, ""},
		"nothing":                     {answers{request: &authenticationv1.TokenRequest{Spec: seconds(600)}}, 0, "the server answered the token request for serviceaccount shop/cart without a token"},
		"nobody's right to give":      {answers{err: apierrors.NewForbidden(schema.GroupResource{Resource: "serviceaccounts"}, "cart", errors.New(`User "system:anonymous" cannot`))}, 0, "this kubeconfig context presents no credentials"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Create(t.Context(), tc.answer, Request{Namespace: "shop", ServiceAccount: "cart"})
			if got.Granted != tc.want || (tc.err == "") != (err == nil) {
				t.Errorf("granted %s, error %v", got.Granted, err)
			}
			if err != nil && !strings.Contains(said(err), tc.err) {
				t.Errorf("error %s\nwant %s", said(err), tc.err)
			}
		})
	}
}

// A body is withheld however it comes to the log.
func TestABodyIsWithheldInEveryWay(t *testing.T) {
	var log bytes.Buffer
	logger := logr.FromSlogHandler(slog.NewTextHandler(&log, nil))
	quiet := logger.WithSink(bodiless{logger.GetSink()})
	quiet.Info("a", "body", "hush", "other", "told")
	quiet.Error(errors.New("e"), "b", "body", "hush")
	quiet.WithValues("body", "hush").Info("c")
	quiet.WithName("n").Info("d", "body", "hush")
	quiet.WithValues("x", "y").WithName("n").Error(nil, "e", "body", "hush")
	if text := log.String(); strings.Contains(text, "hush") || strings.Count(text, "withheld") != 5 || !strings.Contains(text, "told") {
		t.Errorf("the log:\n%s", text)
	}
}

// said is an error with its hints.
func said(err error) string { return strings.Join(append(hint.Lines(err), err.Error()), "\n") }
