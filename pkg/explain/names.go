package explain

import (
	"regexp"
	"strings"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/lazyregexp"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/shell"
)

// Names are what the capitals of a cause's texts stand for; "" is not known.
type Names struct {
	Namespace, ServiceAccount string
	Role, Account             string
	Issuer, Audience          string
	Action                    string // of AWS: s3:ListBucket
	User                      string // of Kubernetes, whom it refuses
}

// capitals are words of capital letters alone; AWS_ROLE_ARN is another word.
var capitals = lazyregexp.New(`\b[A-Z]{4,}\b`)

// unusual is a part of a line that only an audience of one's own needs.
var unusual = lazyregexp.New(` \[(--audience AUDIENCE)\]`)

// Fill puts the names that are known into a text.
func (n Names) Fill(text string) string {
	filled, _ := n.fill(text)
	return filled
}

// fill is Fill, and reports whether no name was left open.
func (n Names) fill(text string) (filled string, whole bool) {
	if n.Audience == "" || n.Audience == defaultAudience {
		text = unusual().ReplaceAllString(text, "")
	} else {
		text = unusual().ReplaceAllString(text, " $1")
	}
	known := map[string]string{
		"NAMESPACE": n.Namespace, "NAME": n.ServiceAccount, "ROLE": n.Role, "ACCOUNT": n.Account,
		"ISSUER": n.Issuer, "AUDIENCE": n.Audience, "ACTION": n.Action, "USER": n.User,
	}
	if n.Namespace != "" && n.ServiceAccount != "" {
		known["SUBJECT"] = subjectPrefix + n.Namespace + ":" + n.ServiceAccount
	}
	whole = true
	filled = capitals().ReplaceAllStringFunc(text, func(word string) string {
		if name := known[word]; name != "" {
			return shell.Word(name) // an annotation is anybody's text, and lines are there to be pasted
		}
		whole = false
		return word
	})
	return filled, whole
}

const (
	subjectPrefix   = "system:serviceaccount:"
	defaultAudience = "sts.amazonaws.com"
)

// What errors call things, in the words of AWS and of Kubernetes.
var (
	aRole      = lazyregexp.New(`arn:aws[a-z-]*:iam::(\d{12}):role/(?:[\x21-\x7e]*/)?([\w+=,.@-]+)`)
	aSession   = lazyregexp.New(`arn:aws[a-z-]*:sts::(\d{12}):assumed-role/([\w+=,.@-]+)/`)
	anIssuer   = lazyregexp.New(`provider found in your account for (https://[^\s"',)]+)`)
	aSubject   = lazyregexp.New(subjectPrefix + `([a-z0-9-]+):([a-z0-9.-]+)`)
	anAccount  = lazyregexp.New(`serviceaccounts? "([a-z0-9.-]+)"`)
	anAction   = lazyregexp.New(`not authorized to perform: ([a-z0-9-]+:[A-Za-z]+)`)
	aUser      = lazyregexp.New(`User "([^"]+)" cannot`)
	aNamespace = lazyregexp.New(`in the namespace "([a-z0-9-]+)"`)
)

// NamesIn are the names that a text gives away. A subject is the user that a
// refusal names, who is not always whom it is about: a name in quotes beats it.
func NamesIn(text string) Names {
	n := Names{}
	take := func(pattern func() *regexp.Regexp, into ...*string) {
		if m := pattern().FindStringSubmatch(text); m != nil {
			for i, name := range into {
				*name = strings.TrimRight(m[i+1], ".")
			}
		}
	}
	take(anIssuer, &n.Issuer)
	take(aSession, &n.Account, &n.Role)
	take(aRole, &n.Account, &n.Role)
	take(anAction, &n.Action)
	take(aUser, &n.User)
	take(aSubject, &n.Namespace, &n.ServiceAccount)
	take(anAccount, &n.ServiceAccount)
	take(aNamespace, &n.Namespace)
	return n
}
