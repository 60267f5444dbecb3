package kubetest

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/awstest/fault"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/oidc"
)

const (
	jwksPath     = "/openid/v1/jwks"
	minuteLeeway = time.Minute
	maxBody      = 3 << 20 // as kube-apiserver's limit for request bodies
)

// call is one request on its way through the server.
type call struct {
	s    *Server
	r    *http.Request
	body []byte
	attributes
	subresource string // of resource: token, status
	version     string // of the API group
	user        *user
	known       bool // whether the credentials are good; none at all are
}

// reply is an answer: an object to encode, or bytes as they are.
type reply struct {
	status int
	header http.Header
	object runtime.Object
	raw    []byte
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	c := &call{s: s, r: r, user: &user{}}
	c.parse()
	if u, known := s.authenticate(r); known {
		c.user, c.known = u, true
	}
	struck := s.Faults.strike(c.attributes)
	out, answered := c.answer(struck)
	s.note(c, out, answered && (struck == nil || struck.Kind != fault.Lost))
	if !answered || struck != nil && struck.Kind == fault.Lost {
		panic(http.ErrAbortHandler) // cuts the connection, or resets the HTTP/2 stream
	}
	for name, values := range out.header {
		w.Header()[name] = values
	}
	w.Header().Set("Date", s.opts.Now().Add(s.Faults.dateOffset()).UTC().Format(http.TimeFormat))
	body := out.raw
	if out.object != nil {
		var err error
		if body, err = c.encode(w, out.object); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
	}
	w.WriteHeader(out.status)
	_, _ = w.Write(body) // a client that has gone needs no answer
}

func (c *call) answer(struck *Fault) (reply, bool) {
	if struck != nil {
		if !fault.Wait(c.r.Context(), struck.Delay) {
			return reply{}, false
		}
		switch struck.Kind {
		case fault.Hang:
			<-c.r.Context().Done()
			return reply{}, false
		case fault.Reset:
			return reply{}, false
		case fault.HTML:
			return reply{
				status: http.StatusOK, header: http.Header{"Content-Type": {"text/html; charset=utf-8"}},
				raw: []byte(fault.Page),
			}, true
		case fault.Error:
			return failure(struck.status(c)), true
		}
	}
	out, err := c.handle()
	if err != nil {
		return failure(err), true
	}
	return out, true
}

func (struck *Fault) status(c *call) error {
	gr := schema.GroupResource{Group: c.group, Resource: c.kind()}
	message := struck.Message
	switch {
	case struck.Status == http.StatusForbidden && message == "":
		return c.forbidden()
	case struck.Status == http.StatusUnauthorized && message == "":
		return apierrors.NewUnauthorized("Unauthorized")
	case struck.Status == http.StatusNotFound && message == "":
		return apierrors.NewNotFound(gr, c.name)
	case message == "":
		message = "it fails on purpose"
	}
	return apierrors.NewGenericServerResponse(struck.Status, c.verb, gr, c.name, message, 0, false)
}

// failure is the Status object of an error.
func failure(err error) reply {
	var status apierrors.APIStatus
	if !errors.As(err, &status) {
		status = apierrors.NewInternalError(err)
	}
	object := status.Status()
	return reply{status: int(object.Code), object: &object}
}

func ok(object runtime.Object) reply { return reply{status: http.StatusOK, object: object} }

func (c *call) handle() (reply, error) {
	if !c.known {
		return reply{}, apierrors.NewUnauthorized("Unauthorized")
	}
	if !c.s.allowed(c.user, c.attributes) {
		return reply{}, c.forbidden()
	}
	body, err := io.ReadAll(io.LimitReader(c.r.Body, maxBody+1))
	if err != nil {
		return reply{}, apierrors.NewBadRequest("the body could not be read")
	}
	if len(body) > maxBody {
		return reply{}, apierrors.NewRequestEntityTooLargeError("limit is 3145728")
	}
	c.body = body
	if c.resource == "" {
		return c.servePath()
	}
	return c.serveResource()
}

// kind is the resource as details.kind of a Status has it: without subresource.
func (c *call) kind() string {
	kind, _, _ := strings.Cut(c.resource, "/")
	return kind
}

func (c *call) forbidden() error {
	if c.resource == "" {
		e := apierrors.NewForbidden(schema.GroupResource{}, "", errors.New(c.refusal(c.user)))
		e.ErrStatus.Message = "forbidden: " + c.refusal(c.user)
		return e
	}
	return apierrors.NewForbidden(schema.GroupResource{Group: c.group, Resource: c.kind()}, c.name, errors.New(c.refusal(c.user)))
}

