package issuer

import "testing"

func TestOpeningABucketPolicy(t *testing.T) {
	const ours = `{"Sid":"KubectlIrsaPublicDocuments","Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":["arn:aws:s3:::b/d","arn:aws:s3:::b/k"]}`
	const deny = `{"Sid":"TLS", "Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::b/*","Condition":{"Bool":{"aws:SecureTransport":"false"}, "X":{"a<b":"&"}}}`
	tests := map[string]struct{ policy, want string }{
		"none yet":                          {"", `{"Version":"2012-10-17","Statement":[` + ours + `]}`},
		"others stay byte for byte":         {`{"Id":"x","Statement":[` + deny + `],"Version":"2008-10-17"}`, `{"Id":"x","Statement":[` + deny + `,` + ours + `],"Version":"2008-10-17"}`},
		"a single statement in no brackets": {`{"Version":"2012-10-17","Statement":` + deny + `}`, `{"Version":"2012-10-17","Statement":[` + deny + `,` + ours + `]}`},
		"ours is there":                     {`{"Version":"2012-10-17","Statement":[` + deny + `,` + ours + `]}`, ""},
		"someone opened both": {
			`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},"Action":["s3:GetObject"],"Resource":"arn:aws:s3:::b/d"},{"Effect":"Allow","Principal":"*","Action":"s3:Get*","Resource":["arn:aws:s3:::b/k"]}]}`, "",
		},
		"ours gains an object": {
			`{"Version":"2012-10-17","Statement":[{"Sid":"KubectlIrsaPublicDocuments","Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/d"}]}`,
			`{"Version":"2012-10-17","Statement":[` + ours + `]}`,
		},
		"a conditional allowance does not count": {
			`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":["arn:aws:s3:::b/d","arn:aws:s3:::b/k"],"Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}}]}`,
			`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":["arn:aws:s3:::b/d","arn:aws:s3:::b/k"],"Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}},` + ours + `]}`,
		},
		"an allowance for one account does not count": {
			`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"s3:*","Resource":["arn:aws:s3:::b/d","arn:aws:s3:::b/k"]}]}`,
			`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"s3:*","Resource":["arn:aws:s3:::b/d","arn:aws:s3:::b/k"]},` + ours + `]}`,
		},
	}
	arns := []string{"arn:aws:s3:::b/d", "arn:aws:s3:::b/k"}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			got, changed, err := openPolicy(tc.policy, arns)
			if err != nil || changed != (tc.want != "") || changed && got != tc.want {
				t.Errorf("changed %t, %v\ngot  %s\nwant %s", changed, err, got, tc.want)
			}
			if !changed {
				return
			}
			if _, again, err := openPolicy(got, arns); again || err != nil {
				t.Errorf("opening it once more changed it again, or %v", err)
			}
		})
	}
	for _, broken := range []string{"[]", "{", `{"Statement":"x"}`, "null"} {
		if _, _, err := openPolicy(broken, arns); err == nil {
			t.Errorf("%s was taken for a policy", broken)
		}
	}
}
