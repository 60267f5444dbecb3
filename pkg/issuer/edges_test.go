package issuer

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/google/go-cmp/cmp"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/awstest"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/oidc"
)

// A bucket in the wrong region is made for good, and AWS follows no redirect to it.
func TestWhereABucketIsMade(t *testing.T) {
	const asked = "ap-southeast-2"
	for name, tc := range map[string]struct {
		issuer, region string // region is that of the URL or of --to
		want           string
	}{
		"where the URL says":                                    {"https://docs.s3.eu-west-1.amazonaws.com", "eu-west-1", "eu-west-1"},
		"where --to says, for a URL elsewhere":                  {"https://oidc.example.com", "eu-west-1", "eu-west-1"},
		"where the credentials' region is, for a URL elsewhere": {"https://oidc.example.com", "", asked},
		"where the URL without a region leads":                  {"https://docs.s3.amazonaws.com", "", "us-east-1"},
		"where such a URL leads in China":                       {"https://docs.s3.amazonaws.com.cn", "", "cn-north-1"},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, RegionFor(tc.issuer, Location{Bucket: "b", Region: tc.region}, asked)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestComparingKeys(t *testing.T) {
	made := func(kid string) oidc.Key {
		private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		key, err := oidc.NewKey(&private.PublicKey)
		if err != nil {
			t.Fatal(err)
		}
		key.ID = kid
		return key
	}
	set := func(keys ...oidc.Key) oidc.KeySet { return oidc.KeySet{Keys: keys} }
	a, otherA, b := made("a"), made("a"), made("b")
	unusable := oidc.Key{ID: "c", Type: "OKP", Unusable: "its kty"}
	both, cluster, public := KeyState{"a", "ES256", true, true}, KeyState{"a", "ES256", true, false}, KeyState{"b", "ES256", false, true}
	for name, tc := range map[string]struct {
		live        oidc.KeySet
		public      *oidc.KeySet
		keys        []KeyState
		differences []string
	}{
		"the same":                               {set(a), new(set(a)), []KeyState{both}, nil},
		"listed twice by the cluster":            {set(a, a), new(set(a)), []KeyState{both}, nil},
		"more is public":                         {set(a), new(set(b, a)), []KeyState{both, public}, nil},
		"less is public":                         {set(a), new(set()), []KeyState{cluster}, []string{"key a of the cluster is not public: AWS refuses tokens that it signed"}},
		"another key is public under this kid":   {set(a), new(set(otherA)), []KeyState{cluster, {"a", "ES256", false, true}}, []string{"under kid a another key is public than the cluster's"}},
		"this one and another are, under it":     {set(a), new(set(otherA, a)), []KeyState{both, {"a", "ES256", false, true}}, nil},
		"what AWS cannot use need not be public": {set(a, unusable), new(set(a)), []KeyState{both}, nil},
		"what is public is not known":            {set(a), nil, []KeyState{cluster}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			if tc.differences == nil {
				tc.differences = []string{}
			}
			got := Compare(Live{Discovery: oidc.Discovery{Issuer: testIssuer}, Keys: tc.live}, Outside{Published: Published{Keys: tc.public}})
			if diff := cmp.Diff(tc.keys, got.Keys); diff != "" {
				t.Errorf("keys (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.differences, got.Differences); diff != "" {
				t.Errorf("differences (-want +got):\n%s", diff)
			}
		})
	}
}

// What deletes names the account whose bucket it means, in the look that says what is
// to be deleted as well.
func TestEveryCallOfAWithdrawalNamesTheOwnerItExpects(t *testing.T) {
	c := newCluster(t, testIssuer, "P-256", awstest.Options{})
	if _, err := c.publish(t, nil); err != nil {
		t.Fatal(err)
	}
	before := len(c.aws.Requests())
	config := c.aws.ConfigFor(c.as)
	at, _ := LocationOf(testIssuer)
	w := &Withdrawal{S3: s3.NewFromConfig(config), STS: sts.NewFromConfig(config), Issuer: testIssuer, Location: at, Region: "us-east-1"}
	for _, step := range w.Steps() {
		if _, _, err := step.Look(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := step.Apply(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	seen := map[string]bool{}
	for _, r := range c.aws.Requests()[before:] {
		if r.Service != "s3" || !r.Signed {
			continue
		}
		seen[r.Action] = true
		if owner := r.Header.Get("X-Amz-Expected-Bucket-Owner"); owner != c.aws.Account.ID {
			t.Errorf("%s expects owner %q", r.Action, owner)
		}
	}
	for _, action := range []string{"ListObjectsV2", "DeleteObject", "DeleteBucket"} {
		if !seen[action] {
			t.Errorf("%s was not called: %v", action, seen)
		}
	}
	if status := anonymous(t, c, testIssuer+oidc.DiscoveryPath); status != http.StatusNotFound {
		t.Errorf("the document is still there: status %d", status)
	}
}