// parse splits the path as kube-apiserver does.
func (c *call) parse() {
	c.path = c.r.URL.Path
	c.verb = strings.ToLower(c.r.Method)
	parts := strings.Split(strings.Trim(c.path, "/"), "/")
	switch {
	case len(parts) >= 3 && parts[0] == "api":
		c.version, parts = parts[1], parts[2:]
	case len(parts) >= 4 && parts[0] == "apis":
		c.group, c.version, parts = parts[1], parts[2], parts[3:]
	default:
		return
	}
	if parts[0] == "namespaces" && len(parts) > 2 && parts[2] != "finalize" && parts[2] != "status" {
		c.namespace, parts = parts[1], parts[2:]
	}
	c.resource = parts[0]
	if len(parts) > 1 {
		c.name = parts[1]
	}
	if c.resource == "namespaces" {
		c.namespace = c.name
	}
	if len(parts) > 2 {
		c.subresource = parts[2]
		c.resource += "/" + c.subresource
	}
	verbs := map[string]string{"GET": "get", "HEAD": "get", "POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
	c.verb = verbs[c.r.Method]
	switch {
	case c.verb == "get" && c.name == "":
		c.verb = "list"
	case c.verb == "delete" && c.name == "":
		c.verb = "deletecollection"
	}
}

// encode writes an object in the first form of Accept that is understood.
func (c *call) encode(w http.ResponseWriter, object runtime.Object) ([]byte, error) {
	mediaType := runtime.ContentTypeJSON
	for accepted := range strings.SplitSeq(c.r.Header.Get("Accept"), ",") {
		accepted, _, _ = strings.Cut(strings.TrimSpace(accepted), ";")
		if slices.Contains([]string{runtime.ContentTypeProtobuf, runtime.ContentTypeJSON, runtime.ContentTypeYAML}, accepted) {
			mediaType = accepted
			break
		}
	}
	info, _ := runtime.SerializerInfoForMediaType(scheme.Codecs.SupportedMediaTypes(), mediaType)
	w.Header().Set("Content-Type", mediaType)
	gv := schema.GroupVersion{Group: c.group, Version: c.version}
	if gv.Version == "" {
		gv.Version = "v1"
	}
	return runtime.Encode(scheme.Codecs.EncoderForVersion(info.Serializer, gv), object)
}

// decode reads the body, JSON, YAML or protobuf, into an object of a known type.
func (c *call) decode(into runtime.Object) error {
	_, _, err := scheme.Codecs.UniversalDeserializer().Decode(c.body, nil, into)
	if err != nil {
		return apierrors.NewBadRequest("the object provided is unrecognized (must be of type " +
			into.GetObjectKind().GroupVersionKind().Kind + "): " + err.Error())
	}
	return nil
}

func (c *call) servePath() (reply, error) {
	notFound := apierrors.NewGenericServerResponse(http.StatusNotFound, c.verb, schema.GroupResource{}, "", "", 0, true)
	switch strings.TrimSuffix(c.path, "/") {
	case "/version":
		return rawJSON(`{"major":"1","minor":"37","gitVersion":"v1.37.2","gitCommit":"","gitTreeState":"clean","buildDate":"2026-11-12T00:00:00Z","goVersion":"go1.26","compiler":"gc","platform":"linux/amd64"}`), nil
	case oidc.DiscoveryPath, jwksPath:
		if !strings.HasPrefix(c.s.Issuer.URL, "https://") || strings.ContainsAny(c.s.Issuer.URL, "?#") {
			return reply{}, notFound
		}
		return c.serveIssuer()
	case "/api":
		return rawJSON(`{"kind":"APIVersions","versions":["v1"],"serverAddressByClientCIDRs":[]}`), nil
	case "/apis", "/api/v1":
		return rawJSON(discoveryOf(strings.TrimSuffix(c.path, "/"))), nil
	}
	if list := discoveryOf(strings.TrimSuffix(c.path, "/")); list != "" {
		return rawJSON(list), nil
	}
	return reply{}, notFound
}

func rawJSON(text string) reply {
	return reply{status: http.StatusOK, header: http.Header{"Content-Type": {"application/json"}}, raw: []byte(text)}
}

// serveIssuer answers for the two documents as kube-apiserver does: GET only, and
// 406 for a client that takes application/json but not the key set's own type.
func (c *call) serveIssuer() (reply, error) {
	if c.r.Method != http.MethodGet {
		return reply{
			status: http.StatusMethodNotAllowed, header: http.Header{"Content-Type": {"text/plain"}, "Allow": {"GET"}},
			raw: []byte("405: Method Not Allowed"),
		}, nil
	}
	discovery := strings.TrimSuffix(c.path, "/") == oidc.DiscoveryPath
	mediaType, body := "application/jwk-set+json", c.s.Issuer.JWKS()
	if discovery {
		mediaType = "application/json"
		document, err := oidc.Discovery{
			Issuer: c.s.Issuer.URL, JWKSURI: c.s.opts.JWKSURI, ResponseTypes: []string{"id_token"},
			SubjectTypes: []string{"public"}, SigningAlgorithms: c.s.Issuer.KeySet().Algorithms(),
		}.Marshal()
		if err != nil {
			return reply{}, apierrors.NewInternalError(err)
		}
		body = document
	}
	if !accepts(c.r.Header.Get("Accept"), mediaType) {
		return reply{
			status: http.StatusNotAcceptable, header: http.Header{"Content-Type": {"text/plain"}},
			raw: []byte("406: Not Acceptable\n\nAvailable representations: " + mediaType),
		}, nil
	}
	return reply{
		status: http.StatusOK,
		header: http.Header{"Content-Type": {mediaType}, "Cache-Control": {"public, max-age=3600"}}, raw: body,
	}, nil
}

func accepts(header, mediaType string) bool {
	if header == "" {
		return true
	}
	for accepted := range strings.SplitSeq(header, ",") {
		accepted, _, _ = strings.Cut(strings.TrimSpace(accepted), ";")
		if accepted == mediaType || accepted == "*/*" || accepted == "application/*" {
			return true
		}
	}
	return false
}

func (s *Server) note(c *call, out reply, answered bool) {
	q := Request{
		Verb: c.verb, Resource: c.resource, Namespace: c.namespace, Name: c.name, Path: c.r.URL.RequestURI(),
		Proto: c.r.Proto, User: c.user.name, UserAgent: c.r.UserAgent(),
		ContentType: c.r.Header.Get("Content-Type"), Accept: c.r.Header.Get("Accept"),
	}
	if answered {
		q.Status = out.status
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, q)
}
