// Package awsapi makes clients of AWS from its SDK's configuration, opens the
// connection to STS ahead of its first request, and says what an AWS error is in
// one line. It knows nothing of clusters or profiles.
package awsapi
