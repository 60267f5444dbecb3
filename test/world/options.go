package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/kubectl-irsa/kubectl-irsa/test/world/awsplane"
	"github.com/kubectl-irsa/kubectl-irsa/test/world/controlplane"
	"github.com/kubectl-irsa/kubectl-irsa/test/world/netns"
)

// options say what kind of world to make.
type options struct {
	SigningKey         string        // rsa or ecdsa
	ExtraIssuers       []string      // whose tokens the API server accepts too
	Bucket             string        // of the issuer's documents
	IssuerPath         string        // of the issuer, no slash at its ends
	PathStyle          bool          // the issuer has the bucket in its path
	JWKSURI            string        // in the API server's discovery document
	Audience           string        // the provider's client id
	Buckets            []string      // more names that lead to S3
	Hosts              []string      // more names that lead to the AWS servers
	RoundTrip          time.Duration // between the command and all servers
	MaxTokenExpiration time.Duration // zero: the API server's default
	AnonymousDiscovery bool          // everybody may read the API server's documents
	Bare               bool          // nothing set up
	NoNamespace        bool          // the API server on loopback, a double of AWS
	Keep               bool          // the directory stays when the world ends
	Plugin             string        // directory put first on PATH
	Command            []string      // the program and its arguments
	Welcome            bool          // say first what there is
}

const (
	regionalS3     = "s3." + awsplane.Region + ".amazonaws.com"
	defaultIssuer  = "cluster-issuer"
	defaultCommand = "/bin/sh"
)

// spareBuckets are names that lead to S3 in every world, for buckets to make.
var spareBuckets = []string{"spare-1", "spare-2", "spare-3", "spare-4", "spare-5"}

const usage = `Usage: go run ./test/world [options] [--] [COMMAND [ARGUMENT ...]]
       go run ./test/world build
       "$IRSA_WORLD_BIN" control VERB [ARGUMENT ...]    (inside a world)

Runs COMMAND (a shell, when there is none) beside real servers, with its exit code.

Options:
`

// parse reads a command line. Help and complaints go to out.
func parse(args []string, out io.Writer) (options, error) {
	o := options{}
	flags := flag.NewFlagSet("world", flag.ContinueOnError)
	flags.SetOutput(out)
	flags.StringVar(&o.SigningKey, "signing-key", controlplane.RSA, "kind of the key that signs tokens: rsa or ecdsa")
	flags.Func("extra-issuer", "another `URL` whose tokens the API server accepts (may be repeated)", list(&o.ExtraIssuers))
	flags.StringVar(&o.Bucket, "issuer-bucket", defaultIssuer, "`name` of the bucket that the issuer's documents are in")
	flags.StringVar(&o.IssuerPath, "issuer-path", "", "`path` of the issuer in the bucket")
	flags.BoolVar(&o.PathStyle, "path-style", false, "an issuer of the form https://"+regionalS3+"/BUCKET")
	flags.StringVar(&o.JWKSURI, "jwks-uri", "", "jwks_uri in the API server's discovery document, a `URL` (default: its own address)")
	flags.StringVar(&o.Audience, "audience", "sts.amazonaws.com", "`audience` that the provider and the role accept")
	flags.Func("bucket", "another bucket `name` that leads to S3 (may be repeated)", list(&o.Buckets))
	flags.Func("host", "another host `name` under amazonaws.com that leads to the servers (may be repeated)", list(&o.Hosts))
	flags.DurationVar(&o.RoundTrip, "rtt", 0, "round-trip time to add between the command and all servers, such as 20ms")
	flags.DurationVar(&o.MaxTokenExpiration, "max-token-expiration", 0, "longest life of a token, from 1h")
	flags.BoolVar(&o.AnonymousDiscovery, "anonymous-discovery", false, "everybody may read the API server's discovery document and keys")
	flags.BoolVar(&o.Bare, "bare", false, "set nothing up: no bucket, provider, role, namespace or ServiceAccount")
	flags.BoolVar(&o.NoNamespace, "no-namespace", false, "the API server on loopback and a double of AWS, as where there are no namespaces")
	flags.BoolVar(&o.Keep, "keep", false, "leave the world's directory, with its logs, when it ends")
	flags.StringVar(&o.Plugin, "plugin", "", "`directory` to put first on PATH")
	flags.Usage = func() {
		fmt.Fprint(out, usage)
		flags.PrintDefaults()
		fmt.Fprint(out, "\nVerbs inside a world:\n"+verbHelp())
	}
	if err := flags.Parse(args); err != nil {
		return options{}, err
	}
	o.IssuerPath = strings.Trim(o.IssuerPath, "/")
	o.Command = flags.Args()
	if len(o.Command) == 0 {
		o.Command, o.Welcome = []string{shell()}, true
	}
	return o, o.check()
}

// list is a flag that may be repeated.
func list(to *[]string) func(string) error {
	return func(value string) error {
		*to = append(*to, value)
		return nil
	}
}

func shell() string {
	if name := os.Getenv("SHELL"); name != "" {
		return name
	}
	return defaultCommand
}

// bucketName is what S3 takes, without dots: a certificate's wildcard, and so
// an issuer with a virtual host, has no room for them.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
var bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$`)

func (o options) check() error {
	if o.SigningKey != controlplane.RSA && o.SigningKey != controlplane.ECDSA {
		return fmt.Errorf("--signing-key %q: use %s or %s", o.SigningKey, controlplane.RSA, controlplane.ECDSA)
	}
	for _, name := range append([]string{o.Bucket}, o.Buckets...) {
		if !bucketName.MatchString(name) {
			return fmt.Errorf("%q is no bucket name: use 3 to 63 lower-case letters, digits and hyphens", name)
		}
	}
	if o.RoundTrip < 0 {
		return errors.New("--rtt is negative")
	}
	if o.MaxTokenExpiration != 0 && o.MaxTokenExpiration < time.Hour {
		return errors.New("--max-token-expiration is under 1h, which the API server refuses")
	}
	return nil
}

// issuer is the URL that tokens name and AWS fetches documents below.
func (o options) issuer() string {
	url := "https://" + o.Bucket + "." + regionalS3
	if o.PathStyle {
		url = "https://" + regionalS3 + "/" + o.Bucket
	}
	if o.IssuerPath != "" {
		url += "/" + o.IssuerPath
	}
	return url
}

// names are the host names of a private network and where each leads.
func (o options) names() map[string]string {
	names := map[string]string{}
	for _, host := range append(netns.ServiceHosts(), o.Hosts...) {
		names[host] = netns.AWS
	}
	buckets := append([]string{o.Bucket, dataBucket}, spareBuckets...)
	for _, bucket := range append(buckets, o.Buckets...) {
		for _, host := range netns.BucketHosts(bucket) {
			names[host] = netns.AWS
		}
	}
	return names
}
