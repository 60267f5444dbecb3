package awstest

import (
	"regexp"
	"unicode/utf8"
)

// tagPattern is what IAM and S3 take in keys and values of tags:
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_Tag.html and
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_control_S3Tag.html.
var tagPattern = regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$`)

func validTagKey(key string) bool {
	return key != "" && utf8.RuneCountInString(key) <= 128 && tagPattern.MatchString(key)
}

func validTagValue(value string) bool {
	return utf8.RuneCountInString(value) <= 256 && tagPattern.MatchString(value)
}
