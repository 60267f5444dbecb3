package irsa

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseRoleARN(t *testing.T) {
	for name, tc := range map[string]struct {
		in         string
		anyAccount bool
		want       RoleARN
		wantErr    string
	}{
		"plain":                           {in: "arn:aws:iam::111122223333:role/cart", want: RoleARN{"aws", "111122223333", "/", "cart"}},
		"with a path":                     {in: "arn:aws-cn:iam::111122223333:role/team/a/cart", want: RoleARN{"aws-cn", "111122223333", "/team/a/", "cart"}},
		"a Ceph account where allowed":    {in: "arn:aws:iam::RGW12345678901234567:role/cart", anyAccount: true, want: RoleARN{"aws", "RGW12345678901234567", "/", "cart"}},
		"a Ceph account at AWS":           {in: "arn:aws:iam::RGW12345678901234567:role/cart", wantErr: "not twelve digits"},
		"eleven digits":                   {in: "arn:aws:iam::11112222333:role/cart", wantErr: `the account "11112222333" is not twelve digits`},
		"a placeholder":                   {in: "arn:aws:iam::<account>:role/cart", wantErr: "placeholder"},
		"a space at the end":              {in: "arn:aws:iam::111122223333:role/cart ", wantErr: "contains a space"},
		"quotes from a YAML file":         {in: `"arn:aws:iam::111122223333:role/cart"`, wantErr: "contains a quote"},
		"a user":                          {in: "arn:aws:iam::111122223333:user/cart", wantErr: `names "user", not a role`},
		"a session":                       {in: "arn:aws:sts::111122223333:assumed-role/cart/me", wantErr: "name the role itself"},
		"a bare name":                     {in: "cart", wantErr: "not an ARN"},
		"another partition's typo":        {in: "arn:awss:iam::111122223333:role/cart", wantErr: `"awss" is not an AWS partition`},
		"a region":                        {in: "arn:aws:iam:us-east-1:111122223333:role/cart", wantErr: "have no region"},
		"no name":                         {in: "arn:aws:iam::111122223333:role/", wantErr: "not a role's name"},
		"a name of sixty-five characters": {in: "arn:aws:iam::111122223333:role/" + strings.Repeat("x", 65), wantErr: "not a role's name"},
		"nothing":                         {in: "", wantErr: "it is empty"},
		"no account":                      {in: "arn:aws:iam:::role/cart", wantErr: "the account is missing"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := ParseRoleARN(tc.in, tc.anyAccount)
			if tc.wantErr != "" {
				if err == nil || !strings.Contains(err.Error(), tc.wantErr) {
					t.Fatalf("error %v, want one that says %q", err, tc.wantErr)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tc.want, got); d != "" {
				t.Error(d)
			}
			if got.String() != tc.in {
				t.Errorf("String() = %q, want %q", got.String(), tc.in)
			}
		})
	}
}

func TestSessionName(t *testing.T) {
	for name, tc := range map[string]struct{ user, namespace, sa, want string }{
		"plain":              {"ann", "shop", "cart", "ann-shop-cart-"},
		"a Windows domain":   {`CORP\ann`, "shop", "cart", "ann-shop-cart-"},
		"an odd user":        {"ann smith", "shop", "cart", "ann-smith-shop-cart-"},
		"nobody":             {"", "shop", "cart", "unknown-shop-cart-"},
		"long names are cut": {"ann", strings.Repeat("n", 63), "cart", "ann-" + strings.Repeat("n", 51) + "-"},
	} {
		t.Run(name, func(t *testing.T) {
			got := SessionName(tc.user, "prod", tc.namespace, tc.sa)
			if !strings.HasPrefix(got, tc.want) || len(got) != len(tc.want)+8 {
				t.Errorf("got %q, want %q and eight hex digits", got, tc.want)
			}
			if !ValidSessionName(got) {
				t.Errorf("%q is not what STS accepts", got)
			}
			if got == SessionName(tc.user, "stage", tc.namespace, tc.sa) {
				t.Error("two clusters share a session name")
			}
		})
	}
}

func TestPartitions(t *testing.T) {
	for partition, region := range partitionRegion {
		if got := PartitionOf(region); got != partition {
			t.Errorf("PartitionOf(%q) = %q, want %q", region, got, partition)
		}
		if got := (RoleARN{Partition: partition}).Region(); got != region {
			t.Errorf("region of %q = %q, want %q", partition, got, region)
		}
	}
}
