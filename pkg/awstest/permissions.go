package awstest

import "strings"

// permissions are those of the operation, and those that its parameters take
// besides: tags of what is created, and the ownership of a new bucket. Whoever
// may not list a bucket is refused an object that is not there:
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html.
func (c *call) permissions() []string {
	if c.service != "iam" && c.service != "s3" {
		return nil
	}
	own := c.service + ":" + c.action
	if c.service == "s3" {
		own, _ = c.s3Permission()
	}
	all := []string{own}
	switch {
	case own == "s3:CreateBucket" && c.r.Header.Get("X-Amz-Object-Ownership") != "":
		all = append(all, "s3:PutBucketOwnershipControls")
	case own == "s3:GetObject":
		all = append(all, "s3:ListBucket")
	case strings.HasPrefix(own, "iam:Create") && c.form.Has("Tags.member.1.Key"):
		all = append(all, "iam:Tag"+strings.TrimPrefix(own, "iam:Create"))
	}
	return all
}
