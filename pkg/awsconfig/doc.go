// Package awsconfig reads ~/.aws/config as its readers do, and changes one
// section of it as a guest.
//
// Three programs must agree about the file: the AWS CLI (Python's
// RawConfigParser, then botocore), the AWS SDK for Go, and the tools built on
// ini.v1. They differ in many corners, and ini.v1 cannot write the file back
// without loss, so [Edit] works on the lines: ini.v1 renders the section that
// is touched, a splice puts it in, and every byte outside it stays as it was.
// The result is read again in all three ways before the file is replaced.
//
// What a profile holds, and whose it is, is the caller's business.
package awsconfig
