package awstest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// scope is what an Authorization header of Signature Version 4 says.
type scope struct {
	keyID, date, region, service, signature string
	headers                                 []string
}

const algorithm = "AWS4-HMAC-SHA256"

func parseAuthorization(header string) scope {
	rest, ok := strings.CutPrefix(header, algorithm+" ")
	if !ok {
		return scope{}
	}
	var sc scope
	for field := range strings.SplitSeq(rest, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(field), "=")
		switch name {
		case "Credential":
			if p := strings.Split(value, "/"); len(p) == 5 {
				sc.keyID, sc.date, sc.region, sc.service = p[0], p[1], p[2], p[3]
			}
		case "SignedHeaders":
			sc.headers = strings.Split(value, ";")
		case "Signature":
			sc.signature = value
		}
	}
	return sc
}

// authenticate finds out who signed the request and whether it was really they.
// An unsigned request stays anonymous.
func (c *call) authenticate() error {
	if c.scope.keyID == "" {
		if c.r.Header.Get("Authorization") != "" {
			return refuse(http.StatusBadRequest, "IncompleteSignature", "Authorization header requires 'Credential' parameter.")
		}
		return nil
	}
	k := c.s.keyOf(c.scope.keyID)
	if k == nil || c.r.Header.Get("X-Amz-Security-Token") != k.token {
		if c.service == "s3" && k == nil {
			return refuse(http.StatusForbidden, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.")
		}
		if c.service == "s3" {
			return refuse(http.StatusBadRequest, "InvalidToken", "The provided token is malformed or otherwise invalid.")
		}
		return refuse(http.StatusForbidden, "InvalidClientTokenId", "The security token included in the request is invalid.")
	}
	if e := c.checkScope(); e != nil {
		return e
	}
	if e := c.checkDate(); e != nil {
		return e
	}
	if e := c.checkSignature(k); e != nil {
		return e
	}
	if !k.expires.IsZero() && !c.now().Before(k.expires) {
		if c.service == "s3" {
			return refuse(http.StatusBadRequest, "ExpiredToken", "The provided token has expired.")
		}
		return refuse(http.StatusForbidden, "ExpiredToken", "The security token included in the request is expired")
	}
	c.key = k
	return c.unchunk()
}

// checkScope refuses a region other than the service's own: IAM is signed for the
// partition's first region, STS and S3 for the one in their host name.
func (c *call) checkScope() *apiError {
	want := ""
	switch c.service {
	case "iam":
		want = globalRegion(c.s.opts.Partition)
	default:
		want = c.hostRegion()
	}
	switch {
	case c.scope.service != c.service:
		return refuse(http.StatusForbidden, "SignatureDoesNotMatch", "Credential should be scoped to correct service: '"+c.service+"'. ")
	case want == "" || c.scope.region == want:
		return nil
	case c.service == "s3":
		e := refuse(http.StatusBadRequest, "AuthorizationHeaderMalformed",
			"The authorization header is malformed; the region '%s' is wrong; expecting '%s'", c.scope.region, want)
		e.extra = []node{tx("Region", "%s", want)}
		return e
	}
	return refuse(http.StatusForbidden, "SignatureDoesNotMatch", "Credential should be scoped to a valid region. ")
}

// hostRegion is the region in a true host name, empty for any other.
func (c *call) hostRegion() string {
	host, _, _ := strings.Cut(strings.ToLower(c.r.Host), ":")
	if !isAWSHost(host) {
		return ""
	}
	labels := slices.DeleteFunc(strings.Split(host, "."), func(label string) bool { return label == "dualstack" })
	for i, label := range labels {
		if (label == c.service || label == c.service+"-control") && i+1 < len(labels) && labels[i+1] != "amazonaws" {
			return labels[i+1]
		}
	}
	return globalRegion(c.s.opts.Partition)
}

const maxSkew = 15 * time.Minute

func (c *call) checkDate() *apiError {
	const layout = "20060102T150405Z"
	sent := c.r.Header.Get("X-Amz-Date")
	at, err := time.Parse(layout, sent)
	if err != nil || !strings.HasPrefix(sent, c.scope.date) {
		return refuse(http.StatusForbidden, "SignatureDoesNotMatch", "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP")
	}
	now := c.now()
	skew := now.Sub(at)
	if skew.Abs() <= maxSkew {
		return nil
	}
	if c.service == "s3" {
		e := refuse(http.StatusForbidden, "RequestTimeTooSkewed", "The difference between the request time and the current time is too large.")
		e.extra = []node{tx("RequestTime", "%s", sent), tx("ServerTime", "%s", now.UTC().Format(time.RFC3339))}
		return e
	}
	if skew > 0 {
		return refuse(http.StatusForbidden, "SignatureDoesNotMatch", "Signature expired: %s is now earlier than %s (%s - 15 min.)",
			sent, now.Add(-maxSkew).UTC().Format(layout), now.UTC().Format(layout))
	}
	return refuse(http.StatusForbidden, "SignatureDoesNotMatch", "Signature not yet current: %s is still later than %s (%s + 15 min.)",
		sent, now.Add(maxSkew).UTC().Format(layout), now.UTC().Format(layout))
}

// checkSignature computes the signature again (IAM User Guide, "Create a signed
// AWS API request") and compares.
func (c *call) checkSignature(k *accessKey) *apiError {
	mismatch := refuse(http.StatusForbidden, "SignatureDoesNotMatch",
		"The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.")
	sum := sha256.Sum256(c.body)
	payload := hex.EncodeToString(sum[:])
	if declared := c.r.Header.Get("X-Amz-Content-Sha256"); declared != "" && declared != payload {
		if c.service != "s3" || len(declared) == len(payload) {
			return refuse(http.StatusBadRequest, "XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' header does not match what was computed.")
		}
		payload = declared // UNSIGNED-PAYLOAD and its kin
	}
	if !slices.Contains(c.scope.headers, "host") {
		return mismatch
	}
	canonical := strings.Join([]string{
		c.r.Method, c.canonicalPath(), canonicalQuery(c.r.URL.Query()), c.canonicalHeaders(),
		strings.Join(c.scope.headers, ";"), payload,
	}, "\n")
	credential := strings.Join([]string{c.scope.date, c.scope.region, c.scope.service, "aws4_request"}, "/")
	hashed := sha256.Sum256([]byte(canonical))
	toSign := strings.Join([]string{algorithm, c.r.Header.Get("X-Amz-Date"), credential, hex.EncodeToString(hashed[:])}, "\n")
	secret := []byte("AWS4" + k.secret)
	for part := range strings.SplitSeq(credential, "/") {
		secret = mac(secret, part)
	}
	want := hex.EncodeToString(mac(secret, toSign))
	if !hmac.Equal([]byte(want), []byte(c.scope.signature)) {
		return mismatch
	}
	return nil
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

// canonicalPath is the path encoded once for S3 and twice for the others.
func (c *call) canonicalPath() string {
	path := c.r.URL.EscapedPath()
	if path == "" {
		return "/"
	}
	decoded, err := url.PathUnescape(path)
	if err != nil {
		return path
	}
	once := encodeSegments(decoded)
	if c.service == "s3" {
		return once
	}
	return encodeSegments(once)
}

func encodeSegments(path string) string {
	parts := strings.Split(path, "/")
	for i, p := range parts {
		parts[i] = uriEncode(p)
	}
	return strings.Join(parts, "/")
}

func canonicalQuery(query url.Values) string {
	var pairs []string
	for name, values := range query {
		for _, v := range values {
			// Sorted by name first: a NUL sorts before any character of a longer name.
			pairs = append(pairs, uriEncode(name)+"\x00"+uriEncode(v))
		}
	}
	slices.Sort(pairs)
	return strings.ReplaceAll(strings.Join(pairs, "&"), "\x00", "=")
}

func (c *call) canonicalHeaders() string {
	var b strings.Builder
	for _, name := range c.scope.headers {
		values := slices.Clone(c.r.Header.Values(name))
		switch name {
		case "host":
			values = []string{c.r.Host}
		case "content-length":
			values = []string{c.r.Header.Get("Content-Length")}
			if values[0] == "" {
				values[0] = contentLength(c.r)
			}
		}
		for i, v := range values {
			values[i] = strings.Join(strings.Fields(v), " ")
		}
		b.WriteString(name + ":" + strings.Join(values, ",") + "\n")
	}
	return b.String()
}

// uriEncode leaves only RFC 3986's unreserved characters as they are.
func uriEncode(s string) string {
	return strings.NewReplacer("+", "%20", "%7E", "~", "*", "%2A").Replace(url.QueryEscape(s))
}
