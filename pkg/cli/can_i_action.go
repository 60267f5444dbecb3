package cli

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/hint"
)

// operations are those of the APIs that IAM knows by another name, each with the
// action that permits it:
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html,
// https://docs.aws.amazon.com/lambda/latest/dg/lambda-api-permissions-ref.html.
var operations = map[string]string{
	"lambda:Invoke":              "lambda:InvokeFunction",
	"s3:CompleteMultipartUpload": "s3:PutObject",
	"s3:CopyObject":              "s3:PutObject",
	"s3:CreateMultipartUpload":   "s3:PutObject",
	"s3:DeleteObjects":           "s3:DeleteObject",
	"s3:GetBucketEncryption":     "s3:GetEncryptionConfiguration",
	"s3:GetBucketLifecycle":      "s3:GetLifecycleConfiguration",
	"s3:GetBucketReplication":    "s3:GetReplicationConfiguration",
	"s3:GetPublicAccessBlock":    "s3:GetBucketPublicAccessBlock",
	"s3:HeadBucket":              "s3:ListBucket",
	"s3:HeadObject":              "s3:GetObject",
	"s3:ListBuckets":             "s3:ListAllMyBuckets",
	"s3:ListMultipartUploads":    "s3:ListBucketMultipartUploads",
	"s3:ListObjectVersions":      "s3:ListBucketVersions",
	"s3:ListObjects":             "s3:ListBucket",
	"s3:ListObjectsV2":           "s3:ListBucket",
	"s3:ListParts":               "s3:ListMultipartUploadParts",
	"s3:PutBucketEncryption":     "s3:PutEncryptionConfiguration",
	"s3:PutBucketLifecycle":      "s3:PutLifecycleConfiguration",
	"s3:PutBucketReplication":    "s3:PutReplicationConfiguration",
	"s3:PutPublicAccessBlock":    "s3:PutBucketPublicAccessBlock",
	"s3:UploadPart":              "s3:PutObject",
	"s3:UploadPartCopy":          "s3:PutObject",
}

// slip is by how many letters an action may be mistyped.
const slip = 2

// meant says what else was probably asked, "" where there is no sign of it. IAM
// answers "no" to an action that does not exist.
func meant(action string) string {
	for operation, permission := range operations {
		if strings.EqualFold(operation, action) {
			return fmt.Sprintf("%s is an operation, and no action of IAM's: ask for %s", operation, permission)
		}
	}
	actions := slices.Sorted(maps.Values(operations))
	if slices.ContainsFunc(actions, func(known string) bool { return strings.EqualFold(known, action) }) {
		return ""
	}
	for _, known := range actions {
		if hint.Distance(strings.ToLower(action), strings.ToLower(known)) <= slip {
			return fmt.Sprintf("is %s meant?", known)
		}
	}
	return ""
}
