// Package generate writes out what the plugin would do, for those who apply
// changes another way: a bash script of AWS CLI calls, Terraform, the least RBAC
// for a login and the least IAM policy for a command. It asks nobody; whoever
// calls it has read the cluster.
package generate

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/irsa"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/issuer"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/role"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/trustpolicy"
)

// A Chain is everything between an issuer and a ServiceAccount's role: what
// "setup" makes.
type Chain struct {
	Issuer   string
	Bucket   *Bucket // nil where somebody else publishes the documents
	Audience string
	Role     role.Spec
	Account  string // in which the role is to be, "" for that of whoever applies it
	// Namespace and ServiceAccount are who becomes the role; Context is that of
	// the kubeconfig, "" for the current one.
	Namespace, ServiceAccount, Context string
}

// A Bucket is where the issuer's documents are public.
type Bucket struct {
	Location issuer.Location // with a region
	// Direct says that the issuer's URL is the bucket's own, so that S3 has to
	// serve it to anybody.
	Direct    bool
	Documents []Document // the key set first
}

// A Document is one object.
type Document struct {
	Key  string
	Text []byte
}

// BucketOf puts an issuer's documents in a place of S3.
func BucketOf(docs issuer.Documents, at issuer.Location) (*Bucket, error) {
	discovery, keys, err := docs.Bytes()
	if err != nil {
		return nil, err
	}
	path, below := strings.CutPrefix(docs.Discovery.JWKSURI, strings.TrimSuffix(docs.Discovery.Issuer, "/"))
	if !below {
		return nil, fmt.Errorf("the key set's URL %s is not below the issuer %s", docs.Discovery.JWKSURI, docs.Discovery.Issuer)
	}
	keysKey := strings.TrimPrefix(path, "/")
	if at.Prefix != "" {
		keysKey = at.Prefix + "/" + keysKey
	}
	_, direct := issuer.LocationOf(docs.Discovery.Issuer)
	return &Bucket{Location: at, Direct: direct, Documents: []Document{{keysKey, keys}, {at.DiscoveryKey(), discovery}}}, nil
}

// policy lets anybody read the documents.
func (b *Bucket) policy() (string, error) {
	return issuer.PublicPolicy(b.Location.ARN(b.Documents[1].Key), b.Location.ARN(b.Documents[0].Key))
}

// tags are those of everything that is made.
func (c *Chain) tags() map[string]string { return irsa.Mark(c.Role.Tags, c.Issuer) }

// bucketTags are those of the bucket, as publishing sets them.
func (c *Chain) bucketTags() map[string]string { return irsa.Mark(nil, c.Issuer) }

// standIn is the ARN of a provider that nobody has: text that is replaced by the
// ARN that AWS gives.
const standIn = "000000000000"

// trust is the trust policy with another text in place of the provider's ARN.
func (c *Chain) trust(provider string) (string, error) {
	arn := irsa.ProviderARN("aws", standIn, c.Issuer)
	document, err := trustpolicy.New(trustpolicy.Trust{
		Provider: arn, Audience: c.Audience, Subject: irsa.Subject(c.Namespace, c.ServiceAccount),
	})
	return strings.TrimSuffix(strings.ReplaceAll(string(document), arn, provider), "\n"), err
}

// Check says what keeps a chain from being written down exactly.
func (c *Chain) Check() error {
	if strings.ContainsAny(c.Issuer, "'\"`\\$ \n") {
		return fmt.Errorf("the issuer %q has characters that no script should carry", c.Issuer)
	}
	if c.Bucket != nil && c.Bucket.Location.Region == "" {
		return errors.New("the bucket's region is not known")
	}
	return c.Role.Check()
}

func sorted(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }

// tagList are tags as the AWS CLI takes them in JSON.
func tagList(tags map[string]string) (string, error) {
	type tag struct{ Key, Value string }
	var list []tag
	for _, key := range sorted(tags) {
		list = append(list, tag{key, tags[key]})
	}
	text, err := json.Marshal(list)
	return string(text), err
}

// annotations are those of the ServiceAccount besides the role's.
func (c *Chain) annotations() []string {
	if c.Audience == irsa.DefaultAudience {
		return nil
	}
	return []string{irsa.AnnotationAudience + "=" + c.Audience}
}

// kubectl is the beginning of a command for the cluster.
func (c *Chain) kubectl() []string {
	words := []string{"kubectl"}
	if c.Context != "" {
		words = append(words, "--context", c.Context)
	}
	return append(words, "-n", c.Namespace)
}

func (c *Chain) inlineName() string {
	if c.Role.InlineName != "" {
		return c.Role.InlineName
	}
	return role.InlinePolicy
}
