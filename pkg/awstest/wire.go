package awstest

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"net/http"
	"strings"
)

// apiError is a refusal with AWS's status, code and text.
type apiError struct {
	status        int
	code, message string
	extra         []node      // further elements of an S3 error
	header        http.Header // further headers
}

func (e *apiError) Error() string { return e.code + ": " + e.message }

func refuse(status int, code, message string, args ...any) *apiError {
	if len(args) > 0 {
		message = fmt.Sprintf(message, args...)
	}
	return &apiError{status: status, code: code, message: message}
}

// node is an XML element: either text or children.
type node struct {
	name string
	text string
	kids []node
}

func el(name string, kids ...node) node { return node{name: name, kids: kids} }

func tx(name, format string, args ...any) node {
	if len(args) > 0 {
		format = fmt.Sprintf(format, args...)
	}
	return node{name: name, text: format}
}

// members is a list as the query protocol writes it.
func members[T any](name string, list []T, item func(T) node) node {
	n := node{name: name}
	for _, v := range list {
		m := item(v)
		m.name = "member"
		n.kids = append(n.kids, m)
	}
	return n
}

func (n node) write(b *bytes.Buffer, attributes string) {
	b.WriteString("<" + n.name + attributes + ">")
	_ = xml.EscapeText(b, []byte(n.text)) // a bytes.Buffer does not fail
	for _, k := range n.kids {
		k.write(b, "")
	}
	name, _, _ := strings.Cut(n.name, " ")
	b.WriteString("</" + name + ">")
}

func (n node) document(namespace string) []byte {
	var b bytes.Buffer
	attributes := ""
	if namespace != "" {
		attributes = ` xmlns="` + namespace + `"`
	}
	n.write(&b, attributes)
	b.WriteByte('\n')
	return b.Bytes()
}

// The XML namespaces of the three services.
const (
	stsNamespace = "https://sts.amazonaws.com/doc/2011-06-15/"
	iamNamespace = "https://iam.amazonaws.com/doc/2010-05-08/"
	s3Namespace  = "http://s3.amazonaws.com/doc/2006-03-01/"
)

// answer is a response in the making.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func newAnswer(status int) *answer { return &answer{status: status, header: http.Header{}} }

func xmlAnswer(status int, n node, namespace string) *answer {
	a := newAnswer(status)
	a.header.Set("Content-Type", "text/xml")
	a.body = n.document(namespace)
	return a
}

// queryAnswer wraps a result as STS and IAM do.
func queryAnswer(action, namespace, id string, result *node) *answer {
	n := el(action + "Response")
	if result != nil {
		r := *result
		r.name = action + "Result"
		n.kids = append(n.kids, r)
	}
	n.kids = append(n.kids, el("ResponseMetadata", tx("RequestId", "%s", id)))
	return xmlAnswer(http.StatusOK, n, namespace)
}

// errorAnswer writes a refusal in the form of the service.
func errorAnswer(c *call, e *apiError) *answer {
	var a *answer
	if c.service == "s3" {
		n := el("Error", tx("Code", "%s", e.code), tx("Message", "%s", e.message))
		n.kids = append(n.kids, e.extra...)
		n.kids = append(n.kids, tx("RequestId", "%s", c.id), tx("HostId", "awstest"))
		a = xmlAnswer(e.status, n, "")
		a.header.Set("Content-Type", "application/xml")
	} else {
		kind := "Sender"
		if e.status >= 500 {
			kind = "Receiver"
		}
		namespace := stsNamespace
		if c.service == "iam" {
			namespace = iamNamespace
		}
		a = xmlAnswer(e.status, el("ErrorResponse",
			el("Error", tx("Type", "%s", kind), tx("Code", "%s", e.code), tx("Message", "%s", e.message)),
			tx("RequestId", "%s", c.id)), namespace)
	}
	for name, values := range e.header {
		a.header[name] = values
	}
	return a
}
