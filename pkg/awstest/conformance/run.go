package conformance

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/awstest"
)

// Result is how a server answered to one case.
type Result struct {
	Case Case
	// Got is its answer; Want is the answer it is known to give.
	Got, Want Answer
	// Fault says what else is wrong with a session, such as a field of the answer
	// that does not fit the request; empty for none.
	Fault string
}

// Agrees reports whether the server answered as the table says.
func (r Result) Agrees() bool {
	if r.Fault != "" || r.Got.Status != r.Want.Status || r.Got.Code != r.Want.Code {
		return false
	}
	return r.Got.Message == r.Want.Message || r.Want.Message != "" && fits(r.Want.Message, r.Got.Message)
}

// fits compares with a text in which * is any text.
func fits(pattern, text string) bool {
	first, rest, open := strings.Cut(pattern, "*")
	text, ok := strings.CutPrefix(text, first)
	if !ok || !open {
		return ok && text == ""
	}
	for i := 0; i <= len(text); i++ {
		if fits(rest, text[i:]) {
			return true
		}
	}
	return false
}

// Run makes the fixture on a server, tries every case, and removes the fixture.
// The error says that the cases could not be tried or that something stayed
// behind; answers other than expected are no error but a Result.
func Run(ctx context.Context, t Target) (results []Result, err error) {
	f, err := newFixture(t)
	if err != nil {
		return nil, fmt.Errorf("preparing the conformance cases: %w", err)
	}
	defer func() {
		if cleanErr := f.remove(context.WithoutCancel(ctx)); cleanErr != nil {
			err = errors.Join(err, fmt.Errorf("removing what the conformance cases needed: %w", cleanErr))
		}
	}()
	if err := f.build(ctx); err != nil {
		return nil, fmt.Errorf("preparing the conformance cases: %w", err)
	}
	for _, c := range Cases() {
		r, err := f.try(ctx, c)
		if err != nil {
			return results, fmt.Errorf("trying %q: %w", c.Name, err)
		}
		results = append(results, r)
	}
	return results, nil
}

func (f *fixture) try(ctx context.Context, c Case) (Result, error) {
	form, err := f.form(c)
	if err != nil {
		return Result{}, err
	}
	base := f.target.STS
	if base == "" {
		base = "https://sts." + f.target.Region + ".amazonaws.com"
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/", strings.NewReader(form.Encode()))
	if err != nil {
		return Result{}, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := f.target.Client.Do(req)
	if err != nil {
		return Result{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return Result{}, err
	}
	r := Result{Case: c, Want: c.Expected(f.target.Server), Got: Answer{Status: resp.StatusCode}}
	if resp.StatusCode == http.StatusOK {
		r.Fault = f.fault(body, form)
		return r, nil
	}
	var answer struct {
		Error struct{ Code, Message string }
	}
	if err := xml.Unmarshal(body, &answer); err != nil {
		return Result{}, fmt.Errorf("reading the answer with status %d: %w", resp.StatusCode, err)
	}
	r.Got.Code, r.Got.Message = answer.Error.Code, answer.Error.Message
	return r, nil
}

// form are the parameters of a case.
func (f *fixture) form(c Case) (url.Values, error) {
	keyType := c.KeyType
	if keyType == "" {
		keyType = "RSA"
	}
	issuer := f.issuers[keyType]
	claims := issuer.Claims(namespace, account, audience)
	claims["iss"] = f.target.url(c.Issuer)
	if c.Claims != nil {
		c.Claims(claims, f.target.Now().Unix())
	}
	header := maps.Clone(c.Header)
	if c.Forged {
		header = map[string]any{"kid": issuer.KeySet().Keys[0].ID}
		issuer = f.forger
	}
	token, err := issuer.Sign(claims, header)
	if err != nil {
		return nil, err
	}
	if c.Raw != nil {
		token = c.Raw(token)
	}
	form := url.Values{
		"Action": {"AssumeRoleWithWebIdentity"}, "Version": {"2011-06-15"},
		"RoleArn": {f.roles[c.Role]}, "RoleSessionName": {"conformance"}, "WebIdentityToken": {token},
	}
	if c.Form != nil {
		c.Form(form)
	}
	return form, nil
}

// fault compares every field of a session with what was asked for.
func (f *fixture) fault(body []byte, form url.Values) string {
	var answer struct {
		XMLName xml.Name
		Result  struct {
			SubjectFromWebIdentityToken, Audience, Provider string
			AssumedRoleUser                                 struct{ Arn, AssumedRoleID string }
			Credentials                                     struct {
				AccessKeyID     string `xml:"AccessKeyId"`
				SecretAccessKey string
				SessionToken    string
				Expiration      string
			}
			PackedPolicySize *int
		} `xml:"AssumeRoleWithWebIdentityResult"`
		ResponseMetadata struct {
			RequestID string `xml:"RequestId"`
		}
	}
	if err := xml.Unmarshal(body, &answer); err != nil {
		return "the answer is not XML: " + err.Error()
	}
	role := path.Base(form.Get("RoleArn"))
	r := answer.Result
	expires, err := time.Parse(time.RFC3339, r.Credentials.Expiration)
	left := expires.Sub(f.target.Now())
	switch {
	case answer.XMLName.Space != "https://sts.amazonaws.com/doc/2011-06-15/":
		return "the namespace is " + answer.XMLName.Space
	case r.SubjectFromWebIdentityToken != awstest.Subject(namespace, account):
		return "SubjectFromWebIdentityToken is " + r.SubjectFromWebIdentityToken
	case r.Audience != audience && r.Audience != secondAudience:
		return "Audience is " + r.Audience
	case !strings.HasSuffix(r.Provider, strings.TrimPrefix(f.target.url(Good), "https://")):
		return "Provider is " + r.Provider
	case r.AssumedRoleUser.Arn != "arn:"+f.partition+":sts::"+f.account+":assumed-role/"+role+"/conformance":
		return "AssumedRoleUser is " + r.AssumedRoleUser.Arn
	case !strings.HasPrefix(r.Credentials.AccessKeyID, "ASIA"):
		return "AccessKeyId does not begin with ASIA"
	case r.Credentials.SecretAccessKey == "" || r.Credentials.SessionToken == "":
		return "the credentials are not complete"
	case err != nil || left < 59*time.Minute || left > 61*time.Minute:
		return "Expiration is " + r.Credentials.Expiration
	case form.Has("Policy") != (r.PackedPolicySize != nil):
		return "PackedPolicySize stands beside a session policy and nowhere else"
	case answer.ResponseMetadata.RequestID == "":
		return "there is no RequestId"
	}
	return ""
}
