package explain

import (
	"regexp"
	"strings"
)

// Names are what the capitals of a cause's texts stand for; "" is not known.
type Names struct {
	Namespace, ServiceAccount string
	Role, Account             string
	Issuer, Audience          string
}

// capitals are words of capital letters alone; AWS_ROLE_ARN is another word.
var capitals = regexp.MustCompile(`\b[A-Z]{4,}\b`)

// Fill puts the names that are known into a text.
func (n Names) Fill(text string) string {
	known := map[string]string{
		"NAMESPACE": n.Namespace, "NAME": n.ServiceAccount, "ROLE": n.Role, "ACCOUNT": n.Account,
		"ISSUER": n.Issuer, "AUDIENCE": n.Audience,
	}
	if n.Namespace != "" && n.ServiceAccount != "" {
		known["SUBJECT"] = subjectPrefix + n.Namespace + ":" + n.ServiceAccount
	}
	return capitals.ReplaceAllStringFunc(text, func(word string) string {
		if name := known[word]; name != "" {
			return name
		}
		return word
	})
}

const subjectPrefix = "system:serviceaccount:"

// What errors call things, in the words of AWS and of Kubernetes.
var (
	aRole      = regexp.MustCompile(`arn:aws[a-z-]*:iam::(\d{12}):role/(?:[\x21-\x7e]*/)?([\w+=,.@-]+)`)
	aSession   = regexp.MustCompile(`arn:aws[a-z-]*:sts::(\d{12}):assumed-role/([\w+=,.@-]+)/`)
	anIssuer   = regexp.MustCompile(`provider found in your account for (https://[^\s"',)]+)`)
	aSubject   = regexp.MustCompile(subjectPrefix + `([a-z0-9-]+):([a-z0-9.-]+)`)
	anAccount  = regexp.MustCompile(`serviceaccounts? "([a-z0-9.-]+)"`)
	aNamespace = regexp.MustCompile(`in the namespace "([a-z0-9-]+)"`)
)

// NamesIn are the names that a text gives away. A subject is the user that a
// refusal names, who is not always whom it is about: a name in quotes beats it.
func NamesIn(text string) Names {
	n := Names{}
	take := func(pattern *regexp.Regexp, into ...*string) {
		if m := pattern.FindStringSubmatch(text); m != nil {
			for i, name := range into {
				*name = strings.TrimRight(m[i+1], ".")
			}
		}
	}
	take(anIssuer, &n.Issuer)
	take(aSession, &n.Account, &n.Role)
	take(aRole, &n.Account, &n.Role)
	take(aSubject, &n.Namespace, &n.ServiceAccount)
	take(anAccount, &n.ServiceAccount)
	take(aNamespace, &n.Namespace)
	return n
}
