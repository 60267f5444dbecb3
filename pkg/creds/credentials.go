// Package creds turns a ServiceAccount into AWS credentials: the exchange of a
// token at STS, the cache that saves the next one, and the document that
// credential_process prints.
package creds

import (
	"encoding/json"
	"fmt"
	"io"
	"time"
)

// Credentials are one session of a role. Printing the struct does not show its
// secrets.
type Credentials struct {
	AccessKeyID     string    `json:"accessKeyId"`
	SecretAccessKey string    `json:"secretAccessKey"`
	SessionToken    string    `json:"sessionToken"`
	Expiration      time.Time `json:"expiration"`
	Issued          time.Time `json:"issued"`
	AccountID       string    `json:"accountId"`
	RoleSessionARN  string    `json:"roleSessionArn"` // arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION
}

// String names the credentials without their secrets.
func (c Credentials) String() string {
	return fmt.Sprintf("credentials of %s until %s", c.RoleSessionARN, c.Expiration.UTC().Format(time.RFC3339))
}

// GoString keeps %#v from showing the secrets.
func (c Credentials) GoString() string { return c.String() }

// Sessions of half an hour or less are renewed in their last third, longer
// ones a quarter of an hour before they end: the AWS CLI asks again on every
// call from that moment on.
const (
	shortSession = 30 * time.Minute
	margin       = 15 * time.Minute
)

// Fresh reports whether there is enough life left at now to hand c out again to
// somebody who asks anew before the end.
func (c Credentials) Fresh(now time.Time) bool {
	life := c.Expiration.Sub(c.Issued)
	keep := margin
	if life <= shortSession {
		keep = life / 3
	}
	return c.Expiration.Sub(now) > keep
}

// Lasting reports whether at least half of the session is left at now: enough for
// a program that cannot renew c.
func (c Credentials) Lasting(now time.Time) bool {
	return c.Expiration.Sub(now) >= c.Expiration.Sub(c.Issued)/2
}

// processDocument is version 1 of what a credential_process prints:
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html.
type processDocument struct {
	Version         int
	AccessKeyID     string `json:"AccessKeyId"`
	SecretAccessKey string
	SessionToken    string
	Expiration      string // RFC 3339; the SDKs refuse a number
	AccountID       string `json:"AccountId,omitempty"`
}

// WriteProcess prints c as credential_process wants it.
func WriteProcess(w io.Writer, c Credentials) error {
	return json.NewEncoder(w).Encode(processDocument{
		Version:         1,
		AccessKeyID:     c.AccessKeyID,
		SecretAccessKey: c.SecretAccessKey,
		SessionToken:    c.SessionToken,
		Expiration:      c.Expiration.UTC().Format(time.RFC3339),
		AccountID:       c.AccountID,
	})
}
