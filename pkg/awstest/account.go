package awstest

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// Account is one AWS account of the double.
type Account struct {
	// ID has twelve digits by default, Partition is aws, aws-cn, aws-us-gov or aws-eusc.
	ID, Partition string
	// Admin may do everything in the account.
	Admin aws.CredentialsProvider

	server    *Server
	providers map[string]*provider // by ARN
	roles     map[string]*role     // by name
	block     publicAccessBlock    // of the account; all off by default
}

// accessKey is what a request can be signed with.
type accessKey struct {
	id, secret, token string
	account           *Account
	arn, userID       string
	expires           time.Time // zero: never
	policies          []string  // identity policies; nil for the administrator
	admin             bool
	role              *role    // of a session
	sessionPolicies   []string // of a session; the session may do no more than these
}

// AddAccount adds an account with an administrator. An id that exists already
// gives the account that has it; an empty partition means aws.
func (s *Server) AddAccount(id, partition string) *Account {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a, ok := s.accounts[id]; ok {
		return a
	}
	setDefault(&partition, "aws")
	a := &Account{
		ID: id, Partition: partition, server: s,
		providers: map[string]*provider{}, roles: map[string]*role{},
	}
	s.accounts[id] = a
	key := s.newKey("AKIA", a, a.arn("iam", "user/admin"))
	key.admin, key.userID = true, s.uniqueID("AIDA")
	a.Admin = staticCredentials{key}
	return a
}

// AddUser adds an IAM user who may do what the policy documents say, and returns
// the user's credentials.
func (a *Account) AddUser(name string, policies ...string) aws.CredentialsProvider {
	a.server.mu.Lock()
	defer a.server.mu.Unlock()
	key := a.server.newKey("AKIA", a, a.arn("iam", "user/"+name))
	key.policies, key.userID = policies, a.server.uniqueID("AIDA")
	return staticCredentials{key}
}

// arn is the name of something without a region in the account.
func (a *Account) arn(service, resource string) string {
	return fmt.Sprintf("arn:%s:%s::%s:%s", a.Partition, service, a.ID, resource)
}

// newKey makes an access key; the caller holds s.mu, or nobody knows s yet.
func (s *Server) newKey(prefix string, a *Account, arn string) *accessKey {
	k := &accessKey{id: s.uniqueID(prefix), secret: randomText(30), account: a, arn: arn}
	if prefix == "ASIA" {
		k.token = randomText(300)
	}
	s.keys[k.id] = k
	return k
}

// uniqueID is an identifier as IAM makes them: 20 letters and digits for an access
// key, 21 for anything else, the prefix included.
func (s *Server) uniqueID(prefix string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
	b := make([]byte, 17)
	if prefix == "AKIA" || prefix == "ASIA" {
		b = b[:16]
	}
	_, _ = rand.Read(b) // never fails since Go 1.24
	id := []byte(prefix)
	for _, c := range b {
		id = append(id, alphabet[c%32])
	}
	return string(id)
}

func randomText(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails since Go 1.24
	return base64.StdEncoding.EncodeToString(b)
}

func requestID() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // never fails since Go 1.24
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

type staticCredentials struct{ key *accessKey }

// Retrieve implements aws.CredentialsProvider.
func (c staticCredentials) Retrieve(context.Context) (aws.Credentials, error) {
	return aws.Credentials{
		AccessKeyID: c.key.id, SecretAccessKey: c.key.secret, SessionToken: c.key.token,
		Source: "awstest", AccountID: c.key.account.ID,
	}, nil
}

// arnParts are the pieces of arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE.
type arnParts struct{ partition, service, region, account, resource string }

func parseARN(arn string) (arnParts, bool) {
	p := strings.SplitN(arn, ":", 6)
	if len(p) != 6 || p[0] != "arn" || p[1] == "" || p[2] == "" || p[5] == "" {
		return arnParts{}, false
	}
	return arnParts{p[1], p[2], p[3], p[4], p[5]}, true
}
