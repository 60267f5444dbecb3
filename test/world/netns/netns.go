// Package netns makes the private network of a world: addresses of its own on
// the loopback device, a hosts file in which the true names of AWS lead to
// them, and, for a round trip, a second network joined to it by a slow link.
//
// The addresses are from 192.0.2.0/24, which is reserved for documentation
// (RFC 5737), because VersityGW, like any careful server, refuses to fetch an
// issuer's documents from loopback and private addresses.
package netns

import (
	"fmt"
	"sort"
	"strings"
)

// Addresses of a world.
const (
	// AWS is where IAM, STS and S3 answer.
	AWS = "192.0.2.10"
	// API is where the Kubernetes API server answers.
	API = "192.0.2.20"

	nearEnd = "192.0.2.253" // the servers' end of the slow link
	farEnd  = "192.0.2.254" // the clients' end of the slow link
)

// Hosts is the text of an /etc/hosts (hosts(5)) that knows this machine and
// leads each of names to the address given. Names are sorted, one a line.
func Hosts(hostname string, names map[string]string) string {
	var b strings.Builder
	b.WriteString("127.0.0.1 localhost\n::1 localhost\n")
	if hostname != "" && hostname != "localhost" {
		fmt.Fprintf(&b, "127.0.1.1 %s\n", hostname)
	}
	sorted := make([]string, 0, len(names))
	for name := range names {
		sorted = append(sorted, name)
	}
	sort.Strings(sorted)
	for _, name := range sorted {
		b.WriteString(HostsLine(names[name], name))
	}
	return b.String()
}

// HostsLine is one line of a hosts file, which may be appended to one in use.
func HostsLine(address, name string) string { return address + " " + name + "\n" }

// BucketHosts are the virtual-hosted names of a bucket: the region's, and the
// global one that version 1 of the AWS CLI uses in us-east-1.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html
func BucketHosts(bucket string) []string {
	return []string{bucket + ".s3.us-east-1.amazonaws.com", bucket + ".s3.amazonaws.com"}
}

// ServiceHosts are the names of the services of AWS that a world has.
func ServiceHosts() []string {
	return []string{
		"iam.amazonaws.com", "sts.amazonaws.com", "sts.us-east-1.amazonaws.com",
		"s3.amazonaws.com", "s3.us-east-1.amazonaws.com",
	}
}
