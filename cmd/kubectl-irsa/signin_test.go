package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/kubectl-irsa/kubectl-irsa/test/story"
)

// signIn is the story's command "signin [STATUS]": from now on a server answers
// where AWS's federation endpoint would, and AWS_ENDPOINT_URL_SIGNIN leads to
// it. It refuses what is no getSigninToken for a session of the story's STS, and
// whatever names a SessionDuration; with STATUS it refuses everything so.
func signIn(ts *testscript.TestScript, neg bool, args []string) {
	story.Arguments(ts, neg, args, 0, 1, "signin [STATUS]")
	w := worldOf(ts)
	server := httptest.NewServer(http.HandlerFunc(func(response http.ResponseWriter, r *http.Request) {
		status := http.StatusOK
		if len(args) == 1 {
			_, _ = fmt.Sscan(args[0], &status)
		} else if why := w.misplaced(r); why != "" {
			status = http.StatusBadRequest
		}
		response.WriteHeader(status)
		_, _ = fmt.Fprint(response, `{"SigninToken":"sign&in/token=="}`)
	}))
	ts.Defer(server.Close)
	ts.Setenv("AWS_ENDPOINT_URL_SIGNIN", server.URL)
}

// misplaced says what is wrong with a request for a sign-in token, "" if nothing is.
func (w *world) misplaced(r *http.Request) string {
	query := r.URL.Query()
	var session struct{ SessionID, SessionKey, SessionToken string }
	switch {
	case r.URL.Path != "/federation":
		return "the path"
	case query.Get("Action") != "getSigninToken" || query.Has("SessionDuration"):
		return "the query"
	case json.Unmarshal([]byte(query.Get("Session")), &session) != nil || session.SessionID == "":
		return "the session"
	case !slices.Contains(w.aws.Secrets(), session.SessionKey) || !slices.Contains(w.aws.Secrets(), session.SessionToken):
		return "the credentials"
	}
	return ""
}
