package cli

import "testing"

func TestAnActionThatIsNoneIsTheOneThatWasMeant(t *testing.T) {
	for action, want := range map[string]string{
		"s3:ListObjectsV2":    "s3:ListObjectsV2 is an operation, and no action of IAM's: ask for s3:ListBucket",
		"S3:headobject":       "s3:HeadObject is an operation, and no action of IAM's: ask for s3:GetObject",
		"s3:ListBuckt":        "is s3:ListBucket meant?",
		"s3:ListBucket":       "",
		"s3:PutObject":        "",
		"s3:GetObjectTagging": "",
		"iam:CreateUser":      "",
	} {
		if got := meant(action); got != want {
			t.Errorf("%s: %q, not %q", action, got, want)
		}
	}
}
